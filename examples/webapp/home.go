package main

import (
	"cmp"
	"net/http"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// profile is a user as the pages show them.
type profile struct {
	Name     string
	ID       string
	ImageURL string
	Library  bool // whether the app may see the saved tracks
	Playback bool // whether the app may see what is playing
}

// home shows the first page. Without a user it shows a link to sign in.
func (a *app) home(w http.ResponseWriter, r *http.Request) {
	session := web.SessionFrom(r.Context())
	if session == nil {
		a.pages.show(w, http.StatusOK, "welcome", page{Title: "Welcome", LoginURL: a.auth.LoginURL("/")})
		return
	}
	user, err := currentUser(r, session)
	if err != nil {
		a.auth.Error(w, r, err)
		return
	}
	a.show(w, r, "home", "Home", user)
}

func currentUser(r *http.Request, session *spotipie.AuthorizationCodeSession) (profile, error) {
	user, err := spotipie.CurrentUser(r.Context(), session)
	if err != nil {
		return profile{}, err
	}
	return profile{
		Name: cmp.Or(user.DisplayName, user.ID), ID: user.ID, ImageURL: user.ImageURL,
		Library:  spotipie.RequireScope(session, spotipie.ScopeUserLibraryRead) == nil,
		Playback: spotipie.RequireScope(session, spotipie.ScopeUserReadPlaybackState) == nil,
	}, nil
}
