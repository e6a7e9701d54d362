package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/signinpage"
)

// Auth signs the users of one app in and out. It is the handler of login,
// callback and logout. It is safe for concurrent use. Make it with New.
type Auth struct {
	pool        *spotipie.Pool
	opts        Options
	redirectURI string
	paths       paths
	origin      string // of the app, from the redirect URI
	accounts    string // the origin of the accounts service
	sealer      *sealer
	sessions    Sessions
	pages       *template.Template
	crossOrigin *http.CrossOriginProtection
	callbacks   callbacks
}

// New makes the handlers for the users of a pool. It makes no request. It fails
// if the options are wrong, or the pool's redirect URI, which must be https
// (http for loopback addresses) and have a path such as /auth/callback.
func New(pool *spotipie.Pool, opts *Options) (*Auth, error) {
	if pool == nil {
		return nil, errors.New("web: the pool is nil: make it with spotipie.NewPool")
	}
	sample, login, err := pool.AuthorizationURL(nil) // nobody will finish it
	if err != nil {
		return nil, fmt.Errorf("web: the pool makes no authorization URL: %w", err)
	}
	authorization, err := url.Parse(sample)
	if err != nil {
		return nil, fmt.Errorf("web: the pool's authorization URL: %w", err)
	}
	redirect, err := checkRedirectURI(login.RedirectURI)
	if err != nil {
		return nil, err
	}
	a := &Auth{
		pool: pool, redirectURI: login.RedirectURI, paths: newPaths(redirect.Path), pages: signinpage.New(pagesHTML, styleCSS),
		origin:      redirect.Scheme + "://" + strings.ToLower(redirect.Host),
		accounts:    authorization.Scheme + "://" + authorization.Host,
		crossOrigin: http.NewCrossOriginProtection(),
	}
	if a.opts, err = opts.withDefaults(redirect.Host); err != nil {
		return nil, err
	}
	// Behind a proxy the Host may differ from the browser's Origin, which is
	// this.
	if err := a.crossOrigin.AddTrustedOrigin(a.origin); err != nil {
		return nil, fmt.Errorf("web: the redirect URI's origin: %w", err)
	}
	a.sealer = newSealer(a.opts.Keys, authorization.Query().Get("client_id"), a.origin, a.opts.Now)
	if a.sessions = a.opts.Sessions; a.sessions == nil {
		a.sessions = &cookieSessions{sealer: a.sealer, lifetime: a.opts.SessionLifetime}
	}
	return a, nil
}

func checkRedirectURI(raw string) (*url.URL, error) {
	refuse := func(reason, suggestion string) (*url.URL, error) {
		return nil, fmt.Errorf("web: %w", &spotipie.RedirectURIError{URI: raw, Reason: reason, Suggestion: suggestion})
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return refuse("it is not a valid URI", "")
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("a web app needs https", "")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		secure := *u
		secure.Scheme = "https"
		return refuse("cookies that keep a user signed in need https, except on a loopback address", secure.String())
	case u.RawQuery != "" || u.ForceQuery:
		return refuse("it has a query", "")
	case u.Path != path.Clean(u.Path) || u.EscapedPath() != u.Path || u.Path == "/":
		return refuse("it needs a path, since login and logout are in the same folder", u.Scheme+"://"+u.Host+"/auth/callback")
	case path.Base(u.Path) == loginName || path.Base(u.Path) == logoutName:
		return refuse("its path is that of another handler", u.Scheme+"://"+u.Host+path.Join(path.Dir(u.Path), "callback"))
	}
	return u, nil
}

// isLoopback reports whether a host is this machine: the addresses that Spotify
// accepts, and localhost for other services.
func isLoopback(host string) bool { return host == "127.0.0.1" || host == "::1" || host == "localhost" }

const (
	loginName  = "login"
	logoutName = "logout"
)

// paths are the paths of the handlers, as browsers see them.
type paths struct {
	callback, login, logout string
}

func newPaths(callback string) paths {
	folder := path.Dir(callback)
	return paths{callback: callback, login: path.Join(folder, loginName), logout: path.Join(folder, logoutName)}
}

func (p paths) has(path string) bool {
	return path == p.callback || path == p.login || path == p.logout
}

// isAt reports whether a request is for a path of the handlers. A router may
// have removed the beginning of the path ([http.StripPrefix]).
func isAt(r *http.Request, path string) bool {
	return strings.HasPrefix(r.URL.Path, "/") && len(r.URL.Path) > 1 && strings.HasSuffix(path, r.URL.Path)
}

// ServeHTTP implements [http.Handler]: it answers login, callback and logout.
func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signinpage.SetHeaders(w.Header())
	switch {
	case isAt(r, a.paths.callback):
		if allowed(w, r, http.MethodGet) {
			a.callback(w, r)
		}
	case isAt(r, a.paths.login):
		if allowed(w, r, http.MethodGet, http.MethodPost) {
			a.login(w, r)
		}
	case isAt(r, a.paths.logout):
		if allowed(w, r, http.MethodGet, http.MethodPost) {
			a.logout(w, r)
		}
	default:
		a.notFound(w, r)
	}
}

// notFound answers other paths. It reports to the app if the handler is not at
// the path of the redirect URI.
func (a *Auth) notFound(w http.ResponseWriter, r *http.Request) {
	switch path.Base(r.URL.Path) {
	case path.Base(a.paths.callback), loginName, logoutName:
		a.fail(w, r, Page{}, &Error{Page: pageNotFound, Status: http.StatusNotFound, Err: fmt.Errorf(
			"the handler is not at the path of the redirect URI: it answers %s, %s and %s, so register it for the first of them, or correct the redirect URI",
			a.paths.callback, a.paths.login, a.paths.logout)})
	default:
		a.show(w, r, http.StatusNotFound, pageNotFound, Page{})
	}
}

// allowed answers requests of other methods.
func allowed(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, method := range methods {
		if r.Method == method {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	refuse(w, http.StatusMethodNotAllowed)
	return false
}

// LoginURL returns an address, without the origin, at which a user signs in and
// then continues at the path returnTo, or at [Options].Home if that is empty or
// not a path of the app. The login asks for scopes besides those of the pool
// and those that the user has granted before, unless their names together have
// more than a thousand bytes. The address is valid for a day, for any user.
func (a *Auth) LoginURL(returnTo string, scopes ...spotipie.Scope) string {
	return a.paths.login + query(a.loginParameters(returnTo, scopes))
}

func (a *Auth) loginParameters(returnTo string, scope spotipie.Scopes) url.Values {
	params := url.Values{}
	if path := a.returnTo(returnTo); path != a.opts.Home {
		params.Set(returnToKey, path)
	}
	if len(scope) > 0 {
		params.Set(askKey, a.sealer.seal(askPurpose, asked{Scope: scope.String()}, a.opts.Now().Add(askLifetime)))
	}
	return params
}

// LogoutURL returns the address, without the origin, to which a form signs out.
func (a *Auth) LogoutURL() string { return a.paths.logout }

// redirect sends no body, unlike [http.Redirect].
func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

func refuse(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
