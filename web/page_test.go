package web_test

import (
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// pageAddresses returns addresses that each show a page.
func pageAddresses() []string {
	return []string{
		"/auth/logout", "/auth/x", "/auth/callback?problem=denied", "/auth/callback?problem=stray",
		"/auth/callback?problem=not-allowed", "/auth/callback?problem=granted-less", "/auth/callback?problem=refused",
		"/auth/callback?problem=failed", "/auth/callback?problem=unavailable", "/auth/callback?problem=unreadable",
	}
}

func TestEveryPageKeepsTheBrowserSafe(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	nonces := map[string]bool{}
	pages := []page{ada.get("/auth/login", otherSite), ada.get(a.replicas[0].auth.LoginURL("/", "x<script>"), otherSite),
		ada.submit("/playlists"), a.browser("ada").submit("/me")}
	for _, address := range pageAddresses() {
		pages = append(pages, ada.get(address, otherSite))
	}
	for _, p := range pages {
		for name, want := range map[string]string{
			"Cache-Control":                "no-store",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Content-Type":                 "text/html; charset=utf-8",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", p.url, name, got, want)
			}
		}
		referrer := "no-referrer"
		if strings.Contains(p.body, "<form") {
			referrer = "same-origin" // a form without an Origin would be refused
		}
		if got := p.header.Get("Referrer-Policy"); got != referrer {
			t.Errorf("%s: Referrer-Policy %s, want %s", p.url, got, referrer)
		}
		csp := p.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'; ", "script-src 'none';", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self' " + a.spotify.URL + ";"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy %s lacks %s", p.url, csp, part)
			}
		}
		nonce := regexp.MustCompile(`style-src 'nonce-(\w{20,})'`).FindStringSubmatch(csp)
		if nonce == nil || nonces[nonce[1]] || !strings.Contains(p.body, `<style nonce="`+nonce[1]+`">`) || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %s", p.url, csp)
			continue
		}
		nonces[nonce[1]] = true
		if regexp.MustCompile(`(?i)(?:src|href|action)="(?:http|//)|url\(|@import|<script|style="`).MatchString(p.body) {
			t.Errorf("%s: it uses what its policy forbids: %s", p.url, p)
		}
		if !strings.Contains(p.body, `<a href="/">Go to <bdi>Tune Keeper</bdi></a>`) {
			t.Errorf("%s is a dead end: %s", p.url, p)
		}
	}
}

// TestRedirectsHaveTheHeadersToo checks this because a callback's address must not
// be stored, nor be sent to the next page as the referrer.
func TestRedirectsHaveTheHeadersToo(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	begun := ada.get("/auth/login", typed)
	for _, p := range []page{begun, ada.get(ada.agree(begun.header.Get("Location")), otherSite), ada.get("/auth/callback?code=x&state=y", otherSite)} {
		if p.status != http.StatusSeeOther || p.header.Get("Cache-Control") != "no-store" || p.header.Get("Referrer-Policy") != "no-referrer" || p.body != "" {
			t.Errorf("%s: %d %v", p.url, p.status, p.header)
		}
	}
}

func TestOwnPages(t *testing.T) {
	pages := template.Must(template.New("denied").Parse(`<script nonce="{{.Nonce}}"></script>{{.AppName}} {{.AccentColor}} {{.LoginURL}} {{.HomeURL}} {{.LogoutURL}}`))
	template.Must(pages.New("consent").Parse(`{{range .Missing}}{{.Scope}}: {{.Description}}{{end}} {{.ReturnTo}}`))
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) {
		o.Pages, o.AppName, o.AccentColor = pages, "A & B", "#abc"
	}})
	b := a.browser("")
	p := b.visit("/auth/login?return_to=/me")
	b.expect(p, http.StatusForbidden, "A &amp; B #abc /auth/login?return_to=%2Fme / /auth/logout")
	nonce := regexp.MustCompile(`nonce="(\w+)"`).FindStringSubmatch(p.body)
	if csp := p.header.Get("Content-Security-Policy"); nonce == nil || !strings.Contains(csp, "script-src 'nonce-"+nonce[1]+"'") {
		t.Errorf("policy %s", csp)
	}
	b.account = "ada"
	b.signIn()
	b.expect(b.submit("/playlists"), http.StatusForbidden, "playlist-read-private: See your private playlists")
	b.expect(b.visit("/auth/logout"), http.StatusOK, "Sign out of <bdi>A &amp; B</bdi>?") // other pages stay as they are
}

// TestPageThatFails checks that the built-in page is shown instead.
func TestPageThatFails(t *testing.T) {
	pages := template.Must(template.New("denied").Parse(`half{{if ne .AppName "App"}}{{index .Missing 5}}{{end}}`))
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) { o.Pages = pages }})
	b := a.browser("")
	b.expect(b.visit("/auth/login"), http.StatusForbidden, "You did not agree")
	if p := b.visit("/auth/callback?problem=denied"); strings.Contains(p.body, "half") {
		t.Error(p)
	}
}

// TestPagesRunNoForeignScript checks this for hostile texts in addresses.
func TestPagesRunNoForeignScript(t *testing.T) {
	const script = `</style>"><script>alert(1)</script>`
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) { o.AppName = script }})
	b := a.browser("ada")
	for _, address := range append(pageAddresses(), "/auth/login?x=") {
		joint := "?"
		if strings.Contains(address, "?") {
			joint = "&"
		}
		bad := url.QueryEscape(script)
		p := b.follow(b.get(address+joint+"return_to="+bad+"&ask="+bad+"&error="+bad+"&show_dialog="+bad, otherSite), otherSite)
		if strings.Contains(p.body, "<script>") {
			t.Errorf("%s: %s", address, p)
		}
	}
}

func TestAppNameByDefault(t *testing.T) {
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) { o.AppName = "" }})
	b := a.browser("ada")
	b.expect(b.visit("/auth/logout"), http.StatusOK, "Sign out of <bdi>"+strings.TrimPrefix(a.url, "http://")+"</bdi>?")
}
