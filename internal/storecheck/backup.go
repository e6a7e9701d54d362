package storecheck

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// FilesArePutBack tests a store that keeps each record in a file, when somebody puts
// an older file of the same key back. The store must accept the file. A session that
// has the newer token or the logout in memory must save it again. A session without it
// sends a refresh token that was used up, and must learn that the user has to sign in
// again.
func FilesArePutBack(t *testing.T, open func() spotipie.Store, file func(spotipie.Key) string) {
	t.Helper()
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	session := func() *spotipie.AuthorizationCodeSession {
		o := server.Options()
		o.Store, o.Profile = open(), "ada"
		s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := session()
	server.Login(t, first)
	old := first.CurrentToken()
	backup, err := os.ReadFile(file(first.Key()))
	if err != nil {
		t.Fatal(err)
	}
	putBack := func() {
		t.Helper()
		if err := os.WriteFile(file(first.Key()), backup, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	finds := func(s *spotipie.AuthorizationCodeSession, what string, want *spotipie.Token) {
		t.Helper()
		if got, err := s.Load(t.Context()); err != nil || (got == nil) != (want == nil) || got != nil && !got.Equal(want) {
			t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
	end := func(s *spotipie.AuthorizationCodeSession) { // saves what is not saved yet
		t.Helper()
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}

	renewed, err := first.RefreshToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	putBack()
	finds(first, "with the newer token in memory", renewed)
	end(first)
	second := session()
	finds(second, "after that was saved again", renewed)
	end(second)

	putBack()
	third := session()
	finds(third, "without the newer token", old)
	server.Advance(2 * time.Hour)
	if _, err := third.Token(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
		t.Errorf("with a refresh token that was used up: %v", err)
	}
	server.Login(t, third)
	if backup, err = os.ReadFile(file(third.Key())); err != nil {
		t.Fatal(err)
	}
	again := third.CurrentToken()

	if err := third.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	putBack()
	finds(third, "with the logout in memory", nil)
	end(third)
	fourth := session()
	finds(fourth, "after the logout was saved again", nil)
	end(fourth)
	putBack()
	fifth := session()
	finds(fifth, "without the logout", again)
	end(fifth)
}
