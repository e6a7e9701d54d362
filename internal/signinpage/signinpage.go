// Package signinpage has what the pages of packages login and web share: their
// frame, the look of it, the headers of their answers, and how a program replaces
// them.
package signinpage

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
)

//go:embed frame.html
var frameHTML string

//go:embed frame.css
var frameCSS string

// New returns templates that stand in the frame ("head", "top" and "bottom"), with
// style rules of their own. It panics if they do not parse.
func New(pages, style string) *template.Template {
	t := template.New("pages").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(frameCSS + style) }})
	return template.Must(template.Must(t.Parse(frameHTML)).Parse(pages))
}

// Check tries each of the pages that a program has made itself, with a sample of
// what they are executed with. The pages may be nil. Names are those that can be
// replaced: one of them has to be there.
func Check(pages *template.Template, names []string, sample any) error {
	if pages == nil {
		return nil
	}
	found := false
	for _, name := range names {
		t := pages.Lookup(name)
		if t == nil {
			continue
		}
		found = true
		if err := t.Execute(io.Discard, sample); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("none of its templates has one of the names %q", names)
	}
	return nil
}

// SetHeaders sets what every answer has: it is not kept, loads nothing, says
// nothing of where it came from and is no part of another page.
func SetHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
