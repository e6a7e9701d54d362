package adapter_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
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

// TestRateLimitErrorsShowNoToken uses a server that repeats the token, and a base that
// does not name the request that it answers.
func TestRateLimitErrorsShowNoToken(t *testing.T) {
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 429, fmt.Sprintf(`{"error":{"status":429,"message":"no more for %s"}}`, req.Header.Get("Authorization")), "Retry-After", "3600")
		resp.Request = nil
		return resp, nil
	})
	for name, rt := range map[string]http.RoundTripper{"retry": adapter.NewRetry(base, nil), "pause": adapter.NewPause(base, nil)} {
		session := newSession(t, apiURL, "s3cret-token")
		if err := session.Mount(apiURL, rt); err != nil {
			t.Fatal(err)
		}
		var err error
		for range 2 { // a Pause returns the first answer
			var resp *http.Response
			if resp, err = session.Request(t.Context(), "GET", apiURL, nil); err == nil {
				_ = resp.Body.Close()
			}
		}
		var limit *spotipie.RateLimitError
		if !errors.As(err, &limit) || !strings.Contains(limit.Message, "no more for") || strings.Contains(limit.Message+err.Error(), "s3cret") {
			t.Errorf("%s: %v with the message %q", name, err, limit.Message)
		}
	}
}
