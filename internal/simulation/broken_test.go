package simulation

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// TestSimulationNoticesWhatIsBroken breaks one collaborator of the session at a
// time. The plan must have no such finding before, and have it then.
func TestSimulationNoticesWhatIsBroken(t *testing.T) {
	fleet := Plan{
		Seed: 1, Lifetime: time.Hour, Rotation: RotateAlways, Lease: 30 * time.Second, Processes: make([]Setup, 2),
		Actions: []Action{
			{At: time.Second, Kind: CallLogin},
			{At: 70 * time.Minute, Kind: CallToken},
			{At: 140 * time.Minute, Kind: CallToken, Process: 1},
			{At: 150 * time.Minute, Kind: CallAPI},
			{At: 160 * time.Minute, Kind: CallAPI, Process: 1},
		},
	}
	limited := with(fleet, Action{At: 69 * time.Minute, Kind: TokenFault, Fault: TooManyRequests, For: time.Minute, Count: 1},
		Action{At: 70*time.Minute + 10*time.Second, Kind: CallToken})
	hanging := with(fleet, Action{At: 69 * time.Minute, Kind: StoreHangs, Process: Everybody, For: 10 * time.Minute},
		Action{At: 69*time.Minute + time.Second, Kind: CallToken, For: time.Second})

	apps := with(fleet,
		Action{At: 2 * time.Second, Kind: CallToken, Process: 2},
		Action{At: 30 * time.Minute, Kind: CallToken, Process: 3},
		Action{At: 40 * time.Minute, Kind: CallLogout, Process: 2},
		Action{At: 41 * time.Minute, Kind: CallToken, Process: 2})
	apps.Processes = []Setup{{}, {}, {App: true}, {App: true}}

	for name, test := range map[string]struct {
		plan Plan
		rule string
		with Collaborators
	}{
		"a renewal is not saved":             {fleet, "sent-twice", storing(func(s *brokenStore) { s.swap = dropRenewals })},
		"a login is not saved":               {fleet, "login-lost", storing(func(s *brokenStore) { s.swap = dropAll })},
		"nobody tries to save":               {fleet, "handed-out-unsaved", storing(func(s *brokenStore) { s.swap = dropAll })},
		"what is not saved is forgotten":     {fleet, "not-saved", storing(func(s *brokenStore) { s.swap = dropAll })},
		"the lock is left out":               {fleet, "without-lock", storing(func(s *brokenStore) { s.lock = noLock })},
		"what was loaded first is kept":      {fleet, "sent-twice", storing(func(s *brokenStore) { s.load = firstLoaded() })},
		"an older record is put back":        {fleet, "older-saved", storing(func(s *brokenStore) { s.swap = putBack() })},
		"renewing counts as a consent":       {fleet, "consent-time", storing(func(s *brokenStore) { s.swap = consentNow })},
		"a token request is sent again":      {fleet, "sent-twice", sending(sendTwice)},
		"Retry-After is passed over":         {limited, "pace", sending(forgetRetryAfter)},
		"a refusal is taken for a fault":     {with(fleet, Action{At: 155 * time.Minute, Kind: Revoke}), "sent-refused", sending(hideRefusal)},
		"no token request gets through":      {fleet, "no-token", sending(refuseRenewals)},
		"a token is handed out for ever":     {with(fleet, Action{At: 170 * time.Minute, Kind: CallToken}), "past-end", facing(func(s Session) Session { return &handsOut{Session: s} })},
		"a listener is called twice":         {fleet, "order", facing(func(s Session) Session { return hearsTwice{s} })},
		"a listener is never called":         {fleet, "order", facing(func(s Session) Session { return hearsNothing{s} })},
		"a listener is called after Close":   {fleet, "after-close", facing(func(s Session) Session { return &hearsLate{Session: s} })},
		"a closed session works on":          {fleet, "after-close", facing(func(s Session) Session { return neverClosed{s} })},
		"a context is passed over":           {hanging, "late-return", facing(func(s Session) Session { return patient{s} })},
		"Watch does not return":              {watching(fleet), "watch", facing(func(s Session) Session { return watches{s} })},
		"a goroutine is left":                {fleet, "goroutine", facing(func(s Session) Session { return leaks{s} })},
		"a session keeps its first token":    {fleet, "disagree", facing(func(s Session) Session { return &keeps{Session: s} })},
		"the user is signed in after logout": {with(fleet, Action{At: 155 * time.Minute, Kind: Logout}), "login-lost", storing(func(s *brokenStore) { s.load = firstLoaded(); s.swap = saveOverAnything(s) })},
		"an app has a user's token":          {apps, "flow", facing(lending())},
		"an app does not see its own record": {apps, "needless", storing(func(s *brokenStore) { s.load = hideApps })},
		"an app ignores a logout":            {apps, "forgotten", facing(func(s Session) Session { return staysSignedIn{s} })},
		"no app gets a token any more":       {apps, "no-token", sending(refuseRenewals)},
	} {
		t.Run(name, func(t *testing.T) {
			if o := Play(t, test.plan, Collaborators{}); o.Has(test.rule) {
				t.Errorf("found before anything was broken:\n%s", o.Report())
			}
			if o := Play(t, test.plan, test.with); !o.Has(test.rule) {
				t.Errorf("nothing found that breaks the rule %s:\n%s", test.rule, o.Report())
			}
		})
	}
}

// with returns the plan with more actions.
func with(p Plan, more ...Action) Plan {
	p.Actions = append(p.Actions[:len(p.Actions):len(p.Actions)], more...)
	slices.SortStableFunc(p.Actions, func(a, b Action) int { return cmp.Compare(a.At, b.At) })
	return p
}

func watching(p Plan) Plan {
	p.Processes = []Setup{{Watch: true}, {Watch: true}}
	return p
}

// brokenStore is a store with some methods replaced.
type brokenStore struct {
	spotipie.Store
	load func(context.Context, spotipie.Store, spotipie.Key) (spotipie.Record, bool, error)
	swap func(context.Context, spotipie.Store, spotipie.Key, uint64, spotipie.Record) (uint64, error)
	lock func(context.Context, spotipie.Store, spotipie.Key) (func(context.Context) error, error)
}

func storing(breakIt func(*brokenStore)) Collaborators {
	return Collaborators{Store: func(s spotipie.Store) spotipie.Store {
		broken := &brokenStore{Store: s}
		breakIt(broken)
		return broken
	}}
}

func (b *brokenStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if b.load != nil {
		return b.load(ctx, b.Store, key)
	}
	return b.Store.Load(ctx, key)
}

func (b *brokenStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if b.swap != nil {
		return b.swap(ctx, b.Store, key, version, rec)
	}
	return b.Store.Swap(ctx, key, version, rec)
}

func (b *brokenStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	if b.lock != nil {
		return b.lock(ctx, b.Store, key)
	}
	return b.Store.Lock(ctx, key)
}

func dropAll(_ context.Context, _ spotipie.Store, _ spotipie.Key, version uint64, _ spotipie.Record) (uint64, error) {
	return version + 1, nil
}

func dropRenewals(ctx context.Context, s spotipie.Store, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if !strings.HasSuffix(rec.Token.AccessToken(), ".1") {
		return version + 1, nil
	}
	return s.Swap(ctx, key, version, rec)
}

func consentNow(ctx context.Context, s spotipie.Store, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	rec.AuthorizedAt = time.Now()
	return s.Swap(ctx, key, version, rec)
}

// putBack returns a Swap that saves the first record again over each later one.
func putBack() func(context.Context, spotipie.Store, spotipie.Key, uint64, spotipie.Record) (uint64, error) {
	var first spotipie.Record
	return func(ctx context.Context, s spotipie.Store, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
		version, err := s.Swap(ctx, key, version, rec)
		if err != nil || first.Token == nil {
			first = rec
			return version, err
		}
		return s.Swap(ctx, key, version, first)
	}
}

// saveOverAnything returns a Swap that saves a record again after it was deleted.
func saveOverAnything(b *brokenStore) func(context.Context, spotipie.Store, spotipie.Key, uint64, spotipie.Record) (uint64, error) {
	return func(ctx context.Context, s spotipie.Store, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
		current, found, err := s.Load(ctx, key)
		if err != nil {
			return 0, err
		}
		if !found {
			current.Version = 0
		}
		return s.Swap(ctx, key, current.Version, rec)
	}
}

// firstLoaded returns a Load that returns the first loaded record forever.
func firstLoaded() func(context.Context, spotipie.Store, spotipie.Key) (spotipie.Record, bool, error) {
	var mu sync.Mutex
	var first spotipie.Record
	return func(ctx context.Context, s spotipie.Store, key spotipie.Key) (spotipie.Record, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if first.Token != nil {
			return first, true, nil
		}
		rec, found, err := s.Load(ctx, key)
		if found {
			first = rec
		}
		return rec, found, err
	}
}

func noLock(context.Context, spotipie.Store, spotipie.Key) (func(context.Context) error, error) {
	return func(context.Context) error { return nil }, nil
}

// hideApps is a Load that does not find records of the app.
func hideApps(ctx context.Context, s spotipie.Store, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := s.Load(ctx, key)
	if rec.Flow == spotipie.FlowClientCredentials {
		return spotipie.Record{}, false, err
	}
	return rec, found, err
}

// roundTripper makes a function an [http.RoundTripper].
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func sending(breakIt func(http.RoundTripper, *http.Request) (*http.Response, error)) Collaborators {
	return Collaborators{Transport: func(rt http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) { return breakIt(rt, req) })
	}}
}

// sendTwice sends the request of a renewal, and sends it again if it succeeded.
func sendTwice(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := rt.RoundTrip(req)
	if err != nil || req.GetBody == nil || time.Since(begin) < time.Hour {
		return resp, err
	}
	again := req.Clone(req.Context())
	again.Body, _ = req.GetBody()
	return rt.RoundTrip(again)
}

func forgetRetryAfter(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := rt.RoundTrip(req)
	if err == nil {
		resp.Header.Del("Retry-After")
	}
	return resp, err
}

// hideRefusal makes each refusal an error of the server.
func hideRefusal(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := rt.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusBadRequest {
		resp.StatusCode = http.StatusInternalServerError
	}
	return resp, err
}

func refuseRenewals(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/api/token") && time.Since(begin) > time.Hour {
		return nil, errCut
	}
	return rt.RoundTrip(req)
}

// begin is the time at which the clock of a synctest bubble starts.
var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func facing(replace func(Session) Session) Collaborators { return Collaborators{Session: replace} }

type hearsTwice struct{ Session }

func (s hearsTwice) OnTokenUpdated(listener func(context.Context, spotipie.TokenUpdated) error) func() {
	return s.Session.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
		_ = listener(ctx, e)
		return listener(ctx, e)
	})
}

type hearsNothing struct{ Session }

func (hearsNothing) OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error) func() {
	return func() {}
}

// hearsLate is a session that calls its listener once more after Close.
type hearsLate struct {
	Session
	listener func(context.Context, spotipie.TokenUpdated) error
}

func (s *hearsLate) OnTokenUpdated(listener func(context.Context, spotipie.TokenUpdated) error) func() {
	s.listener = listener
	return s.Session.OnTokenUpdated(listener)
}

func (s *hearsLate) Token(ctx context.Context) (*spotipie.Token, error) {
	token, err := s.Session.Token(ctx)
	if err != nil && s.CurrentToken() != nil {
		_ = s.listener(ctx, spotipie.TokenUpdated{NewToken: s.CurrentToken()})
	}
	return token, err
}

type neverClosed struct{ Session }

func (neverClosed) Close(context.Context) error { return nil }

// patient is a session that ignores the context of Token.
type patient struct{ Session }

func (s patient) Token(ctx context.Context) (*spotipie.Token, error) {
	return s.Session.Token(context.WithoutCancel(ctx))
}

type watches struct{ Session }

func (s watches) Watch(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// handsOut is a session that always returns the first token that it got.
type handsOut struct {
	Session
	first *spotipie.Token
}

func (s *handsOut) Token(ctx context.Context) (*spotipie.Token, error) {
	if s.first == nil {
		s.first = s.Session.CurrentToken()
	}
	if s.first == nil {
		return s.Session.Token(ctx)
	}
	return s.first, nil
}

// lends is a session that returns the first token that any session got.
type lends struct {
	Session
	first *atomic.Pointer[spotipie.Token]
}

func lending() func(Session) Session {
	first := new(atomic.Pointer[spotipie.Token])
	return func(s Session) Session { return lends{s, first} }
}

func (s lends) FetchToken(ctx context.Context, callbackURL string) (*spotipie.Token, error) {
	token, err := s.Session.FetchToken(ctx, callbackURL)
	s.first.CompareAndSwap(nil, token)
	return token, err
}

func (s lends) Token(ctx context.Context) (*spotipie.Token, error) {
	if first := s.first.Load(); first != nil {
		return first, nil
	}
	return s.Session.Token(ctx)
}

// staysSignedIn is a session that cannot be signed out.
type staysSignedIn struct{ Session }

func (staysSignedIn) Logout(context.Context) error { return nil }

// leaks is a session that leaves a goroutine behind.
type leaks struct{ Session }

func (s leaks) Close(ctx context.Context) error {
	go func() { _ = s.Session.(*spotipie.AuthorizationCodeSession); select {} }()
	return s.Session.Close(ctx)
}

// keeps is a session whose CurrentToken is always its first token.
type keeps struct {
	Session
	first *spotipie.Token
}

func (s *keeps) CurrentToken() *spotipie.Token {
	if s.first == nil {
		s.first = s.Session.CurrentToken()
	}
	return s.first
}

func (s *keeps) FetchToken(ctx context.Context, callbackURL string) (*spotipie.Token, error) {
	token, err := s.Session.FetchToken(ctx, callbackURL)
	s.CurrentToken()
	return token, err
}
