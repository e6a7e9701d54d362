package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/spotipie/spotipie"
)

// few is how many users a pool has at first.
const few = 1000

// measurePool compares the sessions of many users with what a program would write by
// hand: a map of x/oauth2's token sources behind a mutex.
func measurePool(ctx context.Context, s settings) ([]row, error) {
	hits, err := race(s.rounds, []contender{{ours, poolHits}, {xoauth, mapHits}})
	if err != nil {
		return nil, err
	}
	hit := newRow("Pool, the session of one of 1,000 users", "ns", nanoseconds(hits)).atMost(150)
	hit.Note = "x/oauth2: a map of token sources behind a mutex."
	rows := []row{hit, newRow("  allocations", "", allocations(hits)).exactly(0)}
	for _, take := range []func(context.Context, settings) ([]row, error){measurePoolMemory, measurePoolRequest, measurePoolHerd} {
		more, err := take(ctx, s)
		if err != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func poolHits(b *testing.B) {
	pool, err := newPool(everybody{}, nil, few)
	orFatal(b, err)
	defer pool.Close(b.Context())
	names := userNames(few)
	orFatal(b, askForAll(b.Context(), pool, names))
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := pool.Session(ctx, names[i%few]); err != nil {
			b.Fatal(err)
		}
	}
}

// sources is the map that a user of x/oauth2 would write by hand.
type sources struct {
	mu     sync.Mutex
	byUser map[string]oauth2.TokenSource
}

func (s *sources) of(user string) oauth2.TokenSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byUser[user]
}

func newSources(names []string) *sources {
	s := &sources{byUser: make(map[string]oauth2.TokenSource)}
	for _, name := range names {
		s.byUser[name] = freshOAuth2()
	}
	return s
}

func mapHits(b *testing.B) {
	names := userNames(few)
	byHand := newSources(names)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if byHand.of(names[i%few]) == nil {
			b.Fatal(errNoToken)
		}
	}
}

// everybody is a store that has every user, all with the same strings.
type everybody struct{ lifetime time.Duration }

func (e everybody) Load(_ context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	lifetime := e.lifetime
	if lifetime == 0 {
		lifetime = time.Hour
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: accessToken, RefreshToken: refreshToken, ExpiresIn: lifetime})
	return spotipie.Record{
		Token: token, ClientID: key.ClientID, Flow: spotipie.FlowAuthorizationCode, Consent: 1 << 50, Version: 1 << 50,
		AuthorizedAt: time.Now(),
	}, true, err
}

func (everybody) Swap(_ context.Context, _ spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	return spotipie.NextVersion(max(version, rec.Version), time.Now()), nil
}

func (everybody) Delete(context.Context, spotipie.Key) error { return nil }

func (everybody) List(context.Context) ([]spotipie.Key, error) { return nil, nil }

func (everybody) Lock(context.Context, spotipie.Key) (func(context.Context) error, error) {
	return func(context.Context) error { return nil }, nil
}

// newPool returns a pool that has room for size users.
func newPool(store spotipie.Store, transport http.RoundTripper, size int) (*spotipie.Pool, error) {
	return spotipie.NewPool(credentials(), &spotipie.PoolOptions{
		Options:     spotipie.Options{Store: store, Transport: transport},
		MaxSessions: size + size/2, // the parts of a pool are not filled evenly
	})
}

func userNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("user-%016d", i)
	}
	return names
}

// askForAll makes the pool load all users.
func askForAll(ctx context.Context, pool *spotipie.Pool, names []string) error {
	for _, name := range names {
		if _, err := pool.Session(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func measurePoolMemory(ctx context.Context, s settings) ([]row, error) {
	names := userNames(s.users)
	pool, err := newPool(everybody{}, nil, s.users)
	if err != nil {
		return nil, err
	}
	defer pool.Close(ctx)
	before := heap()
	err = askForAll(ctx, pool, names)
	each := float64(heap()-before) / float64(s.users)
	each -= stringSize(len("Bearer " + accessToken))
	byHand := func() float64 {
		before := heap()
		held := newSources(names)
		defer func() { _ = held.of(names[0]) }()
		return float64(heap()-before) / float64(s.users)
	}()
	r := newRow(fmt.Sprintf("Pool, each of %d resident sessions, beside the strings", s.users), "B",
		map[string][]float64{ours: {each}, xoauth: {byHand}}).atMost(400)
	r.Note = "with its place in the pool. x/oauth2: with its place in a map; such a source knows no consent, version, lock or listener."
	return []row{r}, err
}

// stringSize returns how many bytes the allocator uses for a string.
func stringSize(n int) float64 {
	return weigh(1000, func() *[]byte {
		text := make([]byte, n)
		return &text
	}) - 3*pointerSize
}

// measurePoolRequest makes requests to a server on the loopback interface, each
// for another user.
func measurePoolRequest(ctx context.Context, s settings) ([]row, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":"ada"}`))
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	request := func(size int) (func(*testing.B), func(), error) {
		pool, err := spotipie.NewPool(credentials(), &spotipie.PoolOptions{
			Options: spotipie.Options{Store: everybody{}, Transport: transport, APIURL: server.URL}, MaxSessions: size + size/2,
		})
		if err != nil {
			return nil, nil, err
		}
		names := userNames(size)
		err = askForAll(ctx, pool, names)
		next := 0
		return func(b *testing.B) {
			for b.Loop() {
				next += 7919 // so that neighbours in memory are not neighbours in time
				session, err := pool.Session(b.Context(), names[next%size])
				orFatal(b, err)
				resp, err := session.Request(b.Context(), http.MethodGet, "/v1/me", nil)
				orFatal(b, err)
				orFatal(b, resp.Body.Close())
			}
		}, func() { _ = pool.Close(ctx) }, err
	}
	many, closeMany, err := request(s.users)
	if err != nil {
		return nil, err
	}
	defer closeMany()
	fewer, closeFew, err := request(min(few, s.users))
	if err != nil {
		return nil, err
	}
	defer closeFew()
	results, err := compare(s, many, fewer)
	if err != nil {
		return nil, err
	}
	r := newRow(fmt.Sprintf("Pool, a request of one of %d users", s.users), "ns", results).ratioAtMost(1.3)
	r.Note = "raw: of one of 1,000. To a server on the loopback interface."
	return []row{r}, nil
}

// endpoint answers token requests after a while, and counts them.
type endpoint struct {
	takes          time.Duration
	asked          atomic.Int64
	underWay, most atomic.Int64
}

func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	e.asked.Add(1)
	now := e.underWay.Add(1)
	for most := e.most.Load(); now > most && !e.most.CompareAndSwap(most, now); most = e.most.Load() {
	}
	time.Sleep(e.takes)
	e.underWay.Add(-1)
	body := `{"access_token":"` + accessToken + `","token_type":"Bearer","expires_in":3600}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: readCloser{strings.NewReader(body)}, Request: req}, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// measurePoolHerd lets many users with expired tokens come at the same time, each
// twice. It measures how long a user with a fresh token waits meanwhile.
func measurePoolHerd(ctx context.Context, s settings) ([]row, error) {
	e := &endpoint{takes: 5 * time.Millisecond}
	pool, err := newPool(everybody{lifetime: 4 * time.Second}, e, s.herdUsers)
	if err != nil {
		return nil, err
	}
	defer pool.Close(ctx)
	names := userNames(s.herdUsers)
	if err := askForAll(ctx, pool, names); err != nil {
		return nil, err
	}
	fresh, err := pool.Session(ctx, "fresh")
	if err == nil {
		err = fresh.SetToken(ctx, newToken())
	}
	if err != nil {
		return nil, err
	}
	token := func(user string) error {
		session, err := pool.Session(ctx, user)
		if err == nil {
			_, err = session.Token(ctx)
		}
		return err
	}
	before, stop := context.WithTimeout(ctx, 500*time.Millisecond)
	defer stop()
	calm, err := waits(before, func() error { return token("fresh") })
	if err != nil {
		return nil, err
	}
	time.Sleep(5 * time.Second) // all others have expired
	var next atomic.Int64
	release, wait := gather(ctx, 2*s.herdUsers, func(context.Context) error {
		return token(names[int(next.Add(1))%len(names)])
	})
	herd, over := context.WithCancel(ctx)
	ended := make(chan error, 1)
	release()
	go func() {
		defer over()
		_, err := wait()
		ended <- err
	}()
	busy, err := waits(herd, func() error { return token("fresh") })
	if err := errors.Join(err, <-ended); err != nil {
		return nil, err
	}
	requests := newRow(fmt.Sprintf("Pool, %d users expire at once: token requests", s.herdUsers), "",
		map[string][]float64{ours: {float64(e.asked.Load())}}).exactly(float64(s.herdUsers))
	most := newRow("  at the same time", "", map[string][]float64{ours: {float64(e.most.Load())}}).atMost(32)
	waited := newRow("  a fresh user waits meanwhile, beside before", "ns", map[string][]float64{ours: {busy}, raw: {calm}}).ratioAtMost(2)
	waited.Note = "the median of the waits. raw: with nobody else there. What is more is the other goroutines' share of the CPUs."
	return []row{requests, most, waited}, nil
}

// waits calls get at intervals until ctx ends, and returns the median time of a call in
// nanoseconds.
func waits(ctx context.Context, get func() error) (float64, error) {
	var took []float64
	for ctx.Err() == nil {
		began := time.Now()
		if err := get(); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(began).Nanoseconds()))
		time.Sleep(time.Millisecond)
	}
	return median(took), nil
}
