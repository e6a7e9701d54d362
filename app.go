package spotipie

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// app is what all sessions of one app share: its credentials, the addresses of its
// services, its clock, and the token endpoint. It does not change after it was made,
// except for what it remembers about the token endpoint.
type app struct {
	clientID     string
	clientSecret secret
	redirectURI  string
	scope        Scopes // asked for, sorted

	store                Store
	transport            http.RoundTripper
	accountsURL          string
	apiURL               string
	origins              []origin
	skipRedirectURICheck bool

	earlyRefresh   time.Duration
	refreshTimeout time.Duration
	lockTimeout    time.Duration

	reports *reports // nil without Options.OnError
	observe func(context.Context, Observation)
	now     func() time.Time // nil: time.Now
	started time.Time        // from which the monotonic clock counts

	pause atomic.Pointer[pause]

	// These are nil outside a pool.
	slots    *slots    // of token requests at the same time
	refusals *refusals // notices when many refresh tokens are refused
}

func newApp(creds Credentials, opts *Options) (*app, error) {
	if creds.ClientID == "" {
		return nil, errors.New("spotipie: Credentials.ClientID is empty: take it from the app's page at https://developer.spotify.com/dashboard")
	}
	if opts == nil {
		opts = &Options{}
	}
	if err := opts.check(); err != nil {
		return nil, err
	}
	a := &app{
		clientID:             creds.ClientID,
		clientSecret:         newSecret(creds.ClientSecret),
		redirectURI:          creds.RedirectURI,
		scope:                opts.Scope.Normalize(),
		store:                opts.Store,
		transport:            opts.Transport,
		skipRedirectURICheck: opts.SkipRedirectURICheck,
		earlyRefresh:         min(orDefault(opts.EarlyRefresh, defaultEarlyRefresh), maxLifetime),
		refreshTimeout:       orDefault(opts.RefreshTimeout, defaultRefreshTimeout),
		lockTimeout:          min(orDefault(opts.LockTimeout, orDefault(opts.RefreshTimeout, defaultLockTimeout)), maxLifetime),
		reports:              newReports(opts.OnError),
		observe:              opts.Observe,
		now:                  opts.Now,
		started:              time.Now(),
	}
	if a.transport == nil {
		a.transport = http.DefaultTransport
	}
	var err error
	if a.accountsURL, err = opts.serviceURL("AccountsURL", opts.AccountsURL, DefaultAccountsURL); err != nil {
		return nil, err
	}
	if a.apiURL, err = opts.serviceURL("APIURL", opts.APIURL, DefaultAPIURL); err != nil {
		return nil, err
	}
	a.origins, err = opts.origins(a.apiURL)
	return a, err
}

// instant is a time on both clocks, in nanoseconds. The wall clock can be set, and the
// monotonic clock stops while a laptop sleeps. Only both together can be trusted.
type instant struct {
	wall      int64 // since 1970
	monotonic int64 // since the app was made
}

// add returns the instant d later.
func (i instant) add(d time.Duration) instant {
	return instant{wall: i.wall + int64(d), monotonic: i.monotonic + int64(d)}
}

// since returns how long before i a time on the monotonic clock was.
func (i instant) since(monotonic int64) time.Duration { return time.Duration(i.monotonic - monotonic) }

// isBefore reports whether i is earlier by both clocks. So a wait is over when one
// of them says so: the wall clock advances while a laptop sleeps, and the monotonic
// clock advances when the wall clock is set back.
func (i instant) isBefore(end instant) bool {
	return i.wall < end.wall && i.monotonic < end.monotonic
}

// clock reads both clocks.
func (a *app) clock() instant {
	now := time.Now()
	monotonic := int64(now.Sub(a.started))
	if a.now != nil {
		now = a.now()
	}
	return instant{wall: now.UnixNano(), monotonic: monotonic}
}

// wallTime reads the wall clock.
func (a *app) wallTime() time.Time {
	if a.now != nil {
		return a.now()
	}
	return time.Now()
}

// early returns how long before its end a token is due for renewal.
func (a *app) early() time.Duration { return jitter(a.earlyRefresh) }
