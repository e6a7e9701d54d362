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
	// Key returns the client id with [Options].Profile: where the authorization
	// is in the store.
	Key() Key
	// Scope returns the token's scopes if there is a token, and else those
	// that will be asked for.
	Scope() Scopes

	// CurrentToken returns the token in memory, expired or not, or nil. It
	// never waits; most callers want Token.
	CurrentToken() *Token
	// IsAuthorized reports whether there is a token in memory, expired or not.
	// With a store call Load first: a session begins with an empty memory.
	IsAuthorized() bool
	// Token returns a valid token. A fresh one is returned at once, and so is
	// one that is due for renewal, which then starts in the background. Only
	// when it is expired does Token wait for the renewal, which all callers
	// share and which goes on when ctx ends. It looks into the store when it
	// has nothing valid in memory. Errors: [ErrNotAuthorized],
	// [ErrTokenExpired], [ErrReauthorizationRequired], [ErrClosed],
	// [*TokenEndpointError], [*StoreError], [*RecordMismatchError], those of
	// the network and of ctx. After an error the next attempt is made a second
	// later at the earliest, or when the server allows it (Retry-After); until
	// then Token returns the same error. An answer 502, 503 or 504 of the token
	// endpoint is tried again at once, twice at most.
	Token(ctx context.Context) (*Token, error)
	// SetToken replaces the token, saves it and announces it with a
	// token-updated event, even if it is equal. A token without scope gets the
	// session's. A [*StoreError] or [*ListenerError] does not undo it: the
	// token is in use, and saving is tried again. A token whose refresh token
	// the session has used up for the one it holds is passed over.
	SetToken(ctx context.Context, token *Token) error
	// Record returns the token together with what a store keeps beside it, such
	// as the time of the consent; ok is false if there is no token. Its Version
	// is zero without a store.
	Record() (rec Record, ok bool)
	// SetRecord is SetToken with what belongs to the token, for moving an
	// authorization from one session to another: from the one that a web user
	// has signed in with to the one kept under their user id, say. It counts as
	// a new consent, and the token as not refused. Without RequestedScope the
	// user is taken to have been asked for the session's scope. A record of
	// another client id or flow is a [*RecordMismatchError], and so is one of a
	// user who was not asked for all of the session's scope.
	SetRecord(ctx context.Context, rec Record) error
	// Load fetches the token from the store if the store has another than
	// memory, and returns what is in memory then: nil if there is none.
	// Without a store it does no more than CurrentToken.
	Load(ctx context.Context) (*Token, error)
	// Logout gives the authorization up: it forgets the token in memory, deletes
	// it in the store, so that other processes log out too, and announces it by
	// a [LoggedOut] event. Spotify is not told, as it has no endpoint for that:
	// the user can take the app's access away at
	// https://www.spotify.com/account/apps. A [*StoreError] does not undo it:
	// deleting is tried again. A later login works as the first.
	Logout(ctx context.Context) error
	// Watch does what Load does whenever the store tells of a change, and so
	// has every newer token announced by a token-updated event. It returns
	// when ctx ends, with its error; when the session is closed, with
	// [ErrClosed]; or with a [*StoreError] when the store cannot watch (any
	// longer): call it again then, for nothing is lost but time. A load that
	// fails, or takes more than ten seconds, goes to [Options].OnError. Run it
	// in a goroutine of its own.
	Watch(ctx context.Context) error
	// AuthorizedAt returns when the user last consented, or zero if that is
	// not known.
	AuthorizedAt() time.Time
	// ReauthorizeBy returns when the refresh token dies, which is six months
	// after the user's consent and is not put off by refreshing
	// (https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration).
	// It is zero if the consent's time is not known or nothing can be
	// refreshed.
	ReauthorizeBy() time.Time

	// Request makes a request with the token. See [RequestOptions].
	Request(ctx context.Context, method, url string, opts *RequestOptions) (*http.Response, error)
	// Do sends req with the token, if its URL is one the token may go to, and
	// follows redirects like [http.Client.Do], whose result it returns.
	Do(req *http.Request) (*http.Response, error)
	// Client returns an HTTP client that makes requests like Do, for other
	// libraries. It is new at each call, so its fields may be set.
	Client() *http.Client
	// TokenSource returns the session as a token source of
	// golang.org/x/oauth2. ctx bounds every wait for a token. Prefer Client:
	// that package's own client sends the token to any host, and keeps it until
	// ten seconds before its end by the real clock, whatever [Options].Now says.
	TokenSource(ctx context.Context) oauth2.TokenSource
	// Mount makes rt send the requests whose URL starts with prefix, those for
	// a token included; the longest prefix wins. See [ErrMountPrefix]. A nil rt
	// takes the mount away.
	Mount(prefix string, rt http.RoundTripper) error

	// OnTokenUpdated registers a listener that is called whenever the session
	// has a new token, after it is saved. The returned function removes it.
	// See [TokenUpdated].
	OnTokenUpdated(listener func(context.Context, TokenUpdated) error) (remove func())
	// OnTokenExpired registers a listener that is called when a token is
	// needed and the session's is expired, before the session renews it by
	// itself. The returned function removes it. See [TokenExpired].
	OnTokenExpired(listener func(context.Context, TokenExpired) error) (remove func())

	// OnLoggedOut registers a listener that is called when the authorization is
	// given up, here or elsewhere. The returned function removes it. See
	// [LoggedOut].
	OnLoggedOut(listener func(context.Context, LoggedOut) error) (remove func())

	// Done returns a channel that is closed when the session is.
	Done() <-chan struct{}
	// Close waits until a renewal in flight is saved, saves what could not be
	// saved before, and makes everything else fail with [ErrClosed]. A program
	// that ends without it may lose a rotated refresh token. It returns the
	// [*StoreError] if a token could not be saved, the [*ListenerError] if a
	// token-updated listener failed on the latest token, or ctx's error if that
	// ends first; the renewal still goes on then. Closing twice is fine.
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
	// RefreshToken gets a new token now, whether or not the old one is
	// expired, and returns it. Calls at the same time share one renewal, also
	// with other processes on the same store: if one of those has just renewed
	// the token, theirs is returned. Errors are those of Token; with a
	// [*StoreError] or [*ListenerError] the token is returned all the same.
	RefreshToken(ctx context.Context) (*Token, error)
	// AutoRefresh reports whether the session renews its token by itself.
	AutoRefresh() bool
	// SetAutoRefresh switches that on or off.
	SetAutoRefresh(on bool)
	// EnableAutoRefresh is SetAutoRefresh(true).
	EnableAutoRefresh()
	// DisableAutoRefresh is SetAutoRefresh(false).
	DisableAutoRefresh()
}

// session is what all flows have in common: the face of its parts.
type session struct {
	keeper
	begun       atomic.Pointer[logins]
	lastRefused atomic.Pointer[replacement]
}

// errNotMade: a session that no constructor has made.
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

// logins returns the logins under way, which are there from the first on.
func (s *session) logins() *logins {
	if l := s.begun.Load(); l != nil {
		return l
	}
	s.begun.CompareAndSwap(nil, &logins{})
	return s.begun.Load()
}

// denied forgets the login that the user has refused, and returns err, unless
// there is no such login.
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
	if rec.Token == nil || rec.Token.secrets == nil {
		return &TokenFormatError{Reason: "is nil"}
	}
	rec.Token = s.rules().inherit(rec.Token, nil)
	rec.ClientID, rec.Flow = cmp.Or(rec.ClientID, s.app.clientID), cmp.Or(rec.Flow, s.flow())
	if rec.RequestedScope == nil {
		rec.RequestedScope = s.app.scope
	}
	if err := s.rules().check(s.Key(), rec); err != nil {
		return err
	}
	return s.give(ctx, rec)
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
func (s *session) Close(ctx context.Context) error { return s.close(ctx) }

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

// refreshable is what the flows share whose tokens can be renewed.
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
