package spotipie

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// User is the user who has authorized a session, as the Web API describes them
// to an app
// (https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile).
type User struct {
	// AccountID is the user's public, immutable id for your service, since May
	// 2026
	// (https://developer.spotify.com/documentation/web-api/references/changes/may-2026).
	// It is empty if the service does not have it yet: see Key.
	AccountID string
	// ID is the user name or id of the profile.
	ID          string
	DisplayName string // may be empty
	// ImageURL is the address of a picture, the largest there is. It may be
	// empty.
	ImageURL string
}

// Key returns the id that a program should use for the user: AccountID, or ID
// if that is empty.
func (u User) Key() string {
	if u.AccountID != "" {
		return u.AccountID
	}
	return u.ID
}

// maxUser is how much is read of a user's profile.
const maxUser = 256 << 10

// CurrentUser asks the Web API who has authorized the session (GET /v1/me). It
// needs no scope. Errors are those of [Session].Request and of [CheckResponse];
// an answer that names no user is an error too. A session of the app itself has
// no user and gets an [*APIError].
func CurrentUser(ctx context.Context, s Session) (*User, error) {
	resp, err := s.Request(ctx, http.MethodGet, "/v1/me", nil)
	if err != nil {
		return nil, err
	}
	if err := CheckResponse(resp); err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		AccountID   string `json:"account_id"`
		ID          string `json:"id"`
		DisplayName string `json:"display_name"`
		Images      []struct {
			URL   string `json:"url"`
			Width int    `json:"width"`
		} `json:"images"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxUser)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("spotipie: reading the user's profile: %w", err)
	}
	user := &User{AccountID: answer.AccountID, ID: answer.ID, DisplayName: answer.DisplayName}
	widest := -1
	for _, image := range answer.Images {
		if image.Width > widest {
			widest, user.ImageURL = image.Width, image.URL
		}
	}
	if user.Key() == "" {
		return nil, fmt.Errorf("spotipie: the user's profile has neither account_id nor id: is %s the Web API?", s.base().app.apiURL)
	}
	return user, nil
}
