package accounts_test

import (
	"net/http"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// The rules of concepts/redirect_uri: an exact match, except for the port of a loopback
// literal that is registered without one.
func TestRedirectRules(t *testing.T) {
	const mismatch, insecure, illegal = "redirect_uri: Not matching configuration", "INVALID_CLIENT: Insecure redirect URI", "Illegal redirect_uri"
	tests := []struct{ registered, requested, want string }{
		{"https://a.example/cb", "https://a.example/cb", ""},
		{"https://a.example/cb", "https://a.example/cb/", mismatch},
		{"https://a.example/cb/", "https://a.example/cb", mismatch},
		{"https://a.example/cb", "https://a.example/CB", mismatch},
		{"https://a.example/cb", "https://A.example/cb", mismatch},
		{"https://a.example/cb", "https://a.example:443/cb", mismatch},
		{"https://a.example/cb", "https://a.example/cb?x=1", mismatch},
		{"https://a.example/cb", "https://a.example/x/../cb", mismatch},
		{"https://a.example/cb", "https://a.example.evil.example/cb", mismatch},
		{"https://a.example/cb", "https://user@a.example/cb", illegal},
		{"https://a.example/cb", "http://a.example/cb", mismatch},
		{"https://a.example/cb", "javascript:alert(1)", illegal},
		{"https://a.example/cb", "https://a.example/cb\r\nX: y", illegal},
		{"https://a.example/cb", "https://a.example/çb", illegal},
		{"http://127.0.0.1/cb", "http://127.0.0.1/cb", ""},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", ""},
		{"http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", ""},
		{"http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", mismatch},
		{"http://127.0.0.1/cb", "http://127.0.0.1:0/cb", mismatch},
		{"http://127.0.0.1/cb", "http://127.0.0.1:080/cb", mismatch},
		{"http://127.0.0.1/cb", "http://127.0.0.1:/cb", mismatch},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8080/other", mismatch},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb?x=1", mismatch},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8080@evil.example/cb", illegal},
		{"http://127.0.0.1/cb", "http://[::1]:8080/cb", mismatch},
		{"http://127.0.0.1/cb", "https://127.0.0.1:8080/cb", mismatch},
		{"http://127.0.0.1/cb", "http://localhost:8080/cb", mismatch},
		{"http://127.0.0.1", "http://127.0.0.1:9", ""},
		{"http://127.0.0.1?a=b", "http://127.0.0.1:9?a=b", ""},
		{"http://127.0.0.1:8080/cb", "http://127.0.0.1:8080/cb", ""},
		{"http://127.0.0.1:8080/cb", "http://127.0.0.1:8081/cb", mismatch},
		{"http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", mismatch},
		{"http://127.0.0.1.evil.example/cb", "http://127.0.0.1:80.evil.example/cb", illegal},
		{"http://127.0.0.1.evil.example/cb", "http://127.0.0.1.evil.example/cb", insecure},
		{"http://[::1]/cb", "http://[::1]:8080/cb", ""},
		{"http://[::1]/cb", "http://[0:0:0:0:0:0:0:1]:8080/cb", mismatch},
		{"http://127.0.0.2/cb", "http://127.0.0.2:8080/cb", mismatch},
		{"http://127.0.0.2/cb", "http://127.0.0.2/cb", insecure},
		{"http://a.example/cb", "http://a.example/cb", insecure},
		{"http://localhost/cb", "http://localhost:8080/cb", mismatch},
		{"http://localhost/cb", "http://localhost/cb", insecure},
		{"https://LocalHost/cb", "https://LocalHost/cb", insecure},
		{"com.example.app://callback", "com.example.app://callback", ""},
	}
	for _, test := range tests {
		t.Run(test.registered+" "+test.requested, func(t *testing.T) {
			w := newWorld(t, accounts.Options{AutoApprove: true, Apps: []accounts.App{
				{ClientID: clientID, ClientSecret: clientSecret, RedirectURIs: []string{test.registered}},
			}})
			a := w.authorize("redirect_uri", test.requested)
			if test.want == "" {
				a.location(t)
				return
			}
			a.expect(t, http.StatusBadRequest, test.want, "Location", "")
		})
	}
}

// A redirect URI keeps its own query.
func TestRedirectQueryIsKept(t *testing.T) {
	for registered, want := range map[string]string{
		"https://a.example/cb":      "https://a.example/cb?error=access_denied&state=xyz",
		"https://a.example/cb?":     "https://a.example/cb?error=access_denied&state=xyz",
		"https://a.example/cb?a=b":  "https://a.example/cb?a=b&error=access_denied&state=xyz",
		"https://a.example/cb?a=b&": "https://a.example/cb?a=b&error=access_denied&state=xyz",
	} {
		w := newWorld(t, accounts.Options{Apps: []accounts.App{
			{ClientID: clientID, ClientSecret: clientSecret, RedirectURIs: []string{registered}},
		}})
		w.DenyNext(1)
		if got := w.authorize("redirect_uri", registered).location(t).String(); got != want {
			t.Errorf("%s: %s", registered, got)
		}
	}
}
