package main

import (
	"fmt"
	"net/http"
	"strconv"
)

const (
	tracksPerPage = 12
	maxPage       = 8000 // Spotify takes no offset over 100,000
)

// tracksPage is a page of the saved tracks. Newer and Earlier are page
// numbers, 0 where there is none.
type tracksPage struct {
	Tracks         []track
	Total          int
	First          int // number of the first track on the page
	Number, Pages  int
	Newer, Earlier int
}

// tracks shows the tracks that the user has saved, the latest first.
func (a *app) tracks(w http.ResponseWriter, r *http.Request) {
	number, ok := pageNumber(r.FormValue("page"))
	if !ok {
		http.Redirect(w, r, "/tracks", http.StatusSeeOther)
		return
	}
	// https://developer.spotify.com/documentation/web-api/reference/get-users-saved-tracks
	var answer struct {
		Total int `json:"total"`
		Items []struct {
			Track track `json:"track"`
		} `json:"items"`
	}
	offset := (number - 1) * tracksPerPage
	if err := get(r.Context(), fmt.Sprintf("/v1/me/tracks?limit=%d&offset=%d", tracksPerPage, offset), &answer); err != nil {
		a.auth.Error(w, r, err)
		return
	}
	data := tracksPage{Total: answer.Total, First: offset + 1, Number: number, Pages: max(1, (answer.Total+tracksPerPage-1)/tracksPerPage)}
	if number > data.Pages {
		http.Redirect(w, r, "/tracks?page="+strconv.Itoa(data.Pages), http.StatusSeeOther)
		return
	}
	for _, item := range answer.Items {
		data.Tracks = append(data.Tracks, item.Track)
	}
	data.Newer = number - 1
	if number < data.Pages {
		data.Earlier = number + 1
	}
	a.show(w, r, "tracks", "Saved tracks", data)
}

// pageNumber reads the number of a page. An empty text means page 1.
func pageNumber(text string) (number int, ok bool) {
	if text == "" {
		return 1, true
	}
	number, err := strconv.Atoi(text)
	return number, err == nil && 1 <= number && number <= maxPage
}
