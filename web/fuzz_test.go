package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzReturnTo checks that a browser stays at the app for any return_to.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/me", "//evil", `/\evil`, "/%2f/evil", "/a/../..//evil", "/\t/evil", "https://evil", "/x?y=//z#w", "/./a", "/é"} {
		f.Add(seed)
	}
	a := newApp(f, appOptions{keys: []string{keyText}})
	auth := a.replicas[0].auth
	app, err := url.Parse(a.url + "/auth/callback")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, returnTo string) {
		login, err := url.Parse(auth.LoginURL(returnTo))
		if err != nil {
			t.Fatal(err)
		}
		location := login.Query().Get("return_to")
		if location == "" {
			return
		}
		target, err := app.Parse(location)
		if err != nil || target.Host != app.Host || target.Scheme != app.Scheme || target.User != nil {
			t.Errorf("%q leads to %v, %v", returnTo, target, err)
		}
		decoded, err := url.PathUnescape(location)
		if err != nil {
			return // it may be in the query
		}
		path, _, _ := strings.Cut(location, "?")
		decodedPath, _ := url.PathUnescape(path)
		if !strings.HasPrefix(location, "/") || strings.HasPrefix(decodedPath, "//") || strings.HasPrefix(decodedPath, `/\`) ||
			strings.ContainsAny(location, "\r\n\t\\ ") || strings.HasPrefix(decoded, "//") {
			t.Errorf("%q becomes %q", returnTo, location)
		}
	})
}

// FuzzCookies checks cookies that the app has not encrypted: with them nobody signs
// in, no token is requested, and the app does not fail.
func FuzzCookies(f *testing.F) {
	a := newApp(f, appOptions{keys: []string{keyText}})
	b := a.browser("ada")
	b.signIn()
	callback := b.beginAndAgree("/auth/login")
	session, attempt := b.cookies("-session")[0], b.cookies("-login-")[0]
	known := map[string]bool{session.Value: true}
	query := callback[strings.Index(callback, "?"):]
	f.Add("", "", "")
	f.Add(attempt.Value, session.Value, query)
	f.Add(session.Value[:40], attempt.Value[:40], "?code=x&state=y")
	before := a.spotify.Stats().TokenRequests.AuthorizationCode
	f.Fuzz(func(t *testing.T, sessionValue, attemptValue, query string) {
		if known[sessionValue] || attemptValue == attempt.Value {
			return
		}
		for _, path := range []string{"/", "/auth/login", "/auth/callback"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.URL.RawQuery = strings.TrimPrefix(query, "?")
			r.AddCookie(&http.Cookie{Name: session.Name, Value: sessionValue})
			for _, slot := range []string{"0", "1", "2", "3", "4"} {
				r.AddCookie(&http.Cookie{Name: attempt.Name[:len(attempt.Name)-1] + slot, Value: attemptValue})
			}
			w := httptest.NewRecorder()
			a.replicas[0].handler.ServeHTTP(w, r)
			if w.Code >= 500 && !strings.Contains(query, "problem") || path == "/" && w.Body.String() != `home of ""` {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if n := a.spotify.Stats().TokenRequests.AuthorizationCode; n != before {
			t.Errorf("%d token requests", n-before)
		}
	})
}
