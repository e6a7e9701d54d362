package spotipie_test

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func TestSecondsThatAreNone(t *testing.T) {
	for name, value := range map[string]any{
		"NaN": math.NaN(), "infinity": math.Inf(1), "minus infinity": math.Inf(-1), "1e18": 1e18,
		"NaN as text": json.Number("NaN"), "infinity as text": json.Number("Inf"), "1e400": json.Number("1e400"),
	} {
		for _, key := range []string{"expires_in", "expires_at"} {
			fields := map[string]any{"access_token": "a", "expires_in": 3600}
			fields[key] = value
			tok, err := spotipie.TokenFromMap(fields, false)
			var format *spotipie.TokenFormatError
			if !errors.As(err, &format) || format.Key != key || format.Reason != "is out of range" && format.Reason != "is not a number of seconds" {
				t.Errorf("%s as %s: %v, %v", name, key, tok, err)
			}
		}
	}
}

func TestTokenFileOverAMebibyteIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		blanks int
		taken  bool
	}{"just below": {1<<20 - len(pythonToken), true}, "just above": {1<<20 - len(pythonToken) + 1, false}, "well above": {2 << 20, false}} {
		path := filepath.Join(t.TempDir(), "token.json")
		if err := os.WriteFile(path, []byte(pythonToken+strings.Repeat(" ", test.blanks)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := spotipie.ReadTokenFile(path); (err == nil) != test.taken || err != nil && !strings.Contains(err.Error(), "1 MiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTMLOfAnErrorPageIsNoMessage(t *testing.T) {
	for name, test := range map[string]struct{ contentType, body, message string }{
		"HTML":           {"text/html; charset=utf-8", "<html><h1>Bad gateway</h1></html>", ""},
		"HTML, bare":     {"text/html", "<p>no", ""},
		"plain text":     {"text/plain", "Too many requests", "Too many requests"},
		"JSON":           {"application/json", `{"error":{"status":502,"message":"Bad gateway."}}`, "Bad gateway."},
		"JSON in HTML's": {"text/html", `{"error":{"status":502,"message":"Bad gateway."}}`, "Bad gateway."},
	} {
		resp := &http.Response{StatusCode: 502, Header: http.Header{"Content-Type": {test.contentType}}, Body: io.NopCloser(strings.NewReader(test.body))}
		var api *spotipie.APIError
		if err := spotipie.CheckResponse(resp); !errors.As(err, &api) || api.Message != test.message || strings.Contains(err.Error(), "<") {
			t.Errorf("%s: %v, want the message %q", name, err, test.message)
		}
	}
}

func TestNamesUnderLocalhostAreLocalhost(t *testing.T) {
	for uri, want := range map[string]string{
		"http://x.localhost:8080/cb": "http://127.0.0.1:8080/cb",
		"https://x.localhost/cb":     "http://127.0.0.1/cb",
		"http://A.B.LocalHost./cb":   "http://127.0.0.1/cb",
		"x.localhost:8080/cb":        "http://127.0.0.1:8080/cb",
		"https://localhost.example/": "",
		"https://notlocalhost/":      "",
		"https://x-localhost.com/cb": "",
	} {
		err := spotipie.ValidateRedirectURI(uri)
		var refused *spotipie.RedirectURIError
		if want == "" && err != nil || want != "" && (!errors.As(err, &refused) || refused.Suggestion != want) {
			t.Errorf("%s: %v, want the suggestion %q", uri, err, want)
		}
	}
}

func TestURLsThatAreNotTheAPIs(t *testing.T) {
	for target, want := range map[string]string{ // to the Authorization header; "refused" if no request is made
		"//evil.example/v1/me":            "refused",
		"//api.spotify.com/v1/me":         "refused",
		"///v1/me":                        "refused",
		"https://api.spotify.com:/v1/me":  "Bearer A0",
		"https://api.spotify.com:443/me":  "Bearer A0",
		"HTTPS://API.Spotify.com/v1/me":   "Bearer A0",
		"https://api.spotify.com:8443/me": "",
		"http://api.spotify.com/v1/me":    "",
		"https://api.spotify.com./v1/me":  "",
	} {
		seen := "refused"
		s := offline(t, answer(func(req *http.Request) (*http.Response, error) {
			seen = req.Header.Get("Authorization")
			return respond(req, http.StatusOK, "{}"), nil
		}), nil, nil)
		set(t, s, time.Hour)
		resp, err := s.Request(t.Context(), http.MethodGet, target, nil)
		if err == nil {
			_ = resp.Body.Close()
		}
		if seen != want || (err != nil) != (want == "refused") {
			t.Errorf("%s: Authorization %q, error %v, want %q", target, seen, err, want)
		}
	}
}

func TestOriginWithAnEmptyPort(t *testing.T) {
	for _, named := range []string{"https://api.example:", "https://api.example", "https://API.example:443", "https://api.example:/"} {
		var header string
		s := offline(t, answer(func(req *http.Request) (*http.Response, error) {
			header = req.Header.Get("Authorization")
			return respond(req, http.StatusOK, "{}"), nil
		}), nil, func(o *spotipie.Options) { o.TokenOrigins = []string{named} })
		set(t, s, time.Hour)
		for _, target := range []string{"https://api.example/v1", "https://api.example:/v1", "https://api.example:443/v1"} {
			header = ""
			if get(t, s, target, nil); header != "Bearer A0" {
				t.Errorf("origin %s, request to %s: Authorization %q", named, target, header)
			}
		}
	}
}

func TestQueryIsKeptAsItIs(t *testing.T) {
	for target, want := range map[string]string{
		"/v1/search?q=a;b&type=artist": "q=a;b&type=artist&limit=1",
		"/v1/search?q=100%":            "q=100%&limit=1",
		"/v1/search?b=2&a=1":           "b=2&a=1&limit=1",
		"/v1/search?q=%20x":            "q=%20x&limit=1",
		"/v1/search":                   "limit=1",
	} {
		var query string
		s := offline(t, answer(func(req *http.Request) (*http.Response, error) {
			query = req.URL.RawQuery
			return respond(req, http.StatusOK, "{}"), nil
		}), nil, nil)
		set(t, s, time.Hour)
		get(t, s, target, &spotipie.RequestOptions{Params: url.Values{"limit": {"1"}}})
		if query != want {
			t.Errorf("%s was sent with the query %q, want %q", target, query, want)
		}
	}
}

// TestRoundTripperClosesTheBody checks that the body is closed, as http.RoundTripper
// requires, even if no request is sent.
func TestRoundTripperClosesTheBody(t *testing.T) {
	s := offline(t, &services{}, nil, nil)
	for name, target := range map[string]*url.URL{
		"no token": {Scheme: "https", Host: "api.spotify.com", Path: "/v1/me"},
		"no URL":   nil,
	} {
		body := &closeCounter{Reader: strings.NewReader("x")}
		req := (&http.Request{Method: http.MethodPost, URL: target, Header: http.Header{}, Body: body}).WithContext(t.Context())
		if resp, err := s.Client().Transport.RoundTrip(req); err == nil || body.closed != 1 {
			t.Errorf("%s: %v, %v; body closed %d times", name, resp, err, body.closed)
		}
	}
}

// neverEnding is a body without data. A Read ends when the body is closed or its
// request ends.
type neverEnding struct {
	ended <-chan struct{}
	until chan struct{}
}

func (n neverEnding) Read([]byte) (int, error) {
	select {
	case <-n.ended:
	case <-n.until:
	}
	return 0, io.ErrUnexpectedEOF
}

func (n neverEnding) Close() error { close(n.until); return nil }

func Test401WhoseBodyNeverEndsIsRecovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := neverEnding{ended: t.Context().Done(), until: make(chan struct{})}
		s := offline(t, &services{api: func(req *http.Request) (*http.Response, error) {
			if req.Header.Get("Authorization") == "Bearer A1" {
				return respond(req, http.StatusOK, "{}"), nil
			}
			resp := respond(req, http.StatusUnauthorized, "")
			resp.Body = refused
			return resp, nil
		}}, nil, nil)
		set(t, s, time.Hour)
		started := time.Now()
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK || time.Since(started) != 0 {
			t.Errorf("status %d after %s", resp.StatusCode, time.Since(started))
		}
		select {
		case <-refused.until:
		default:
			t.Error("the refused answer's body was not closed")
		}
	})
}

func TestCheckAuthorizationIsNoLogin(t *testing.T) {
	s := offline(t, &services{}, nil, nil)
	_, first, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 99 { // the session keeps the latest 100
		if _, _, err := s.AuthorizationURL(nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CheckAuthorization(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FetchTokenGivenCode(t.Context(), "code", first); err != nil {
		t.Errorf("the oldest of 100 logins: %v", err)
	}
}

// TestExpiredLoginsMakeRoom checks that only logins that can still be finished count
// among the latest 100. The first login begins while the clock is ahead, so it
// outlives the others.
func TestExpiredLoginsMakeRoom(t *testing.T) {
	var wall clock
	s := offline(t, &services{}, nil, onClock(&wall))
	wall.ahead(2 * time.Hour)
	_, first, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	wall.ahead(0)
	for range 99 {
		if _, _, err := s.AuthorizationURL(nil); err != nil {
			t.Fatal(err)
		}
	}
	wall.ahead(90 * time.Minute)
	if _, _, err := s.AuthorizationURL(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FetchTokenGivenCode(t.Context(), "code", first); err != nil {
		t.Errorf("a login that can still be finished made way: %v", err)
	}
}
