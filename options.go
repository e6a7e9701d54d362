package spotipie

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// Spotify's two services
// (https://developer.spotify.com/documentation/web-api/concepts/api-calls).
const (
	DefaultAccountsURL = "https://accounts.spotify.com"
	DefaultAPIURL      = "https://api.spotify.com"
)

// Options adjust a session. A nil *Options and the zero value mean the
// defaults named here. A session copies what it is given.
type Options struct {
	// Scope is what the user is asked for. Default: none, which gives access
	// to public information only.
	Scope Scopes

	// Store keeps the token when the process ends, and shares it with other
	// sessions and processes. It needs Profile. Default: none, the token is in
	// memory only.
	Store Store
	// Profile says whose authorization this is; with the client id it is the
	// [Key] in the store. It has no default, so that no user ever gets
	// another's token by accident.
	Profile string

	// DisableAutoRefresh makes the session return its token until it is
	// expired, and then fail with [ErrTokenExpired] unless a listener or
	// RefreshToken gets a new one. Default: the session renews its token
	// automatically.
	DisableAutoRefresh bool
	// EarlyRefresh is how long before its end a token is renewed in the
	// background, give or take 20 %, but never more than a quarter of its
	// lifetime. Default, also for what is less than zero: 5 minutes.
	EarlyRefresh time.Duration
	// RefreshTimeout limits each request to the token endpoint, and each call
	// of a listener. Saving a token has a limit of 10 seconds. Default: 15
	// seconds.
	RefreshTimeout time.Duration
	// LockTimeout limits the wait for the store's lock, which comes before the
	// request, and the wait for the turn among the app's token requests. It should
	// be longer than the lease of the store, so that a process that died with the
	// lock makes nobody fail. Callers can stop waiting earlier, with their own
	// contexts. Default: 45 seconds, or RefreshTimeout if that is set.
	LockTimeout time.Duration

	// Transport sends all requests for which there is no mount. Default:
	// [http.DefaultTransport].
	Transport http.RoundTripper
	// AccountsURL is where the authorization endpoint (/authorize) and the
	// token endpoint (/api/token) are. Default: [DefaultAccountsURL].
	AccountsURL string
	// APIURL is what relative URLs given to Request are relative to. Default:
	// [DefaultAPIURL].
	APIURL string
	// TokenOrigins are the only origins (scheme://host[:port]) that the access
	// token is sent to, whatever a request or a redirect names. Default: that
	// of APIURL.
	TokenOrigins []string
	// AllowPlainHTTP lets AccountsURL, APIURL and TokenOrigins be http URLs of
	// other hosts than this one. Secrets and tokens can then be read on the
	// network: set it only for a service inside a private network, such as
	// another container of a test. Default: http is for localhost and loopback
	// addresses only (RFC 6749 section 1.6, RFC 6750 section 5.3).
	AllowPlainHTTP bool

	// OnError is called with errors that no caller gets: a renewal in the
	// background failed, or a listener. It is also called when a renewed token
	// could not be saved, even if a caller got that error, since saving goes on
	// in the background. Each error is a [*BackgroundError], which names the
	// session's key. OnError is called in a goroutine of its own, with one
	// error after the other. Close waits for it, a quarter of a second at most.
	// OnError may use the session, and close it. Default: nothing.
	OnError func(error)
	// Observe is called after each token request, renewal, store call and wait,
	// for logs, metrics and traces. See [Observation]. Its context has the
	// values of the context of the caller who started the work. It is called in
	// the goroutine that does the work, often in the middle of a renewal, and may
	// be called in several at once. So it should return soon, and must not call
	// methods that wait for a renewal, such as Token or Close. If it panics,
	// OnError is called. Default: nothing, which costs nothing.
	Observe func(context.Context, Observation)
	// SkipRedirectURICheck allows redirect URIs that Spotify refuses (see
	// [ValidateRedirectURI]), for an accounts service with other rules.
	SkipRedirectURICheck bool
	// Now is the wall clock. It is called in many goroutines at once. Default:
	// [time.Now]. A token counts as expired when this clock or the monotonic clock
	// of the system says so.
	Now func() time.Time
}

// OptionsFromEnv reads {prefix}_ACCOUNTS_URL and {prefix}_API_URL from the
// environment, so that a program can be tried with another accounts service
// than Spotify's. An empty prefix means [DefaultEnvPrefix]. A variable that is
// not set, or has only white space, leaves the default. The caller sets the
// other fields.
func OptionsFromEnv(prefix string) *Options {
	prefix = envPrefix(prefix)
	return &Options{
		AccountsURL: variable(prefix + "_ACCOUNTS_URL"),
		APIURL:      variable(prefix + "_API_URL"),
	}
}

const (
	defaultEarlyRefresh   = 5 * time.Minute
	defaultRefreshTimeout = 15 * time.Second
	defaultLockTimeout    = 45 * time.Second
)

// check returns an error if the options are wrong.
func (o *Options) check() error {
	switch {
	case isTypedNil(o.Store):
		return fmt.Errorf("spotipie: Options.Store is a nil %T: leave it out, or make the store first", o.Store)
	case isTypedNil(o.Transport):
		return fmt.Errorf("spotipie: Options.Transport is a nil %T: leave it out, or make the transport first", o.Transport)
	case o.Store != nil && o.Profile == "":
		return errors.New("spotipie: Options.Profile is empty: a store needs to know whose authorization it keeps")
	}
	for _, scope := range o.Scope {
		if !isScopeToken(scope) {
			return fmt.Errorf("spotipie: Options.Scope: %q is not the name of one scope; ParseScopes reads several from a string", foreignText(string(scope)))
		}
	}
	return nil
}

// isTypedNil reports whether an interface that is not nil holds a nil pointer or
// function, which would panic when it is used.
func isTypedNil(value any) bool {
	v := reflect.ValueOf(value)
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil()
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// origins returns the origins that the token may be sent to.
func (o *Options) origins(apiURL string) ([]origin, error) {
	named := o.TokenOrigins
	if len(named) == 0 {
		named = []string{apiURL}
	}
	origins := make([]origin, 0, len(named))
	for _, raw := range named {
		u, err := url.Parse(raw)
		if err != nil || !isHTTP(u) || !isBare(raw, u) || raw != apiURL && strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("spotipie: Options.TokenOrigins: %q is not scheme://host[:port]", foreignURL(raw))
		}
		if err := o.checkPlainHTTP("TokenOrigins", u); err != nil {
			return nil, err
		}
		origins = append(origins, originOf(u))
	}
	return origins, nil
}

// serviceURL checks the base URL of a service and removes its last slash.
func (o *Options) serviceURL(name, raw, fallback string) (string, error) {
	if raw == "" {
		return fallback, nil
	}
	u, err := url.Parse(raw)
	if err != nil || !isHTTP(u) || !isBare(raw, u) {
		return "", fmt.Errorf("spotipie: Options.%s: %q is not a URL such as %s, without query, fragment and user", name, foreignURL(raw), fallback)
	}
	if err := o.checkPlainHTTP(name, u); err != nil {
		return "", err
	}
	return strings.TrimRight(raw, "/"), nil
}

func (o *Options) checkPlainHTTP(name string, u *url.URL) error {
	if strings.EqualFold(u.Scheme, "https") || o.AllowPlainHTTP || isThisHost(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("spotipie: Options.%s: %s would send secrets unencrypted over the network: use https, or set Options.AllowPlainHTTP if the network is private",
		name, foreignText(u.Scheme+"://"+u.Host))
}

// isThisHost reports whether a name or address is this machine's own.
func isThisHost(host string) bool {
	return isLocalhost(host) || net.ParseIP(host).IsLoopback()
}

// isBare reports whether a URL has neither user, query nor fragment.
func isBare(raw string, u *url.URL) bool {
	return u.User == nil && !strings.ContainsAny(raw, "?#")
}

// isScopeToken reports whether a scope has the characters of one (RFC 6749
// section 3.3).
func isScopeToken(scope Scope) bool {
	return isVisibleASCII(string(scope)) && !strings.ContainsAny(string(scope), "\"\\,")
}

func isHTTP(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}
