package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
)

const (
	sessionLifetime = 30 * 24 * time.Hour
	userKey         = "spotify_user"
)

// sessions implements web.Sessions with scs. scs keeps each session on the server and
// gives the browser its random id.
type sessions struct{ *scs.SessionManager }

func newSessions(store scs.Store, isHTTPS bool) sessions {
	manager := scs.New()
	manager.Store = store
	manager.HashTokenInStore = true // so that nobody can sign in with an id from the table
	manager.Lifetime = sessionLifetime
	manager.Cookie.Name = "tune-keeper"
	if isHTTPS {
		manager.Cookie.Name = "__Host-tune-keeper"
		manager.Cookie.Secure = true
	}
	return sessions{manager}
}

// SignIn implements web.Sessions. The session gets a new id, because somebody may know
// the old one.
func (s sessions) SignIn(_ http.ResponseWriter, r *http.Request, user string) error {
	if err := s.RenewToken(r.Context()); err != nil {
		return err
	}
	s.Put(r.Context(), userKey, user)
	return nil
}

// User implements web.Sessions.
func (s sessions) User(r *http.Request) (string, error) {
	return s.GetString(r.Context(), userKey), nil
}

// SignOut implements web.Sessions.
func (s sessions) SignOut(_ http.ResponseWriter, r *http.Request) error {
	return s.Destroy(r.Context())
}

// signOutEverywhere ends the user's sessions in all browsers. It reads all sessions. An
// app with very many sessions should keep a table with the user of each.
func (s sessions) signOutEverywhere(ctx context.Context, user string) error {
	err := s.Iterate(ctx, func(session context.Context) error {
		if s.GetString(session, userKey) != user {
			return nil
		}
		return s.Store.Delete(s.Token(session)) // Destroy would hash the id a second time
	})
	if err != nil {
		return fmt.Errorf("ending the user's sessions: %w", err)
	}
	return nil
}
