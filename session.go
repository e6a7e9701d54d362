package spotipie

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
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
	// then Token returns the same error.
	Token(ctx context.Context) (*Token, error)
	// SetToken replaces the token, saves it and announces it with a
	// token-updated event, even if it is equal. A token without scope gets the
	// session's. A [*StoreError] or [*ListenerError] does not undo it: the
	// token is in use, and saving is tried again.
	SetToken(ctx context.Context, token *Token) error
	// Record returns the token together with what a store keeps beside it, such
	// as the time of the consent; ok is false if there is no token. Its Version
	// is zero without a store.
	Record() (rec Record, ok bool)
	// SetRecord is SetToken with what belongs to the token, for moving an
	// authorization from one session to another: from the one that a web user
	// has signed in with to the one kept under their user id, say. A record of
	// another client id is a [*RecordMismatchError].
	SetRecord(ctx context.Context, rec Record) error
	// Load fetches the token from the store if the store has another than
	// memory, and returns what is in memory then: nil if there is none.
	// Without a store it does no more than CurrentToken.
	Load(ctx context.Context) (*Token, error)
	// Watch does what Load does whenever the store tells of a change, and so
	// has every newer token announced by a token-updated event. It returns
	// when ctx ends, with its error; when the session is closed, with
	// [ErrClosed] after the next change; or with a [*StoreError] when the store
	// cannot watch (any longer): call it again then, for nothing is lost but
	// time. Run it in a goroutine of its own.
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
	// Mount makes rt send the requests whose URL starts with prefix; the
	// longest prefix wins. See [ErrMountPrefix]. A nil rt takes the mount away.
	Mount(prefix string, rt http.RoundTripper) error

	// OnTokenUpdated registers a listener that is called whenever the session
	// has a new token, after it is saved. The returned function removes it.
	// See [TokenUpdated].
	OnTokenUpdated(listener func(context.Context, TokenUpdated) error) (remove func())
	// OnTokenExpired registers a listener that is called when a token is
	// needed and the session's is expired, before the session renews it by
	// itself. The returned function removes it. See [TokenExpired].
	OnTokenExpired(listener func(context.Context, TokenExpired) error) (remove func())

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

// session is what all flows have in common.
type session struct {
	self         Session // the exported session, for events
	clientID     string
	clientSecret secret
	redirectURI  string
	cfg          *config

	held        atomic.Pointer[held] // nil: no token
	failure     atomic.Pointer[failure]
	lastRefused atomic.Pointer[replacement]
	autoRefresh atomic.Bool
	closed      atomic.Bool

	mounts    atomic.Pointer[[]mount]
	listeners atomic.Pointer[listeners]

	mu      sync.Mutex // guards what follows, changes of held and of closed
	renewal *flight
	expiry  *flight
	pending []pendingLogin
}

func (s *session) init(self Session, creds Credentials, opts *Options) error {
	if creds.ClientID == "" {
		return errors.New("spotipie: Credentials.ClientID is empty: take it from the app's page at https://developer.spotify.com/dashboard")
	}
	cfg, err := newConfig(opts)
	if err != nil {
		return err
	}
	s.self, s.cfg = self, cfg
	s.clientID, s.clientSecret, s.redirectURI = creds.ClientID, newSecret(creds.ClientSecret), creds.RedirectURI
	s.autoRefresh.Store(!(opts != nil && opts.DisableAutoRefresh))
	return nil
}

func (s *session) base() *session { return s }

func (s *session) now() time.Time {
	if s.cfg.now != nil {
		return s.cfg.now()
	}
	return time.Now()
}

func (s *session) key() Key { return Key{ClientID: s.clientID, Profile: s.cfg.profile} }

// ClientID implements [Session].
func (s *session) ClientID() string { return s.clientID }

// requestedScope returns the scopes that a user is asked for.
func (s *session) requestedScope() Scopes { return s.cfg.scope.Normalize() }

// Scope implements [Session].
func (s *session) Scope() Scopes {
	if t := s.CurrentToken(); t != nil {
		return t.Scope()
	}
	return s.requestedScope()
}

// CurrentToken implements [Session].
func (s *session) CurrentToken() *Token {
	if h := s.held.Load(); h != nil {
		return h.token
	}
	return nil
}

// IsAuthorized implements [Session].
func (s *session) IsAuthorized() bool { return s.held.Load() != nil }

// AuthorizedAt implements [Session].
func (s *session) AuthorizedAt() time.Time {
	if h := s.held.Load(); h != nil {
		return s.record(h).AuthorizedAt
	}
	return time.Time{}
}

// refreshTokenMonths is how long a refresh token lives after the consent.
const refreshTokenMonths = 6

// ReauthorizeBy implements [Session].
func (s *session) ReauthorizeBy() time.Time {
	if h := s.held.Load(); h != nil {
		return h.reauthorizeBy()
	}
	return time.Time{}
}

func (h *held) reauthorizeBy() time.Time {
	if h.authorizedAt == 0 || h.token.RefreshToken() == "" {
		return time.Time{}
	}
	return time.Unix(0, h.authorizedAt).UTC().AddDate(0, refreshTokenMonths, 0)
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
	state := "not authorized"
	if t := s.CurrentToken(); t != nil {
		state = t.String()
	}
	return fmt.Sprintf("Session(%s, client_id %s, %s)", s.self.Flow(), s.clientID, state)
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (s *session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer] without secrets.
func (s *session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// report passes an error that no caller waits for to OnError.
func (s *session) report(err error) {
	if err != nil && s.cfg.onError != nil {
		s.cfg.onError(err)
	}
}

// refreshable is what the flows share whose tokens can be renewed.
type refreshable struct {
	session
}

// ClientSecret implements [RefreshableSession].
func (r *refreshable) ClientSecret() string { return r.clientSecret() }

// RefreshToken implements [RefreshableSession].
func (r *refreshable) RefreshToken(ctx context.Context) (*Token, error) { return r.refreshNow(ctx) }

// AutoRefresh implements [RefreshableSession].
func (r *refreshable) AutoRefresh() bool { return r.autoRefresh.Load() }

// SetAutoRefresh implements [RefreshableSession].
func (r *refreshable) SetAutoRefresh(on bool) {
	r.autoRefresh.Store(on)
	if h := r.held.Load(); on && h != nil && h.saving == saved && h.failures.Load() == 0 {
		h.lookAt(h.due)
	}
}

// EnableAutoRefresh implements [RefreshableSession].
func (r *refreshable) EnableAutoRefresh() { r.SetAutoRefresh(true) }

// DisableAutoRefresh implements [RefreshableSession].
func (r *refreshable) DisableAutoRefresh() { r.SetAutoRefresh(false) }
