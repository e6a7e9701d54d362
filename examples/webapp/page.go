package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/spotipie/spotipie/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed pages/style.css
var style string

// page is the data of the layout template.
type page struct {
	Title     string
	AppName   string
	Path      string // of the current entry in the navigation; empty if nobody is signed in
	LoginURL  string
	LogoutURL string
	Banner    *web.Banner // a hint about the user's consent, or nil
	Data      any         // for the page's own template
}

// pages are the templates by name: each file in pages/ within the layout.
type pages struct {
	templates map[string]*template.Template
	styleHash string // of the style sheet, for the Content-Security-Policy
}

func newPages() *pages {
	sum := sha256.Sum256([]byte(style))
	p := &pages{templates: map[string]*template.Template{}, styleHash: "sha256-" + base64.StdEncoding.EncodeToString(sum[:])}
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
	}).ParseFS(pageFiles, "pages/layout.html"))
	files, err := pageFiles.ReadDir("pages")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".html")
		p.templates[name] = template.Must(template.Must(layout.Clone()).ParseFS(pageFiles, path.Join("pages", file.Name())))
	}
	return p
}

// show writes a page. No cache may keep it, because it is for one user.
func (p *pages) show(w http.ResponseWriter, status int, name string, data page) {
	html, err := p.render(name, data)
	if err != nil {
		slog.Error("showing a page", "page", name, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(html)
}

func (p *pages) render(name string, data page) ([]byte, error) {
	data.AppName = appName
	var b bytes.Buffer
	err := p.templates[name].ExecuteTemplate(&b, "layout.html", data)
	return b.Bytes(), err
}

// unavailable returns the page for requests that take too long.
func (p *pages) unavailable() string {
	html, err := p.render("unavailable", page{Title: "Not right now"})
	if err != nil {
		panic(err) // it does not depend on anything
	}
	return string(html)
}

// show shows a page to a user who is signed in.
func (a *app) show(w http.ResponseWriter, r *http.Request, name, title string, data any) {
	a.pages.show(w, http.StatusOK, name, page{
		Title: title, Path: r.URL.Path, LogoutURL: a.auth.LogoutURL(), Banner: a.auth.Banner(r), Data: data,
	})
}
