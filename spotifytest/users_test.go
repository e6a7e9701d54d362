package spotifytest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// Each of several sessions belongs to its own user, and what happens to one user does
// not affect the other.
func TestSessionAs(t *testing.T) {
	server := spotifytest.New(t)
	users := []string{"grace", "ada"}
	sessions := []*spotipie.AuthorizationCodeSession{server.SessionAs(t, users[0]), server.SessionAs(t, users[1])}
	for i, user := range users {
		if got := profile(t, sessions[i]); !strings.Contains(got, `"id":"`+user+`"`) {
			t.Errorf("as %s: %s", user, got)
		}
	}

	server.ExpireAccessTokensOf("grace")
	server.RevokeUser(server.Credentials().ClientID, "grace")
	if _, err := sessions[0].Request(t.Context(), http.MethodGet, "/v1/me", nil); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
		t.Errorf("grace: error %v, want ErrReauthorizationRequired", err)
	}
	profile(t, sessions[1])
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 2, RefreshToken: 1})
	server.LoginAs(t, sessions[0], "grace")
	profile(t, sessions[0])
}

func TestSessionAsNobody(t *testing.T) {
	server := spotifytest.New(t)
	failures := run(func(t testing.TB) { server.SessionAs(t, "eve") })
	if len(failures) != 1 || !strings.Contains(failures[0], `there is no user "eve"`) {
		t.Errorf("failures %q", failures)
	}
}

// An endpoint that the test adds refuses an expired token, so a session renews it.
func TestOwnEndpoint(t *testing.T) {
	server := spotifytest.New(t)
	err := server.Handle("GET /v1/audio-features/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := accounts.CallerOf(r.Context())
		fmt.Fprintf(w, "%s of %s", r.PathValue("id"), caller.UserID)
	}))
	if err != nil {
		t.Fatal(err)
	}
	session := server.Session(t)
	server.ExpireAccessTokens()
	resp, err := session.Request(t.Context(), http.MethodGet, "/v1/audio-features/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "x of ada" {
		t.Errorf("got %q, %v", got, err)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
}
