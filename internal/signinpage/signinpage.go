// Package signinpage has what the pages of packages login and web share: their
// frame, its style, the headers of their answers, and the check of a program's
// own pages.
package signinpage

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed frame.html
var frameHTML string

//go:embed frame.css
var frameCSS string

// New returns templates that use the frame ("head", "top" and "bottom"), with
// additional style rules. It panics if they do not parse.
func New(pages, style string) *template.Template {
	t := template.New("pages").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(frameCSS + style) }})
	return template.Must(template.Must(t.Parse(frameHTML)).Parse(pages))
}

// Check executes each of a program's own pages with sample data. pages may be
// nil. names are the pages that can be replaced; pages must have at least one
// of them, and none that is called like a file instead, such as denied.html.
func Check(pages *template.Template, names []string, sample any) error {
	if pages == nil {
		return nil
	}
	for _, t := range pages.Templates() {
		name, isFile := strings.CutSuffix(t.Name(), path.Ext(t.Name()))
		if isFile && slices.Contains(names, name) && pages.Lookup(name) == nil {
			return fmt.Errorf("its template %[1]q has the name of its file, and would not be used: "+
				"write {{define %[2]q}} at the beginning of the file and {{end}} at its end", t.Name(), name)
		}
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

// SetHeaders sets the headers of every answer: do not store it, load nothing,
// send no referrer, and do not allow it in a frame.
func SetHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
