package accounts

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
)

// htmlPage is a page that loads nothing else.
type htmlPage struct {
	template  *template.Template
	style     template.CSS
	styleHash string
}

func newHTMLPage(name, html, css string) *htmlPage {
	sum := sha256.Sum256([]byte(css))
	return &htmlPage{
		template:  template.Must(template.New(name).Parse(html)),
		style:     template.CSS(css),
		styleHash: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
}

// policy leaves form-action out. Chromium applies it to every redirect after a
// form, and a callback may redirect anywhere: from a back end on one port to a
// front end on another, or to a custom scheme. The browser would stay on the
// consent page, and the code would be used up.
func (p *htmlPage) policy() string {
	return "default-src 'none'; style-src " + p.styleHash + "; frame-ancestors 'none'; base-uri 'none'"
}

func (p *htmlPage) write(w http.ResponseWriter, view any) {
	var page bytes.Buffer
	if err := p.template.Execute(&page, view); err != nil {
		writePage(w, http.StatusInternalServerError, "The page could not be rendered")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy())
	h.Set("X-Frame-Options", "DENY")
	w.Write(page.Bytes())
}
