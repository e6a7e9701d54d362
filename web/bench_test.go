package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// BenchmarkMiddleware measures a request of a signed-in user with the built-in cookie.
func BenchmarkMiddleware(b *testing.B) {
	a := newApp(b, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	ada.signIn()
	session := ada.cookies("-session")[0]
	auth := a.replicas[0].auth
	for name, wrap := range map[string]func(http.Handler) http.Handler{"Middleware": auth.Middleware, "Require": auth.Require()} {
		b.Run(name, func(b *testing.B) {
			handler := wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if web.UserFrom(r.Context()) == "" {
					b.Error("nobody is signed in")
				}
			}))
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/me", nil)
			r.AddCookie(&http.Cookie{Name: session.Name, Value: session.Value})
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
}

// BenchmarkLogin measures the beginning of a login while four others are unfinished.
func BenchmarkLogin(b *testing.B) {
	a := newApp(b, appOptions{keys: []string{keyText}, change: func(_ *web.Options, p *spotipie.PoolOptions) { p.Scope = spotipie.AllScopes() }})
	ada := a.browser("ada")
	for range 4 {
		ada.begin("/auth/login")
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/auth/login", nil)
	for _, c := range ada.cookies("-login-") {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	b.ReportAllocs()
	for b.Loop() {
		a.replicas[0].handler.ServeHTTP(discard{http.Header{}}, r)
	}
}
