package adapter_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// newSession makes a session with a token for the API at url.
func newSession(t *testing.T, url, accessToken string) *spotipie.ClientCredentialsSession {
	t.Helper()
	session, err := spotipie.NewClientCredentialsSession(
		spotipie.Credentials{ClientID: "id", ClientSecret: "secret"},
		&spotipie.Options{APIURL: url, DisableAutoRefresh: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: accessToken, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.SetToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	return session
}

func TestMountedOnSessions(t *testing.T) {
	var asked []string
	busy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Authorization"), content))
		if busy = !busy; !busy {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Cache-Control", "private, max-age=60")
		_, _ = io.WriteString(w, "for "+r.Header.Get("Authorization"))
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()

	shared := adapter.NewCache(adapter.NewRetry(transport, quick()), nil)
	for _, user := range []string{"A", "B"} {
		session := newSession(t, server.URL, user)
		if err := session.Mount(server.URL+"/", shared); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			resp, err := session.Request(t.Context(), "GET", "/v1/me", nil)
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(resp.Body)
			if err != nil || string(content) != "for Bearer "+user {
				t.Errorf("user %s got %q, %v", user, content, err)
			}
			_ = resp.Body.Close()
		}
		resp, err := session.Request(t.Context(), "POST", "/v1/me/player/queue", &spotipie.RequestOptions{JSON: 1})
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("user %s: POST: %v, %v", user, resp, err)
		}
		_ = resp.Body.Close()
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if want := []string{
		"GET /v1/me Bearer A ", "GET /v1/me Bearer A ",
		"POST /v1/me/player/queue Bearer A 1", "POST /v1/me/player/queue Bearer A 1",
		"GET /v1/me Bearer B ", "GET /v1/me Bearer B ",
		"POST /v1/me/player/queue Bearer B 1", "POST /v1/me/player/queue Bearer B 1",
	}; !reflect.DeepEqual(asked, want) {
		t.Errorf("the server was asked %q, want %q", asked, want)
	}
}
