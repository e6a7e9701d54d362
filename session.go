package spotipie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// Session is what the sessions of all flows share: one authorization of one
// app, by one user or by the app itself. It holds the token, renews it and
// makes requests with it. [*AuthorizationCodeSession],
// [*ClientCredentialsSession] and [*ImplicitGrantSession] implement it; every
// method may be called from many goroutines.
//
// The interface may grow: embed one of the sessions rather than writing out
// all methods.
type Session interface {
	// Flow names the session's flow.
	Flow() Flow
	// ClientID returns the app's client id.
	ClientID() string
	// Key returns the client id and [Options].Profile, which together name the
	// authorization in the store.
	Key() Key
	// Scope returns the scopes of the token. Without a token it returns those
	// that the user will be asked for.
	Scope() Scopes

	// CurrentToken returns the token in memory, expired or not, or nil. It
	// never waits; most callers want Token.
	CurrentToken() *Token
	// IsAuthorized reports whether there is a token in memory, expired or not.
	// A new session has not looked into its store yet: call Load first.
	IsAuthorized() bool
	// Token returns a valid token. If the token is due for renewal, Token
	// returns it at once and starts the renewal in the background. Token waits
	// for the renewal only if the token is expired. All callers share one
	// renewal, which goes on when ctx ends. If there is no valid token in
	// memory, Token looks into the store. Errors: [ErrNotAuthorized],
	// [ErrTokenExpired], [ErrReauthorizationRequired], [ErrClosed],
	// [*TokenEndpointError], [*StoreError], [*RecordMismatchError], those of
	// the network and of ctx. After an error the session waits a second before
	// it tries again, or as long as the server asks (Retry-After), a day at
	// most; until then Token returns the same error. If the token endpoint
	// answers 502, 503 or 504, the request is sent again at once, twice at most.
	Token(ctx context.Context) (*Token, error)
	// SetToken replaces the token, saves it and announces it with a
	// token-updated event, even if it is equal. A token without scope gets the
	// session's. After a [*StoreError] or [*ListenerError] the token is in use
	// anyway, and saving is tried again. If ctx ends first, SetToken returns
	// its error, and saving goes on. SetToken ignores a token whose refresh
	// token the session has already used up to get its current one.
	SetToken(ctx context.Context, token *Token) error
	// Record returns the token together with what a store keeps with it, such
	// as the time of the consent; ok is false if there is no token. Its Version
	// is zero without a store.
	Record() (rec Record, ok bool)
	// SetRecord is like SetToken, but takes the whole record. Use it to move an
	// authorization from one session to another: for example, from the session
	// that a web user has signed in with to the one kept under their user id.
	// It counts as a new consent, and the token as not refused. If
	// RequestedScope is nil, the session's scope is taken. The error is a
	// [*RecordMismatchError] if the record is of another client id or flow, or
	// if the user was not asked for all of the session's scope.
	SetRecord(ctx context.Context, rec Record) error
	// Load takes over what other processes have saved in the store, and returns
	// the token in memory then, or nil. It waits for the store for at most ten
	// seconds. Without a store it is the same as CurrentToken. Errors:
	// [*StoreError], [*RecordMismatchError], [ErrClosed], those of ctx, and a
	// [*ListenerError], with which the token is returned too.
	Load(ctx context.Context) (*Token, error)
	// Logout forgets the token in memory and deletes it in the store, so that
	// other processes log out too. Then it calls the listeners with a
	// [LoggedOut] event. Spotify is not told, because it has no endpoint for that;
	// users can remove the app's access at
	// https://www.spotify.com/account/apps. After a [*StoreError] the session
	// is still logged out, and deleting is tried again. If ctx ends first, Logout
	// returns its error, and deleting goes on. The user can log in again later.
	Logout(ctx context.Context) error
	// Watch loads the token whenever the store reports a change, so that
	// listeners hear of every newer token at once. Run it in a goroutine of its
	// own. It returns ctx's error when ctx ends, [ErrClosed] when the session
	// is closed, and a [*StoreError] when the store cannot watch, or no longer
	// can. Call it again then: no change is lost, it is only noticed later. If
	// a load fails or takes more than ten seconds, [Options].OnError is called.
	Watch(ctx context.Context) error
	// AuthorizedAt returns when the user last consented, or zero if that is
	// not known.
	AuthorizedAt() time.Time
	// ReauthorizeBy returns when the refresh token expires: six months after
	// the user's consent, however often the token is refreshed
	// (https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration).
	// It is zero if the time of the consent is not known or there is no refresh
	// token.
	ReauthorizeBy() time.Time

	// Request makes a request with the token. The url may be absolute, or relative
	// to [Options].APIURL, such as /v1/me. A URL of another origin than
	// [Options].TokenOrigins is sent without the token. opts may be nil. There is
	// no error for an answer such as 404: [CheckResponse] turns it into one. The
	// caller closes the body of the answer. Errors are those of Token and of the
	// network, in a [*url.Error].
	Request(ctx context.Context, method, url string, opts *RequestOptions) (*http.Response, error)
	// Do sends req with the token if its URL is of [Options].TokenOrigins, and
	// without it otherwise. It follows redirects and returns like
	// [http.Client.Do].
	Do(req *http.Request) (*http.Response, error)
	// Client returns an HTTP client that makes requests like Do, for other
	// libraries. It is new at each call, so its fields may be set.
	Client() *http.Client
	// TokenSource returns the session as a token source of golang.org/x/oauth2.
	// ctx limits every wait for a token. Client is safer: the client of that
	// package sends the token to any host, and keeps it until ten seconds
	// before its end by the real clock, whatever [Options].Now says.
	TokenSource(ctx context.Context) oauth2.TokenSource
	// Mount makes rt send the requests whose URL starts with prefix, including
	// those to the token endpoint. A prefix such as "/" or "/v1/me" is relative
	// to [Options].APIURL, as in Request. The longest prefix wins. A nil rt
	// removes the mount. A prefix that is not the beginning of a URL is
	// [ErrMountPrefix].
	Mount(prefix string, rt http.RoundTripper) error

	// OnTokenUpdated registers a listener that is called whenever the session
	// has a new token, after it is saved. The returned function removes it.
	// See [TokenUpdated].
	OnTokenUpdated(listener func(context.Context, TokenUpdated) error) (remove func())
	// OnTokenExpired registers a listener that is called when a token is needed
	// and the session's token is expired, before the session renews it. The
	// returned function removes it. See [TokenExpired].
	OnTokenExpired(listener func(context.Context, TokenExpired) error) (remove func())

	// OnLoggedOut registers a listener that is called when the user is logged
	// out, by this process or another. The returned function removes it. See
	// [LoggedOut].
	OnLoggedOut(listener func(context.Context, LoggedOut) error) (remove func())

	// Done returns a channel that is closed when the session is closed.
	Done() <-chan struct{}
	// Close waits until a renewal under way is saved, and saves what could not
	// be saved before. All other calls then fail with [ErrClosed]. A program
	// that ends without Close may lose a rotated refresh token. Close returns a
	// [*StoreError] if a token could not be saved, a [*ListenerError] if a
	// token-updated listener failed on the latest token, or ctx's error if ctx
	// ends first; the renewal goes on then. Closing twice is fine.
	Close(ctx context.Context) error

	base() *session
}

// RefreshableSession is a session that can get a new token without the user:
// [*AuthorizationCodeSession] with a refresh token, [*ClientCredentialsSession]
// without one.
type RefreshableSession interface {
	Session

	// ClientSecret returns the app's secret; it may be empty.
	ClientSecret() string
	// RefreshToken gets a new token now, whether or not the old one is expired,
	// and returns it. Calls at the same time share one renewal, also with other
	// processes on the same store: if one of those has just renewed the token,
	// that token is returned. Errors are those of Token, and [ErrNoRefreshToken].
	// If the new token could not be saved, or a listener failed, the token is
	// returned together with the [*StoreError] or [*ListenerError].
	RefreshToken(ctx context.Context) (*Token, error)
	// AutoRefresh reports whether the session renews its token automatically.
	AutoRefresh() bool
	// SetAutoRefresh switches automatic renewal on or off.
	SetAutoRefresh(on bool)
	// EnableAutoRefresh is SetAutoRefresh(true).
	EnableAutoRefresh()
	// DisableAutoRefresh is SetAutoRefresh(false).
	DisableAutoRefresh()
}

// session is what the sessions of all flows have in common.
type session struct {
	keeper
	begun           atomic.Pointer[logins]
	lastReplacement atomic.Pointer[replacement]
}

// errNotMade: the session was not made by a New function.
var errNotMade = errors.New("spotipie: the session is a zero value: make it with its New function")

func (s *session) init(self Session, creds Credentials, opts *Options) error {
	a, err := newApp(creds, opts)
	if err != nil {
		return err
	}
	if opts == nil {
		opts = &Options{}
	}
	s.initFor(self, a, opts.Profile, !opts.DisableAutoRefresh)
	return nil
}

// initFor makes a session of an app, for one user.
func (s *session) initFor(self Session, a *app, profile string, autoRefresh bool) {
	s.app, s.session, s.profile = a, self, profile
	s.autoRefresh.Store(autoRefresh)
}

func (s *session) base() *session { return s }

// logins returns the session's unfinished logins. The first call makes the value.
func (s *session) logins() *logins {
	if l := s.begun.Load(); l != nil {
		return l
	}
	s.begun.CompareAndSwap(nil, &logins{})
	return s.begun.Load()
}

// denied forgets the login that the user has refused, and returns err. If there
// is no such login it returns [ErrStateMismatch].
func (s *session) denied(state string, err error) error {
	if _, mismatch := s.logins().take(state, s.app.wallTime()); mismatch != nil {
		return mismatch
	}
	return err
}

// settings returns the app's settings, which are empty in a zero session.
func (s *session) settings() *app {
	if s.app == nil {
		return &app{clientSecret: newSecret("")}
	}
	return s.app
}

// ClientID implements [Session].
func (s *session) ClientID() string { return s.settings().clientID }

// Key implements [Session].
func (s *session) Key() Key { return Key{ClientID: s.settings().clientID, Profile: s.profile} }

func (s *session) redirectURI() string { return s.settings().redirectURI }

// requestedScope returns the scopes that a user is asked for.
func (s *session) requestedScope() Scopes { return s.settings().scope.Normalize() }

// Scope implements [Session].
func (s *session) Scope() Scopes {
	if t := s.CurrentToken(); t != nil {
		return t.Scope()
	}
	return s.requestedScope()
}

// CurrentToken implements [Session].
func (s *session) CurrentToken() *Token { return s.current().tokenOrNil() }

// IsAuthorized implements [Session].
func (s *session) IsAuthorized() bool { return s.CurrentToken() != nil }

// Token implements [Session].
func (s *session) Token(ctx context.Context) (*Token, error) {
	held, err := s.valid(ctx)
	if err != nil {
		return nil, err
	}
	return held.token, nil
}

// SetToken implements [Session].
func (s *session) SetToken(ctx context.Context, token *Token) error {
	return s.SetRecord(ctx, Record{Token: token})
}

// Record implements [Session].
func (s *session) Record() (rec Record, ok bool) {
	held := s.current()
	if !held.signedIn() {
		return Record{}, false
	}
	return held.record(s.rules()), true
}

// SetRecord implements [Session].
func (s *session) SetRecord(ctx context.Context, rec Record) error {
	if err := s.isOpen(); err != nil {
		return err
	}
	rec, err := s.fitting(rec)
	if err != nil {
		return err
	}
	return s.give(ctx, rec)
}

// fitting fills in what rec leaves out, or says why the session cannot use it.
func (s *session) fitting(rec Record) (Record, error) {
	if rec.Token == nil || rec.Token.secrets == nil {
		return rec, &TokenFormatError{Reason: "it is nil"}
	}
	if token := *rec.Token; rec.RequestedScope != nil && len(token.scope) == 0 { // it is what was asked for, also if that is nothing
		token.scope = rec.RequestedScope.Normalize()
		rec.Token = &token
	} else {
		rec.Token = s.rules().inherit(rec.Token, nil)
	}
	rec.ClientID, rec.Flow = cmp.Or(rec.ClientID, s.app.clientID), cmp.Or(rec.Flow, s.flow())
	if rec.RequestedScope == nil {
		rec.RequestedScope = s.app.scope
	}
	return rec, s.rules().check(s.Key(), rec)
}

// Load implements [Session].
func (s *session) Load(ctx context.Context) (*Token, error) { return s.load(ctx) }

// Logout implements [Session].
func (s *session) Logout(ctx context.Context) error { return s.logout(ctx) }

// Watch implements [Session].
func (s *session) Watch(ctx context.Context) error { return s.watch(ctx) }

// AuthorizedAt implements [Session].
func (s *session) AuthorizedAt() time.Time { return s.current().authorizedTime() }

// ReauthorizeBy implements [Session].
func (s *session) ReauthorizeBy() time.Time { return s.current().reauthorizeBy() }

// Mount implements [Session].
func (s *session) Mount(prefix string, rt http.RoundTripper) error {
	if s.app == nil {
		return errNotMade
	}
	return s.router().mount(prefix, rt)
}

// OnTokenUpdated implements [Session].
func (s *session) OnTokenUpdated(listener func(context.Context, TokenUpdated) error) (remove func()) {
	if listener == nil || s.app == nil {
		return func() {}
	}
	b := s.listeners()
	return register(b, &b.updated, listener)
}

// OnTokenExpired implements [Session].
func (s *session) OnTokenExpired(listener func(context.Context, TokenExpired) error) (remove func()) {
	if listener == nil || s.app == nil {
		return func() {}
	}
	b := s.listeners()
	return register(b, &b.expired, listener)
}

// OnLoggedOut implements [Session].
func (s *session) OnLoggedOut(listener func(context.Context, LoggedOut) error) (remove func()) {
	if listener == nil || s.app == nil {
		return func() {}
	}
	b := s.listeners()
	return register(b, &b.loggedOut, listener)
}

// Done implements [Session].
func (s *session) Done() <-chan struct{} { return s.closing() }

// Close implements [Session].
func (s *session) Close(ctx context.Context) error {
	err := s.close(ctx)
	if s.app != nil {
		s.app.reports.settle(ctx)
	}
	return err
}

// TokenSource implements [Session].
func (s *session) TokenSource(ctx context.Context) oauth2.TokenSource {
	return &tokenSource{ctx: ctx, session: s}
}

type tokenSource struct {
	ctx     context.Context
	session *session
}

// Token implements [oauth2.TokenSource].
func (t *tokenSource) Token() (*oauth2.Token, error) {
	token, err := t.session.Token(t.ctx)
	if err != nil {
		return nil, err
	}
	return token.OAuth2(), nil
}

// String describes the session without secrets.
func (s *session) String() string {
	if s.app == nil {
		return "Session(none)"
	}
	state := "not authorized"
	if t := s.CurrentToken(); t != nil {
		state = t.String()
	}
	return fmt.Sprintf("Session(%s, client_id %s, %s)", s.flow(), s.app.clientID, state)
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (s *session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer] without secrets.
func (s *session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// refreshable is what the flows with renewable tokens have in common.
type refreshable struct {
	session
}

// ClientSecret implements [RefreshableSession].
func (r *refreshable) ClientSecret() string { return r.settings().clientSecret() }

// RefreshToken implements [RefreshableSession].
func (r *refreshable) RefreshToken(ctx context.Context) (*Token, error) { return r.refreshNow(ctx) }

// AutoRefresh implements [RefreshableSession].
func (r *refreshable) AutoRefresh() bool { return r.autoRefresh.Load() }

// SetAutoRefresh implements [RefreshableSession].
func (r *refreshable) SetAutoRefresh(on bool) { r.autoRefresh.Store(on) }

// EnableAutoRefresh implements [RefreshableSession].
func (r *refreshable) EnableAutoRefresh() { r.SetAutoRefresh(true) }

// DisableAutoRefresh implements [RefreshableSession].
func (r *refreshable) DisableAutoRefresh() { r.SetAutoRefresh(false) }
