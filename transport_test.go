package spotipie_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// recorder sends requests on and records them.
type recorder struct {
	next     http.RoundTripper
	mu       sync.Mutex
	requests []*http.Request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// answer is a RoundTripper that answers every request itself.
type answer func(*http.Request) (*http.Response, error)

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) { return a(req) }

func ok(body string) answer {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

func get(t *testing.T, s spotipie.Session, url string, opts *spotipie.RequestOptions) *http.Response {
	t.Helper()
	resp, err := s.Request(t.Context(), http.MethodGet, url, opts)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// authorizationSeen starts a server that records the Authorization header of each
// request.
func authorizationSeen(t *testing.T) (serverURL string, seen func() []string) {
	t.Helper()
	var mu sync.Mutex
	var headers []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		headers = append(headers, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(headers) }
}

func TestTokenGoesToItsOwnOriginOnly(t *testing.T) {
	for url, want := range map[string]bool{
		"https://api.spotify.com/v1/me":                   true,
		"https://API.Spotify.com/v1/me":                   true,
		"HTTPS://api.spotify.com:443/v1/me":               true,
		"http://api.spotify.com/v1/me":                    false,
		"https://api.spotify.com:8443/v1/me":              false,
		"https://accounts.spotify.com/v1/me":              false,
		"https://api.spotify.com.example/v1/me":           false,
		"https://api.spotify.com@example.com/v1/me":       false,
		"https://example.com/?u=https://api.spotify.com/": false,
		"https://xapi.spotify.com/v1/me":                  false,
		"https://api.spotify.com./v1/me":                  false,
	} {
		t.Run(url, func(t *testing.T) {
			rec := &recorder{next: ok("")}
			s := withToken(t, &spotipie.Options{Transport: rec})
			get(t, s, url, nil)
			if got := strings.Contains(rec.requests[0].Header.Get("Authorization"), "secret-access"); got != want {
				t.Errorf("the request had the token: %t, want %t", got, want)
			}
		})
	}
}

// withToken returns a session for Spotify's own addresses that has a token.
func withToken(t *testing.T, opts *spotipie.Options) *spotipie.AuthorizationCodeSession {
	t.Helper()
	s, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{ClientID: "id", RedirectURI: "http://127.0.0.1/callback"}, opts)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "secret-access", RefreshToken: "secret-refresh", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetToken(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRedirectToAnotherHostOrPortCarriesNoToken(t *testing.T) {
	elsewhere, seen := authorizationSeen(t)
	for name, target := range map[string]string{
		"other port": elsewhere,
		"other host": strings.Replace(elsewhere, "127.0.0.1", "localhost", 1),
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.New(t)
			s := signedIn(t, server, nil)
			queue(t, server, accounts.Fault{
				Kind: accounts.FaultRespond, Target: accounts.TargetAPI,
				Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {target + "/steal"}},
			})
			before := len(seen())
			get(t, s, "/v1/me", nil)
			if got := seen()[before:]; len(got) != 1 || got[0] != "" {
				t.Errorf("the other server saw %d requests, with an Authorization header: %t", len(got), got[0] != "")
			}
		})
	}
}

func TestRedirectWithinTheAPICarriesTheToken(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	queue(t, server, accounts.Fault{
		Kind: accounts.FaultRespond, Target: accounts.TargetAPI,
		Status: http.StatusFound, Header: http.Header{"Location": {"/v1/me"}},
	})
	if resp := get(t, s, "/v1/somewhere", nil); resp.StatusCode != 200 {
		t.Errorf("status %d after the redirect, want 200", resp.StatusCode)
	}
}

func TestUnauthorizedIsRecoveredOnceForAll(t *testing.T) {
	server := spotifytest.NewWith(t, rotating())
	s := signedIn(t, server, nil)
	server.ExpireAccessTokens()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
			if err != nil {
				t.Errorf("GET: %v", err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("status %d, want 200", resp.StatusCode)
			}
		})
	}
	wg.Wait()
	expectRefreshes(t, server, 1)
}

func TestUnauthorizedReplay(t *testing.T) {
	const body = `{"uris":[]}`
	for name, test := range map[string]struct {
		body      io.Reader
		status    int
		refreshes int
		apiCalls  int
	}{
		"no body":               {nil, 204, 1, 2},
		"a body to read again":  {strings.NewReader(body), 204, 1, 2},
		"bytes":                 {bytes.NewBufferString(body), 204, 1, 2},
		"a body that is a pipe": {struct{ io.Reader }{strings.NewReader(body)}, 401, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.New(t)
			s := signedIn(t, server, nil)
			server.ExpireAccessTokens()
			resp, err := s.Request(t.Context(), http.MethodPut, "/v1/me/player/play", &spotipie.RequestOptions{Body: test.body})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
			expectRefreshes(t, server, test.refreshes)
			if n := server.Stats().APIRequests; n != test.apiCalls {
				t.Errorf("%d API requests, want %d", n, test.apiCalls)
			}
		})
	}
}

func TestReplaySendsTheWholeBodyAgain(t *testing.T) {
	var bodies []string
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	api := answer(func(req *http.Request) (*http.Response, error) {
		data, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		bodies = append(bodies, string(data))
		resp, err := ok("")(req)
		if len(bodies) == 1 {
			resp.StatusCode = http.StatusUnauthorized
		}
		return resp, err
	})
	if err := s.Mount(server.URL+"/v1", api); err != nil {
		t.Fatal(err)
	}
	resp, err := s.Request(t.Context(), http.MethodPost, "/v1/x", &spotipie.RequestOptions{JSON: map[string]int{"n": 1}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if !slices.Equal(bodies, []string{`{"n":1}`, `{"n":1}`}) {
		t.Errorf("bodies: %q", bodies)
	}
}

func TestUnauthorizedAgainIsNotReplayedTwice(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	queue(t, server, accounts.Fault{Kind: accounts.FaultExpired, Target: accounts.TargetAPI, Every: 1})
	for range 5 { // the token is not the problem, so not each refusal may cause a refresh
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", resp.StatusCode)
		}
	}
	expectRefreshes(t, server, 1)
	if n := server.Stats().APIRequests; n != 6 {
		t.Errorf("%d API requests, want 6", n)
	}
}

func TestUnauthorizedWithoutAutoRefreshIsTheCallersAnswer(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, func(o *spotipie.Options) { o.DisableAutoRefresh = true })
	server.ExpireAccessTokens()
	resp := get(t, s, "/v1/me", nil)
	if body := bodyOf(t, resp); resp.StatusCode != 401 || !strings.Contains(body, "Missing/invalid/expired access token") {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	expectRefreshes(t, server, 0)
}

func TestUnauthorizedAndRevokedSaysSo(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	server.ExpireAccessTokens()
	server.RevokeUser(s.ClientID(), "ada")
	for range 3 {
		_, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
		if !errors.Is(err, spotipie.ErrReauthorizationRequired) {
			t.Errorf("got error %v, want ErrReauthorizationRequired", err)
		}
	}
	expectRefreshes(t, server, 1)
}

func TestUnauthorizedWhileTheAccountsServiceIsDownIsTheAPIsAnswer(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	server.ExpireAccessTokens()
	for range 3 { // a caller waits, so the session tries again
		queue(t, server, accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken})
	}
	resp := get(t, s, "/v1/me", nil)
	if body := bodyOf(t, resp); resp.StatusCode != 401 || !strings.Contains(body, "Missing/invalid/expired access token") {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}

func TestCallersRequestIsNotChanged(t *testing.T) {
	scribbler := answer(func(req *http.Request) (*http.Response, error) {
		req.Header.Set("X-Added", "1")
		req.Header["Accept"] = append(req.Header["Accept"], "text/html")
		req.URL.Path += "" // a custom RoundTripper may keep the request
		return ok("")(req)
	})
	s := withToken(t, &spotipie.Options{Transport: scribbler})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.spotify.com/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	accept := append(make([]string, 0, 4), "application/json")
	req.Header["Accept"] = accept
	resp, err := s.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(req.Header) != 1 || len(req.Header["Accept"]) != 1 || !slices.Equal(accept, []string{"application/json"}) {
		t.Errorf("the caller's header became %v", req.Header)
	}
}

// closeCounter is a body that counts how often it is closed.
type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

func TestBodyIsClosedWhenThereIsNoToken(t *testing.T) {
	s, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{ClientID: "id", RedirectURI: "http://127.0.0.1/callback"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := &closeCounter{Reader: strings.NewReader("x")}
	_, err = s.Request(t.Context(), http.MethodPost, "/v1/me", &spotipie.RequestOptions{Body: body})
	if !errors.Is(err, spotipie.ErrNotAuthorized) || body.closed == 0 {
		t.Errorf("error %v, body closed %d times", err, body.closed)
	}
}

func TestMountLongestPrefixWins(t *testing.T) {
	s := withToken(t, &spotipie.Options{Transport: ok("default")})
	for prefix, body := range map[string]string{
		"https://":                                "https",
		"https://api.spotify.com":                 "api",
		"https://api.spotify.com/v1/audio":        "audio",
		"https://api.spotify.com/v1/audio-books/": "books",
	} {
		if err := s.Mount(prefix, ok(body)); err != nil {
			t.Fatal(err)
		}
	}
	for url, want := range map[string]string{
		"https://api.spotify.com/v1/me":               "api",
		"https://api.spotify.com":                     "api",
		"https://API.SPOTIFY.COM:443/v1/me":           "api",
		"https://api.spotify.com/v1/audio-features/1": "audio",
		"https://api.spotify.com/v1/audio-books/1":    "books",
		"https://api.spotify.com.example/v1/audio":    "https",
		"http://api.spotify.com/v1/audio":             "default",
	} {
		if got := bodyOf(t, get(t, s, url, nil)); got != want {
			t.Errorf("%s was sent by %q, want %q", url, got, want)
		}
	}
	if err := s.Mount("https://api.spotify.com/v1/audio", nil); err != nil {
		t.Fatal(err)
	}
	if got := bodyOf(t, get(t, s, "https://api.spotify.com/v1/audio-features/1", nil)); got != "api" {
		t.Errorf("after the mount was taken away: sent by %q", got)
	}
}

func TestMountRefusesWhatIsNoPrefix(t *testing.T) {
	s := withToken(t, nil)
	for _, prefix := range []string{"", "api.spotify.com", "v1", "//a/v1", "/v1?b=c", "ftp://x", "https:///v1", "https://a?b=c", "https://u@a/", "https://a/#f", "ht tp://"} {
		if err := s.Mount(prefix, ok("")); !errors.Is(err, spotipie.ErrMountPrefix) {
			t.Errorf("Mount(%q): %v, want ErrMountPrefix", prefix, err)
		}
	}
}

func TestRequestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		opts        *spotipie.RequestOptions
		query       string
		body        string
		contentType string
	}{
		"nil":     {nil, "a=1", "", ""},
		"params":  {&spotipie.RequestOptions{Params: url.Values{"q": {"x y"}, "a": {"2"}}}, "a=1&a=2&q=x+y", "", ""},
		"form":    {&spotipie.RequestOptions{Form: url.Values{"k": {"v&w"}}}, "a=1", "k=v%26w", "application/x-www-form-urlencoded"},
		"JSON":    {&spotipie.RequestOptions{JSON: map[string]any{"k": 1}}, "a=1", `{"k":1}`, "application/json"},
		"body":    {&spotipie.RequestOptions{Body: strings.NewReader("raw")}, "a=1", "raw", ""},
		"headers": {&spotipie.RequestOptions{JSON: 1, Headers: http.Header{"content-type": {"text/plain"}}}, "a=1", "1", "text/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			var body string
			rec := &recorder{next: answer(func(req *http.Request) (*http.Response, error) {
				if req.Body != nil {
					data, _ := io.ReadAll(req.Body)
					body = string(data)
				}
				return ok("")(req)
			})}
			s := withToken(t, &spotipie.Options{Transport: rec})
			resp, err := s.Request(t.Context(), http.MethodPost, "/v1/x?a=1", test.opts)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			req := rec.requests[0]
			if req.URL.RawQuery != test.query || body != test.body || req.Header.Get("Content-Type") != test.contentType {
				t.Errorf("query %q, body %q, content type %q", req.URL.RawQuery, body, req.Header.Get("Content-Type"))
			}
		})
	}
}

func TestRequestWithANilBody(t *testing.T) {
	for _, body := range []io.Reader{(*bytes.Buffer)(nil), (*os.File)(nil)} {
		s := withToken(t, &spotipie.Options{Transport: answer(ok(""))})
		_, err := s.Request(t.Context(), http.MethodPut, "/v1/x", &spotipie.RequestOptions{Body: body})
		if want := fmt.Sprintf("RequestOptions.Body is a nil %T", body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

func TestWithholdToken(t *testing.T) {
	rec := &recorder{next: ok("")}
	s := withToken(t, &spotipie.Options{Transport: rec})
	get(t, s, "/v1/me", &spotipie.RequestOptions{WithholdToken: true})
	if rec.requests[0].Header.Get("Authorization") != "" {
		t.Error("the request had the token")
	}
}

func TestTokenOriginsReplaceTheDefault(t *testing.T) {
	rec := &recorder{next: ok("")}
	s := withToken(t, &spotipie.Options{Transport: rec, TokenOrigins: []string{"https://gateway.example:8443"}})
	get(t, s, "https://gateway.example:8443/v1/me", nil)
	get(t, s, "https://api.spotify.com/v1/me", nil)
	if rec.requests[0].Header.Get("Authorization") == "" || rec.requests[1].Header.Get("Authorization") != "" {
		t.Error("the token did not go to the named origin and no other")
	}
}

func TestTokenEndpointRedirectIsNotFollowed(t *testing.T) {
	var leaked []byte
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { leaked, _ = io.ReadAll(r.Body) }))
	defer thief.Close()
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	queue(t, server, accounts.Fault{
		Kind: accounts.FaultRespond, Target: accounts.TargetToken,
		Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {thief.URL}},
	})
	_, err := s.RefreshToken(t.Context())
	var failed *spotipie.TokenEndpointError
	if !errors.As(err, &failed) || failed.StatusCode != http.StatusTemporaryRedirect || leaked != nil {
		t.Errorf("error %v; the other server was sent %d bytes", err, len(leaked))
	}
}

func TestRequestObeysItsContext(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Request(ctx, http.MethodGet, "/v1/me", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

func TestUnauthorizedForAnotherReasonIsNoReasonToRefresh(t *testing.T) {
	server := spotifytest.New(t)
	s, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, s)
	for range 3 { // an app's token does not work for /v1/me
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", resp.StatusCode)
		}
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
}
