package web

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/signinpage"
)

//go:embed pages/pages.html
var pagesHTML string

//go:embed pages/style.css
var styleCSS string

// The pages' names.
const (
	pageSignIn      = "sign-in"
	pageConsent     = "consent"
	pageSignOut     = "sign-out"
	pageDenied      = "denied"
	pageStray       = "stray"
	pageNotAllowed  = "not-allowed"
	pageGrantedLess = "granted-less"
	pageRefused     = "refused"
	pageDelayed     = "delayed"
	pageFailed      = "failed"
	pageUnavailable = "unavailable"
	pageUnreadable  = "unreadable"
	pageNotFound    = "not-found"
)

// Page is the data for the templates of [Options].Pages. A template with one of
// these names replaces that page; the other pages stay as they are.
//
//	sign-in       a form was sent without a signed-in user; or another site has sent a user who
//	              is signed in to the login handler, which asks them first
//	consent       a form needs scopes that the user has not granted
//	sign-out      a GET request to the logout handler, or a form of another site
//	denied        the user did not agree
//	stray         a callback without a login under way, mostly an old one
//	not-allowed   Spotify does not let the user use the app: an app in
//	              development mode has a list of users
//	granted-less  the user is signed in, and has granted less than was asked for
//	refused       OnLogin has refused the user
//	delayed       the user agreed, but Spotify has trouble; the browser loads
//	              the page again by itself
//	failed        Spotify or the app has failed
//	unavailable   the store, or Options.Sessions, does not answer; or Spotify
//	              limits the app's requests
//	unreadable    the user's authorization cannot be read, because the key that
//	              sealed it is missing; signing in again would replace it
//	not-found     an address that the handlers do not have
//
// A form for signing in or out has method="post" and no fields besides those in
// LoginURL and LogoutURL.
//
// The Content-Security-Policy lets a page use only its own content: style and
// script elements with nonce="{{.Nonce}}", and images as data: URLs. Links to
// other sites work, and so do forms that go to the app.
type Page struct {
	AppName     string
	AccentColor template.CSS
	LoginURL    string         // to sign in and then continue
	LogoutURL   string         // to sign out with a form
	HomeURL     string         // [Options].Home
	ReturnTo    string         // sign-in: where the user returns to; failed and unavailable: the page to try again, or empty
	Missing     []MissingScope // consent and sign-in: the scopes to grant
	Nonce       string         // of the style and script elements; new for each page
}

// MissingScope is a scope that the user has not granted.
type MissingScope struct {
	Scope       spotipie.Scope
	Description string // what the scope allows, as text; empty if not known
}

// samplePage is the data with which an app's own templates are tested.
func samplePage() Page {
	return Page{AppName: "App", LoginURL: "/login", Missing: []MissingScope{{Scope: "scope"}}, Nonce: "nonce"}
}

func pageNames() []string {
	return []string{pageSignIn, pageConsent, pageSignOut, pageDenied, pageStray, pageNotAllowed, pageGrantedLess,
		pageRefused, pageDelayed, pageFailed, pageUnavailable, pageUnreadable, pageNotFound}
}

// show writes a page.
func (a *Auth) show(w http.ResponseWriter, r *http.Request, status int, name string, page Page) {
	signinpage.SetHeaders(w.Header())
	page.AppName = a.opts.AppName
	page.AccentColor = template.CSS(a.opts.AccentColor)
	page.LogoutURL, page.HomeURL = a.paths.logout, a.opts.Home
	if page.LoginURL == "" {
		page.LoginURL = a.paths.login
	}
	page.Nonce = rand.Text()
	html, own, err := a.render(name, page)
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", a.contentSecurityPolicy(page, own))
	if name == pageSignIn || name == pageConsent || name == pageSignOut || name == pageUnreadable {
		// Browsers send forms without an origin under no-referrer.
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(html)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(html)
	}
}

// render executes the app's own template for the page, if there is one and it
// works, or the built-in one.
func (a *Auth) render(name string, page Page) (html []byte, own bool, err error) {
	var b bytes.Buffer
	if a.opts.Pages != nil {
		if t := a.opts.Pages.Lookup(name); t != nil && t.Execute(&b, page) == nil {
			return b.Bytes(), true, nil
		}
		b.Reset()
	}
	err = a.pages.ExecuteTemplate(&b, name, page)
	return b.Bytes(), false, err
}

// contentSecurityPolicy allows only the page's own elements. A form for signing
// in is redirected to the accounts service, and some browsers require that in
// form-action.
func (a *Auth) contentSecurityPolicy(page Page, own bool) string {
	nonce := "'nonce-" + page.Nonce + "'"
	script := "'none'"
	if own {
		script = nonce
	}
	return "default-src 'none'; style-src " + nonce + "; script-src " + script + "; img-src data:; form-action 'self' " + a.accounts +
		"; base-uri 'none'; frame-ancestors 'none'"
}
