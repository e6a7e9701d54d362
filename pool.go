package spotipie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Pool has the sessions of an app's many users, for web backends. It loads a
// user's session from the store when it is asked for, and drops it when it has
// not been used for a while or when there are too many.
//
//	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
//	go pool.Run(ctx)
//	…
//	session, err := pool.Session(ctx, user)
//
// In a process there is one session of a user at a time, however many requests
// ask for it, even if the pool has dropped it while a request still uses it.
// All sessions share the app's settings and its limit of token requests. Any
// number of processes may have pools on one store.
//
// Package web signs users in. Without it, use AuthorizationURL and FinishLogin.
// A Pool may be used from many goroutines.
type Pool struct {
	app      *app
	loginApp *app // for logins whose user is not known yet: it has no store
	options  PoolOptions
	shards   []poolShard
	started  time.Time
	// now is the time since then, in nanoseconds, when the clock was last read: before
	// each eviction. Reading it for each request would cost more than the rest of
	// Session.
	now    atomic.Int64
	finish finishing
	closed atomic.Bool
	done   chan struct{}

	loaded, evicted atomic.Uint64
}

// PoolOptions adjust a pool.
type PoolOptions struct {
	// Options are those of the sessions. Store is required. Profile must be
	// empty: each session has the name of its user there.
	Options
	// MaxSessions is how many sessions the pool keeps in memory at most; one
	// takes some 400 bytes and its strings. Sessions that have something
	// unsaved are kept in any case. Default: 100,000.
	MaxSessions int
	// MaxIdle is how long the pool keeps a session that nobody asks for.
	// Default: one hour.
	MaxIdle time.Duration
	// TokenRequests is how many token requests are made at the same time.
	// Others wait for their turn, first come, first served. Default: 32.
	TokenRequests int
	// KeepWarm makes Run renew tokens that are due while nobody uses them, so that
	// a user who comes back later does not wait. It is the highest number of
	// renewals in a second. Default: 0, tokens are renewed when they are needed.
	KeepWarm float64
	// OnSession is called with each session that the pool makes, before any
	// caller gets it. Use it to register listeners and to mount RoundTrippers.
	// It must not ask the pool for a session, and should return at once, because
	// other users of the pool wait for it. Default: nothing.
	OnSession func(*AuthorizationCodeSession)
}

const (
	defaultMaxSessions = 100_000
	defaultMaxIdle     = time.Hour
)

// NewPool makes an empty pool. It makes no request and starts nothing. The error
// is about the credentials or options: a redirect URI that Spotify refuses is a
// [*RedirectURIError].
func NewPool(creds Credentials, opts *PoolOptions) (*Pool, error) {
	if opts == nil || opts.Store == nil {
		return nil, errors.New("spotipie: PoolOptions.Store is nil: a pool keeps its users' authorizations in a store, such as that of package pgstore")
	}
	p := &Pool{options: *opts, started: time.Now(), done: make(chan struct{})}
	if p.options.Profile != "" {
		return nil, fmt.Errorf("spotipie: PoolOptions.Profile is %q: leave it empty, each session has its user's", p.options.Profile)
	}
	p.options.MaxSessions = cmp.Or(max(p.options.MaxSessions, 0), defaultMaxSessions)
	p.options.MaxIdle = orDefault(p.options.MaxIdle, defaultMaxIdle)
	settings := p.options.Options
	settings.Profile = "user" // the check needs a profile
	var err error
	if p.app, err = newApp(creds, &settings); err != nil {
		return nil, err
	}
	if err := p.app.checkRedirectURI(creds.RedirectURI); err != nil {
		return nil, err
	}
	p.app.slots = newSlots(cmp.Or(max(p.options.TokenRequests, 0), defaultTokenRequests), tokenRequestJitter)
	p.app.refusals = &refusals{report: func(err error) {
		p.app.report(Key{ClientID: p.app.clientID}, err)
	}}
	settings.Store = nil
	if p.loginApp, err = newApp(creds, &settings); err != nil {
		return nil, err
	}
	p.loginApp.slots = p.app.slots
	p.shards = newPoolShards(p.options.MaxSessions)
	return p, nil
}

// Session returns the session of a user. user is the profile of the user's
// authorization in the store: [User].Key if FinishLogin or package web signed
// them in. The first call loads the session from the store, and other callers
// wait for that until their own ctx ends. For a user without an authorization,
// the session is not authorized; the store is asked again for them a second later
// at the earliest, unless they sign in here or Run hears of it. Errors: [ErrClosed], [*StoreError],
// [*RecordMismatchError] and that of ctx. Keep the session while you handle a
// request, and ask for it again for the next one, which costs next to nothing.
// Do not close it.
func (p *Pool) Session(ctx context.Context, user string) (*AuthorizationCodeSession, error) {
	if user == "" {
		return nil, errors.New("spotipie: Pool.Session: the user is empty")
	}
	if err := p.isOpen(); err != nil {
		return nil, err
	}
	shard, hash := p.shardOf(user)
	r := shard.find(hash, user)
	if r == nil {
		r = p.admit(shard, hash, user)
	}
	r.touch(p.now.Load())
	if r.state.Load() == nil {
		if err := p.load(ctx, shard, r); err != nil {
			return nil, err
		}
	}
	return &r.AuthorizationCodeSession, nil
}

// errPoolNotMade: the pool was not made by NewPool.
var errPoolNotMade = errors.New("spotipie: the pool is a zero value: make it with NewPool")

// isOpen returns an error if the pool is closed or was never made.
func (p *Pool) isOpen() error {
	switch {
	case p.app == nil:
		return errPoolNotMade
	case p.closed.Load():
		return ErrClosed
	}
	return nil
}

// admit makes the session of a user, or finds a dropped one that is still in use.
func (p *Pool) admit(shard *poolShard, hash uint64, user string) *pooled {
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if r := shard.resident(hash, user); r != nil {
		return r
	}
	r := shard.evicted[user].Value()
	if r == nil {
		r = &pooled{}
		r.initFor(&r.AuthorizationCodeSession, p.app, user, !p.options.DisableAutoRefresh)
		if p.options.OnSession != nil {
			p.options.OnSession(&r.AuthorizationCodeSession)
		}
		if p.closed.Load() {
			r.markClosed()
		}
	}
	now := p.tick()
	r.touch(now)
	p.evicted.Add(uint64(shard.add(hash, r, now-int64(p.options.MaxIdle))))
	return r
}

// shelfOf returns the place of a key in the store, for what the pool does itself.
func (p *Pool) shelfOf(key Key) shelf {
	return shelf{app: p.app, key: key, flow: FlowAuthorizationCode, closing: func() <-chan struct{} { return p.done }}
}

// tick reads the clock.
func (p *Pool) tick() (now int64) {
	now = int64(time.Since(p.started))
	p.now.Store(now)
	return now
}

// PoolStats are numbers of a pool, for metrics.
type PoolStats struct {
	Sessions             int    // in memory now
	Loaded               uint64 // how often a session was loaded since the pool was made
	Evicted              uint64 // how often one was dropped
	TokenRequests        int    // under way now
	TokenRequestsWaiting int    // waiting for their turn now
}

// Stats returns the pool's numbers.
func (p *Pool) Stats() PoolStats {
	if p.app == nil {
		return PoolStats{}
	}
	s := PoolStats{Loaded: p.loaded.Load(), Evicted: p.evicted.Load()}
	for i := range p.shards {
		s.Sessions += p.shards[i].len()
	}
	s.TokenRequests, s.TokenRequestsWaiting = p.app.slots.numbers()
	return s
}

// Summaries returns a page of summaries of the app's users; see
// [SummaryQuery]. It asks the store and loads no session.
func (p *Pool) Summaries(ctx context.Context, query SummaryQuery) (SummaryPage, error) {
	if p.app == nil {
		return SummaryPage{}, errPoolNotMade
	}
	query.ClientID = p.app.clientID
	return Summaries(ctx, p.app.store, query)
}

// String describes the pool without secrets.
func (p *Pool) String() string {
	if p.app == nil {
		return "Pool(none)"
	}
	return fmt.Sprintf("Pool(client_id %s, %d sessions)", p.app.clientID, p.Stats().Sessions)
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (p *Pool) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// closers is how many sessions Close closes at the same time.
const closers = 64

// Close closes every session: it waits until running renewals and logins are saved,
// and saves what could not be saved before. All other calls then fail with
// [ErrClosed]. It returns the joined errors of the sessions' Close. If ctx ends
// first, it returns ctx's error, and renewals and logins go on. Closing twice is
// fine. A listener may close the pool with the context it was given: Close does not
// wait for calls that wait for that listener.
func (p *Pool) Close(ctx context.Context) error {
	if p.app == nil {
		return nil
	}
	if p.closed.CompareAndSwap(false, true) {
		close(p.done)
	}
	sessions := make(chan *pooled)
	var errs []error
	var mu sync.Mutex
	failed := func(err error) {
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
	}
	var group sync.WaitGroup
	for range closers {
		group.Go(func() {
			for s := range sessions {
				failed(s.close(ctx))
			}
		})
	}
	for _, f := range p.finish.close() {
		group.Go(func() { failed(f.close(ctx)) })
	}
	for i := range p.shards {
		for _, r := range p.shards[i].all() {
			sessions <- r
		}
	}
	close(sessions)
	group.Wait()
	p.app.reports.settle(ctx)
	return errors.Join(errs...)
}
