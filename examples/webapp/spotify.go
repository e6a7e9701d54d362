package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// maxAnswer is the largest answer that the app reads.
const maxAnswer = 8 << 20

// track is a track in the Web API's answers
// (https://developer.spotify.com/documentation/web-api/reference/get-track).
type track struct {
	Name    string `json:"name"`
	Artists []struct {
		Name string `json:"name"`
	} `json:"artists"`
	Album struct {
		Name   string    `json:"name"`
		Images []picture `json:"images"`
	} `json:"album"`
	Milliseconds int `json:"duration_ms"`
	URLs         struct {
		Spotify string `json:"spotify"`
	} `json:"external_urls"`
}

type picture struct {
	URL   string `json:"url"`
	Width int    `json:"width"`
}

// Cover returns the address of the smallest picture that looks sharp, or "".
func (t track) Cover() string {
	cover, width := "", 0
	for _, image := range t.Album.Images {
		if cover == "" || (image.Width >= 128 && (image.Width < width || width < 128)) {
			cover, width = image.URL, image.Width
		}
	}
	return cover
}

// Duration returns how long the track is, as 3:05.
func (t track) Duration() string {
	seconds := int((time.Duration(t.Milliseconds) * time.Millisecond).Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// get sends a GET request to the Web API for the current user and decodes the answer. If
// the answer has no content, get does not change answer.
func get(ctx context.Context, path string, answer any) error {
	resp, err := web.SessionFrom(ctx).Request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := spotipie.CheckResponse(resp); err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("reading Spotify's answer: %w", err)
	}
	return nil
}
