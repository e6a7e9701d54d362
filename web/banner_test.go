package web_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// bannerLine is the line in an app's template.
var bannerLine = template.Must(template.New("").Parse(
	`page{{with .}}<p role="status">{{.Text}} <a href="{{.LoginURL}}">{{.Action}}</a></p>{{end}}`))

// showBanner makes the app show its banner at /banner, and the banner's kind in a
// header.
func showBanner(a *app) {
	auth := a.replicas[0].auth
	mux := http.NewServeMux()
	mux.Handle("/", a.replicas[0].handler)
	mux.Handle("/banner", auth.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		banner := auth.Banner(r, spotipie.Scopes(spotipie.ParseScopes(r.URL.Query().Get("scope")))...)
		if banner != nil {
			w.Header().Set("Kind", banner.Kind)
		}
		_ = bannerLine.Execute(w, banner)
	})))
	a.replicas[0].handler = mux
}

// onlyUser returns the key of the only user of an app.
func onlyUser(t *testing.T, a *app) string {
	t.Helper()
	keys, err := a.store.List(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	return keys[0].Profile
}

func TestBanner(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(o *web.Options, _ *spotipie.PoolOptions) { o.SessionLifetime = 1e5 * time.Hour }})
	showBanner(a)
	ada := a.browser("ada")
	expect := func(path, kind, words string) page {
		t.Helper()
		p := ada.visit(path)
		ada.expect(p, http.StatusOK, words)
		if got := p.header.Get("Kind"); got != kind {
			t.Errorf("%s has the banner %q, want %q", path, got, kind)
		}
		return p
	}
	expect("/banner", "", "page") // without a user there is no banner
	ada.signIn()
	expect("/banner", "", "page")

	p := expect("/banner?scope=user-library-read&x=1", web.BannerScope, "Tune Keeper could do more if you allow it to: see what is saved in your library.")
	ada.expect(ada.click(link(t, p, "Allow it")), http.StatusOK, "page") // the user has granted it, and is back on the page
	expect("/banner?scope=user-library-read&x=1", "", "page")

	day := 24 * time.Hour
	session, err := a.replicas[0].pool.Session(t.Context(), onlyUser(t, a))
	if err != nil {
		t.Fatal(err)
	}
	left := session.ReauthorizeBy().Sub(a.spotify.Now())
	a.spotify.Advance(left - 15*day)
	expect("/banner", "", "page")
	a.spotify.Advance(2*day + time.Hour)
	expect("/banner?scope=streaming", web.BannerEnds, "sign in again within 12 days, so that Tune Keeper")
	a.spotify.Advance(11 * day)
	expect("/banner", web.BannerEnds, "within a day")
	a.spotify.Advance(day)
	p = expect("/banner", web.BannerEnds, "sign in again today")
	ada.expect(ada.click(link(t, p, "Sign in again")), http.StatusOK, "page")
	expect("/banner", "", "page")

	a.spotify.Advance(200 * day)
	p = expect("/banner", web.BannerRefused, "Spotify no longer lets Tune Keeper use your account.")
	ada.expect(ada.click(link(t, p, "Sign in again")), http.StatusOK, "page")
	expect("/banner", "", "page")
}

// TestBannerOfARefusedUser checks the banner of a user who has removed the app's
// access.
func TestBannerOfARefusedUser(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	showBanner(a)
	ada := a.browser("ada")
	ada.signIn()
	session, err := a.replicas[0].pool.Session(t.Context(), onlyUser(t, a))
	if err != nil {
		t.Fatal(err)
	}
	a.spotify.RevokeUser("app", "ada")
	if _, err := session.RefreshToken(t.Context()); err == nil {
		t.Fatal("the refresh token is still good")
	}
	p := ada.visit("/banner")
	if p.header.Get("Kind") != web.BannerRefused {
		t.Errorf("the banner is %q", p.header.Get("Kind"))
	}
	ada.expect(p, http.StatusOK, "no longer lets")
}

// TestBannerOfAFormLeadsHome checks this because a form cannot be sent again.
func TestBannerOfAFormLeadsHome(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	ada.signIn()
	auth := a.replicas[0].auth
	var banner *web.Banner
	handler := auth.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		banner = auth.Banner(r, spotipie.ScopeStreaming)
	}))
	req := httptest.NewRequest(http.MethodPost, "/form", nil)
	for _, c := range ada.cookies("session") {
		req.AddCookie(c)
	}
	handler.ServeHTTP(httptest.NewRecorder(), req)
	if banner == nil || strings.Contains(banner.LoginURL, "return_to") {
		t.Errorf("the banner is %+v", banner)
	}
	if got := auth.Banner(httptest.NewRequest(http.MethodGet, "/", nil)); got != nil {
		t.Errorf("a request that came through no middleware has %+v", got)
	}
}
