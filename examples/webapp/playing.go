package main

import "net/http"

// playback is what the user's player does
// (https://developer.spotify.com/documentation/web-api/reference/get-information-about-the-users-current-playback).
type playback struct {
	IsPlaying bool   `json:"is_playing"`
	Item      *track `json:"item"` // nil between tracks, and in an advertisement
	Device    struct {
		Name string `json:"name"`
	} `json:"device"`
}

// playing shows what the user listens to.
func (a *app) playing(w http.ResponseWriter, r *http.Request) {
	var now playback // stays empty if no player is on
	if err := get(r.Context(), "/v1/me/player", &now); err != nil {
		a.auth.Error(w, r, err)
		return
	}
	a.show(w, r, "playing", "Playing now", now)
}
