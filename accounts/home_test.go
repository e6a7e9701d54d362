package accounts_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

func (w *world) home() answer {
	w.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "127.0.0.1:8888"
	return w.do(r)
}

// The page at / describes the service and shows no secret.
func TestHome(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	a := w.home()
	a.expect(t, 200, a.body, "Content-Type", "text/html; charset=utf-8", "X-Frame-Options", "DENY", "Cache-Control", "no-store")
	for _, want := range []string{
		"<strong>This is not Spotify.</strong>", "http://127.0.0.1:8888/api/token", "client_id=" + clientID,
		"an app in extended quota mode", "Ada", "grace, free, 60 saved tracks", "spotipie serve --control",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, secret := range []string{clientSecret, otherSecret, "<script", "style="} {
		if strings.Contains(a.body, secret) {
			t.Errorf("the page has %.8s…", secret)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(a.body)
	sum := sha256.Sum256([]byte(style[1]))
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("policy %q", policy)
	}
	if post := w.do(httptest.NewRequest("POST", "/", nil)); post.status != 405 {
		t.Errorf("POST: status %d", post.status)
	}
}

// Every operation that the page lists exists, and so does the consent page.
func TestHomeNamesWhatIsThere(t *testing.T) {
	for name, mode := range modes() {
		w := newWorld(t, accounts.Options{DevelopmentMode: mode})
		body := w.home().body
		operations := regexp.MustCompile(`<td><code>([A-Z]+) (/v1/[^<]+)</code></td>`).FindAllStringSubmatch(body, -1)
		if len(operations) < 15 {
			t.Errorf("%s: %d operations", name, len(operations))
		}
		for _, operation := range operations {
			if a := w.do(httptest.NewRequest(operation[1], operation[2], nil)); a.status != 401 {
				t.Errorf("%s: %s %s: %d", name, operation[1], operation[2], a.status)
			}
		}
		link := regexp.MustCompile(`<a href="(/authorize[^"]+)"`).FindStringSubmatch(body)
		if a := w.do(httptest.NewRequest("GET", html.UnescapeString(link[1]), nil)); a.status != 200 || !strings.Contains(a.body, "<form") {
			t.Errorf("the consent page: %d", a.status)
		}
		if mode != nil && !strings.Contains(body, "an app in development mode") {
			t.Error("the page does not say that it is development mode")
		}
	}
}

// The page lists the control requests if they are allowed, each with a body that works.
func TestHomeListsControlRequests(t *testing.T) {
	w := newControlled(t, accounts.Options{Apps: []accounts.App{{ClientID: "public"}}})
	body := w.home().body
	requests := regexp.MustCompile(`<td><code>([A-Z]+) /_service/([a-z-]+)</code>(?:<br><code>([^<]+)</code>)?`).FindAllStringSubmatch(body, -1)
	if len(requests) != 10 {
		t.Errorf("%d control requests", len(requests))
	}
	for _, request := range requests {
		a := w.do(controlRequest(request[1], request[2], html.UnescapeString(request[3])))
		if a.status != 200 && request[2] != "consent" { // the example for consent has no real URL
			t.Errorf("%s %s %s: %d %s", request[1], request[2], request[3], a.status, a.body)
		}
	}
	if strings.Contains(body, "client_credentials") {
		t.Error("an app without a secret is told to use the client credentials flow")
	}
}
