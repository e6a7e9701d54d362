package login

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed pages/pages.html
var pagesHTML string

//go:embed pages/style.css
var styleCSS string

// The pages' names.
const (
	pageStarted  = "started"
	pageSignedIn = "signed-in"
	pageDenied   = "denied"
	pageError    = "error"
	pageDelayed  = "delayed"
	pageStray    = "stray"
	pageFragment = "fragment"
)

// Page is the data for the templates of [Options].Pages. A template with one of
// these names replaces that page; the other pages stay as they are.
//
//	started    the loopback address, visited while the login waits
//	delayed    the user agreed, but the accounts service fails and is asked
//	           again; the page reloads itself
//	signed-in  the user agreed and the session has its token
//	denied     the user did not agree, or Spotify refused
//	error      the login has failed otherwise
//
// The Content-Security-Policy lets a page use only its own content: style and
// script elements with nonce="{{.Nonce}}", and images as data: URLs. Links to
// other sites work.
type Page struct {
	AppName     string
	AccentColor template.CSS
	User        string       // signed-in: the user's name; empty if it is not known
	Picture     template.URL // signed-in: the user's picture as a data: URL; may be empty
	NotGranted  []string     // signed-in: scopes that were asked for and not granted; usually none
	Message     string       // error: what went wrong; delayed: what is wrong
	Nonce       string       // of the style and script elements; new for each page

	name string
}

// samplePage is the data with which a program's own pages are tested.
func samplePage() Page {
	return Page{AppName: "App", User: "Ada", Message: "message", Nonce: "nonce"}
}

// replaceable are the pages that Options.Pages can replace. The others take
// part in the protocol.
func replaceable() []string {
	return []string{pageStarted, pageDelayed, pageSignedIn, pageDenied, pageError}
}

// show writes a page.
func (s *site) show(w http.ResponseWriter, status int, page Page) {
	opts := &s.login.opts
	page.AppName = opts.AppName
	page.AccentColor = template.CSS(opts.AccentColor)
	page.Nonce = rand.Text()
	html, own, err := s.render(page, opts.Pages)
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", contentSecurityPolicy(page, own))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(html)))
	if page.name == pageDelayed {
		h.Set("Refresh", "1") // in seconds; it needs no script
	}
	w.WriteHeader(status)
	_, _ = w.Write(html)
}

// render executes the app's own template for the page, if there is one and it
// works, or the built-in one.
func (s *site) render(page Page, pages *template.Template) (html []byte, own bool, err error) {
	var b bytes.Buffer
	if t := ownTemplate(pages, page.name); t != nil {
		if err := t.Execute(&b, page); err == nil {
			return b.Bytes(), true, nil
		}
		b.Reset()
	}
	err = s.pages.ExecuteTemplate(&b, page.name, page)
	return b.Bytes(), false, err
}

func ownTemplate(pages *template.Template, name string) *template.Template {
	if pages == nil || name == pageStray || name == pageFragment {
		return nil
	}
	return pages.Lookup(name)
}

// contentSecurityPolicy allows only the page's own elements.
func contentSecurityPolicy(page Page, own bool) string {
	nonce := "'nonce-" + page.Nonce + "'"
	script, form := "'none'", "'none'"
	if own || page.name == pageFragment {
		script = nonce
	}
	if page.name == pageFragment {
		form = "'self'"
	}
	return "default-src 'none'; style-src " + nonce + "; script-src " + script + "; img-src data:; form-action " + form +
		"; base-uri 'none'; frame-ancestors 'none'"
}
