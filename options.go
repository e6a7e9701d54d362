package spotipie

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
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

	// Store keeps the token where it outlives the process and is shared with
	// other sessions and processes. Default: none, memory only. It needs
	// Profile.
	Store Store
	// Profile says whose authorization this is; with the client id it is the
	// [Key] in the store. It has no default, so that no user ever gets
	// another's token by accident.
	Profile string

	// DisableAutoRefresh makes the session hand out its token until it is
	// expired and then fail with [ErrTokenExpired], unless a listener or
	// RefreshToken gets a new one. Default: the session renews by itself.
	DisableAutoRefresh bool
	// EarlyRefresh is how long before its end a token is renewed in the
	// background, give or take 20 %, but never more than a quarter of its
	// lifetime. Default: 5 minutes.
	EarlyRefresh time.Duration
	// RefreshTimeout limits each request to the token endpoint, together with
	// the wait for the store's lock before it. Calling the listeners has the
	// same limit again, saving one of 10 seconds. Default: 15 seconds.
	RefreshTimeout time.Duration

	// Transport sends all requests that no mount takes. Default:
	// [http.DefaultTransport].
	Transport http.RoundTripper
	// AccountsURL is where the authorization endpoint (/authorize) and the
	// token endpoint (/api/token) are. Default: [DefaultAccountsURL].
	AccountsURL string
	// APIURL is what relative URLs given to Request are relative to. Default:
	// [DefaultAPIURL].
	APIURL string
	// TokenOrigins are the origins (scheme://host[:port]) that the access token
	// is sent to, and no others, whatever a request or a redirect names.
	// Default: that of APIURL.
	TokenOrigins []string

	// OnError hears of what goes wrong where no caller waits for the result:
	// a failed renewal in the background, a token that could not be saved, a
	// listener that failed. It may be called from any goroutine and must not
	// block. Default: nothing; what matters to a caller is returned as well.
	OnError func(error)
	// SkipRedirectURICheck takes redirect URIs that Spotify refuses (see
	// [ValidateRedirectURI]), for an accounts service with rules of its own.
	SkipRedirectURICheck bool
	// Now is the clock. Default: [time.Now].
	Now func() time.Time
}

const (
	defaultEarlyRefresh   = 5 * time.Minute
	defaultRefreshTimeout = 15 * time.Second
	// expiredMargin is how long before its end a token is no longer handed
	// out: a request that starts now must still arrive in time.
	expiredMargin = 10 * time.Second
)

// config is Options checked and with its defaults filled in.
type config struct {
	scope                Scopes
	store                Store
	profile              string
	earlyRefresh         time.Duration
	refreshTimeout       time.Duration
	transport            http.RoundTripper
	accountsURL          string
	apiURL               string
	origins              []origin
	onError              func(error)
	now                  func() time.Time
	skipRedirectURICheck bool
	turn                 chan struct{} // see enter; nil without a store
}

func newConfig(opts *Options) (*config, error) {
	if opts == nil {
		opts = &Options{}
	}
	if opts.Store != nil && opts.Profile == "" {
		return nil, errors.New("spotipie: Options.Profile is empty: a store needs to know whose authorization it keeps")
	}
	for _, scope := range opts.Scope {
		if !isScopeToken(scope) {
			return nil, fmt.Errorf("spotipie: Options.Scope: %q is not the name of one scope; ParseScopes takes several in a string", foreignText(string(scope)))
		}
	}
	c := &config{
		scope:                opts.Scope.Normalize(),
		store:                opts.Store,
		profile:              opts.Profile,
		earlyRefresh:         orDefault(opts.EarlyRefresh, defaultEarlyRefresh),
		refreshTimeout:       orDefault(opts.RefreshTimeout, defaultRefreshTimeout),
		transport:            opts.Transport,
		onError:              opts.OnError,
		now:                  opts.Now,
		skipRedirectURICheck: opts.SkipRedirectURICheck,
	}
	if c.transport == nil {
		c.transport = http.DefaultTransport
	}
	if c.store != nil {
		c.turn = make(chan struct{}, 1)
	}
	var err error
	if c.accountsURL, err = serviceURL("AccountsURL", opts.AccountsURL, DefaultAccountsURL); err != nil {
		return nil, err
	}
	if c.apiURL, err = serviceURL("APIURL", opts.APIURL, DefaultAPIURL); err != nil {
		return nil, err
	}
	c.origins, err = tokenOrigins(opts.TokenOrigins, c.apiURL)
	return c, err
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

func tokenOrigins(named []string, apiURL string) ([]origin, error) {
	if len(named) == 0 {
		named = []string{apiURL}
	}
	origins := make([]origin, 0, len(named))
	for _, raw := range named {
		u, err := url.Parse(raw)
		if err != nil || !isHTTP(u) || raw != apiURL && strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("spotipie: Options.TokenOrigins: %q is not scheme://host[:port]", foreignText(raw))
		}
		origins = append(origins, originOf(u))
	}
	return origins, nil
}

// serviceURL checks the base URL of a service and takes off its last slash.
func serviceURL(name, raw, fallback string) (string, error) {
	if raw == "" {
		return fallback, nil
	}
	u, err := url.Parse(raw)
	if err != nil || !isHTTP(u) || strings.ContainsAny(raw, "?#") || u.User != nil {
		return "", fmt.Errorf("spotipie: Options.%s: %q is not a URL such as %s, without query, fragment and user", name, foreignText(raw), fallback)
	}
	return strings.TrimRight(raw, "/"), nil
}

// isScopeToken reports whether a scope has the characters of one (RFC 6749
// section 3.3).
func isScopeToken(scope Scope) bool {
	return isVisibleASCII(string(scope)) && !strings.ContainsAny(string(scope), "\"\\,")
}

func isHTTP(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}
