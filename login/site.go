package login

import (
	"context"
	"errors"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie/internal/signinpage"
)

// Limits of the page's server. A browser needs only a few small requests.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 45 * time.Second // above what exchanging the code may take
	maxHeader         = 64 << 10         // browsers send the cookies of all local servers
	maxFragment       = 64 << 10
	// stopTimeout is how long the last answers may take.
	stopTimeout = time.Second
)

// The other addresses besides the callback's.
const (
	resultName = "/done"
	strayName  = "/stray"
	visitKey   = "visit" // query parameter that identifies a tab of this login
)

// site is the page at the loopback address.
type site struct {
	login        *login
	hosts        []string // the name that browsers use
	callbackPath string
	resultPath   string // how the login ended
	strayPath    string // for answers to something else
	folder       string // of the two, escaped for a Location header
	pages        *template.Template
	connections  connections
	server       *http.Server
}

func newSite(l *login) *site {
	u, _ := url.Parse(l.redirectURI) // was checked
	s := &site{login: l, hosts: hostsOf(strings.ToLower(u.Host)), callbackPath: u.Path, pages: signinpage.New(pagesHTML, styleCSS)}
	if s.callbackPath == "" {
		s.callbackPath = "/"
	}
	folder := strings.TrimSuffix(s.callbackPath, "/")
	s.resultPath, s.strayPath = folder+resultName, folder+strayName
	s.folder = strings.TrimSuffix(u.EscapedPath(), "/")
	s.server = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	s.server.SetKeepAlivesEnabled(false)
	s.connections.attach(s.server)
	return s
}

func (s *site) start(l net.Listener) chan error {
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(l) }()
	return served
}

// stop finishes the answers to this login's tabs and closes everything.
func (s *site) stop() {
	s.connections.closeOthers()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		_ = s.server.Close()
	}
}

// ServeHTTP implements [http.Handler].
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signinpage.SetHeaders(w.Header())
	post := s.login.implicit && r.URL.Path == s.callbackPath
	switch {
	case !s.isNamed(r):
		refuse(w, http.StatusMisdirectedRequest)
	case r.Method == http.MethodPost && post:
		s.takeFragment(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		if post {
			w.Header().Set("Allow", "GET, POST")
		}
		refuse(w, http.StatusMethodNotAllowed)
	case r.URL.Path == s.callbackPath:
		s.callback(w, r)
	case r.URL.Path == s.resultPath:
		s.showResult(w, r)
	case r.URL.Path == s.strayPath:
		s.show(w, http.StatusBadRequest, Page{name: pageStray})
	case r.URL.Path == "/":
		s.show(w, http.StatusOK, Page{name: pageStarted})
	default:
		refuse(w, http.StatusNotFound)
	}
}

// isNamed reports whether the request was meant for this page. It accepts only
// the host of the redirect URI, so that a site whose name points here cannot
// read the page (DNS rebinding), and IP addresses, which cannot point
// elsewhere: if other machines can reach the page, users put an address in
// place of 127.0.0.1.
func (s *site) isNamed(r *http.Request) bool {
	if slices.Contains(s.hosts, strings.ToLower(r.Host)) {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if local == nil || local.IP.IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return net.ParseIP(strings.Trim(host, "[]")) != nil
}

// callback is where the accounts service sends the browser.
func (s *site) callback(w http.ResponseWriter, r *http.Request) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	switch {
	case err != nil:
		redirect(w, s.folder+strayName)
	case s.login.implicit && !params.Has("error"):
		s.show(w, http.StatusOK, Page{name: pageFragment})
	case len(params) == 0:
		s.show(w, http.StatusOK, Page{name: pageStarted})
	default:
		s.take(w, r, params)
	}
}

// takeFragment gets the fragment of the callback URL, which browsers do not
// send, from the script of the fragment page.
func (s *site) takeFragment(w http.ResponseWriter, r *http.Request) {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" {
		refuse(w, http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFragment)
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge)
		return
	}
	params, fragmentErr := url.ParseQuery(r.PostForm.Get("fragment"))
	if err != nil || fragmentErr != nil {
		redirect(w, s.folder+strayName)
		return
	}
	s.take(w, r, params)
}

// take passes an answer to the login and waits for the result. In any case it
// redirects the browser to an address without secrets. A request that does not
// answer this login changes nothing.
func (s *site) take(w http.ResponseWriter, r *http.Request, params url.Values) {
	a, err := s.login.answerOf(params)
	if err != nil {
		redirect(w, s.folder+strayName)
		return
	}
	s.connections.keep(r.Context())
	visit := s.login.end.expect()
	if a.answered.CompareAndSwap(false, true) {
		a.callbackURL = s.login.callbackURL(params)
		s.login.answers <- a // has room for all attempts
	}
	select {
	case <-s.login.end.done:
		redirect(w, s.folder+resultName+"?"+visitKey+"="+visit)
	case <-s.login.end.delayed:
		redirect(w, s.folder+resultName+"?"+visitKey+"="+visit)
	case <-a.replaced:
		s.login.end.forget(visit)
		redirect(w, s.login.attempts.current().authorizationURL)
	case <-r.Context().Done():
		s.login.end.forget(visit)
	}
}

// showResult shows the page to every client, but only the tabs that were sent
// here count.
func (s *site) showResult(w http.ResponseWriter, r *http.Request) {
	page, done := s.login.end.result()
	if !done {
		s.show(w, http.StatusOK, s.login.end.meanwhile())
		return
	}
	visit := r.URL.Query().Get(visitKey)
	if !s.login.end.expects(visit) {
		s.show(w, http.StatusOK, page)
		return
	}
	s.connections.keep(r.Context())
	s.show(w, http.StatusOK, page)
	s.login.end.forget(visit)
}

// redirect sends no body, unlike [http.Redirect].
func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

func refuse(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}

// hostsOf returns the possible Host headers of a browser at host: browsers
// leave out the default port of http.
func hostsOf(host string) []string { return []string{host, strings.TrimSuffix(host, ":80")} }
