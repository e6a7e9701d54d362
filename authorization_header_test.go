package spotipie_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// authorizations returns the values of a request's Authorization headers, in any
// spelling.
func authorizations(h http.Header) []string {
	var all []string
	for name, values := range h {
		if strings.EqualFold(name, "Authorization") {
			all = append(all, values...)
		}
	}
	return all
}

// TestOneAuthorizationHeader checks that the token replaces the caller's header in
// any spelling, also when the request is sent again.
func TestOneAuthorizationHeader(t *testing.T) {
	for name, header := range map[string]http.Header{
		"none":            nil,
		"canonical":       {"Authorization": {"Bearer mine"}},
		"lower case":      {"authorization": {"Bearer mine"}},
		"upper case":      {"AUTHORIZATION": {"Bearer mine"}},
		"mixed":           {"aUtHoRiZaTiOn": {"Bearer mine"}},
		"several values":  {"authorization": {"Bearer mine", "Basic mine"}},
		"every spelling":  {"authorization": {"a"}, "Authorization": {"b"}, "AUTHORIZATION": {"c"}},
		"an empty list":   {"authorization": {}},
		"others beside":   {"authorization": {"Bearer mine"}, "x-trace": {"1"}, "Proxy-Authorization": {"Basic proxy"}},
		"a like one":      {"Authorization-Info": {"1"}, "authorizatiom": {"2"}},
		"under the token": {"token": {"1"}},
	} {
		for how, send := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *http.Request) (*http.Response, error){
			"Do": func(_ *testing.T, s *spotipie.AuthorizationCodeSession, req *http.Request) (*http.Response, error) {
				return s.Do(req)
			},
			"Request": func(t *testing.T, s *spotipie.AuthorizationCodeSession, req *http.Request) (*http.Response, error) {
				return s.Request(t.Context(), req.Method, req.URL.String(), &spotipie.RequestOptions{Headers: req.Header})
			},
			"Client": func(_ *testing.T, s *spotipie.AuthorizationCodeSession, req *http.Request) (*http.Response, error) {
				return s.Client().Do(req)
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				var seen [][]string
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen = append(seen, r.Header.Values("Authorization"))
					switch {
					case len(seen) == 1:
						http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
					case len(seen) == 2:
						w.WriteHeader(http.StatusUnauthorized) // makes the session renew the token
					}
				}))
				defer server.Close()
				defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
				s := offline(t, tokensBeside(http.DefaultTransport), nil, func(o *spotipie.Options) { o.APIURL = server.URL })
				set(t, s, time.Hour)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/me", nil)
				if err != nil {
					t.Fatal(err)
				}
				if header != nil {
					req.Header = header.Clone()
				}
				resp, err := send(t, s, req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				want := [][]string{{"Bearer A0"}, {"Bearer A0"}, {"Bearer A1"}}
				if !slices.EqualFunc(seen, want, slices.Equal) {
					t.Errorf("the server saw %q, want %q", seen, want)
				}
			})
		}
	}
}

// tokensBeside answers token requests itself and sends other requests on.
func tokensBeside(next http.RoundTripper) http.RoundTripper {
	return &services{api: next.RoundTrip}
}

// TestWhoSeesTheAnswerDoesNotSeeTheToken checks that the token is neither in the
// answer's Request nor in the requests of the redirects before it.
func TestWhoSeesTheAnswerDoesNotSeeTheToken(t *testing.T) {
	for name, test := range map[string]struct {
		to     string // redirects there
		opts   *spotipie.RequestOptions
		status int // of the first answer
	}{
		"an answer":                  {"", nil, 200},
		"an error":                   {"", nil, 404},
		"a 401 that is recovered":    {"", nil, 401},
		"a redirect within the API":  {"https://api.spotify.com/elsewhere", nil, 302},
		"a redirect to another host": {"https://elsewhere.example/", nil, 302},
		"a redirect with a body":     {"https://elsewhere.example/", &spotipie.RequestOptions{JSON: 1}, 307},
	} {
		t.Run(name, func(t *testing.T) {
			var leaks []string
			look := func(where string, req *http.Request) {
				for ; req != nil; req = req.Response.Request {
					if got := authorizations(req.Header); strings.Contains(strings.Join(got, " "), "A0") || strings.Contains(strings.Join(got, " "), "A1") {
						leaks = append(leaks, where)
					}
					if req.Response == nil {
						return
					}
				}
			}
			first := true
			spotify := &services{}
			spotify.api = func(req *http.Request) (*http.Response, error) {
				if req.URL.Host != "api.spotify.com" {
					look("the other host's RoundTripper", req)
				} else if req.Response != nil {
					look("the redirected request's past", req.Response.Request)
				}
				if !first {
					return respond(req, http.StatusOK, ""), nil
				}
				first = false
				return respond(req, test.status, "", "Location", test.to), nil
			}
			s := offline(t, spotify, nil, nil)
			set(t, s, time.Hour)
			resp, err := s.Request(t.Context(), http.MethodPost, "/v1/x", test.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			look("the caller", resp.Request)
			if len(leaks) > 0 {
				t.Errorf("the token was seen by %s", leaks)
			}
			if resp.Request == nil || resp.Request.URL == nil || test.to != "" && resp.Request.URL.String() != test.to {
				t.Errorf("the answer's request is %v, want the one it answers", resp.Request)
			}
		})
	}
}

// TestRedirectPolicyOfAClientDoesNotSeeTheToken checks the requests that
// CheckRedirect gets, also those in via.
func TestRedirectPolicyOfAClientDoesNotSeeTheToken(t *testing.T) {
	spotify := &services{api: func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/" {
			return respond(req, http.StatusOK, "end"), nil
		}
		return respond(req, http.StatusFound, "", "Location", "https://elsewhere.example/"), nil
	}}
	s := offline(t, spotify, nil, nil)
	set(t, s, time.Hour)
	client := s.Client()
	calls := 0
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		calls++
		for _, r := range append(via, req, req.Response.Request) {
			if got := authorizations(r.Header); len(got) > 0 {
				t.Errorf("saw %q", got)
			}
		}
		return nil
	}
	resp, err := client.Get("https://api.spotify.com/v1/me")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "end" || calls != 1 {
		t.Errorf("got %q after %d redirects", body, calls)
	}
}
