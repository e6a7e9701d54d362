package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
)

const clientID = "0123456789abcdef0123456789abcdef"

// newToken returns a token whose strings are as long as Spotify's, and different
// for each n.
func newToken(n int64, lifetime time.Duration) (*spotipie.Token, error) {
	return spotipie.NewToken(spotipie.TokenFields{
		AccessToken: fmt.Sprintf("BQ%0208d", n), RefreshToken: fmt.Sprintf("AQ%0129d", n), ExpiresIn: lifetime,
	})
}

func newRecord(n int64, lifetime time.Duration) (spotipie.Record, error) {
	token, err := newToken(n, lifetime)
	now := time.Now()
	return spotipie.Record{
		Token: token, ClientID: clientID, Flow: spotipie.FlowAuthorizationCode, AuthorizedAt: now,
		Consent: spotipie.NextConsent(0, now),
	}, err
}

// countingStore keeps records in memory, delays its calls and counts them. It
// reports all changes, like the stores with a server.
type countingStore struct {
	*spotipie.MemoryStore
	takes time.Duration

	loads, locks, checks, swaps, notices atomic.Int64

	mu       sync.Mutex
	watchers []chan spotipie.Change
}

func (s *countingStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	s.loads.Add(1)
	time.Sleep(s.takes)
	return s.MemoryStore.Load(ctx, key)
}

func (s *countingStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	s.locks.Add(1)
	time.Sleep(s.takes)
	return s.MemoryStore.Lock(ctx, key)
}

func (s *countingStore) Check(context.Context, spotipie.Key) error {
	s.checks.Add(1)
	time.Sleep(s.takes)
	return nil
}

func (s *countingStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	s.swaps.Add(1)
	time.Sleep(s.takes)
	version, err := s.MemoryStore.Swap(ctx, key, version, rec)
	if err == nil {
		s.tell(spotipie.Change{Key: key, Version: version})
	}
	return version, err
}

func (s *countingStore) tell(change spotipie.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, watcher := range s.watchers {
		s.notices.Add(1)
		switch room := cap(watcher) - len(watcher); {
		case room > 1:
			watcher <- change
		case room == 1:
			watcher <- spotipie.Change{}
		}
	}
}

// WatchChanges implements [spotipie.ChangeWatcher].
func (s *countingStore) WatchChanges(ctx context.Context) (<-chan spotipie.Change, error) {
	changes := make(chan spotipie.Change, 1024)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(s.watchers, changes)
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, watcher := range s.watchers {
			if watcher == changes {
				s.watchers = append(s.watchers[:i], s.watchers[i+1:]...)
				close(changes)
				return
			}
		}
	})
	return changes, nil
}

// endpoint answers token requests after a while, and counts them.
type endpoint struct {
	takes time.Duration
	asked atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	n := e.asked.Add(1)
	time.Sleep(e.takes)
	body := fmt.Sprintf(`{"access_token":"BQ%0208d","token_type":"Bearer","expires_in":%d}`, n, int(lifetime.Seconds()))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func (p plan) newPool(store spotipie.Store, transport http.RoundTripper, observe func(context.Context, spotipie.Observation)) (*spotipie.Pool, error) {
	return spotipie.NewPool(
		spotipie.Credentials{ClientID: clientID, ClientSecret: "fedcba9876543210fedcba9876543210", RedirectURI: "https://app.example/callback"},
		&spotipie.PoolOptions{
			Options:     spotipie.Options{Store: store, Transport: transport, Observe: observe},
			MaxSessions: p.maxSessions, MaxIdle: p.maxIdle, TokenRequests: p.tokenRequests, KeepWarm: p.keepWarm,
		})
}

// strangers is a store that has a record for every user and makes it when it is loaded.
type strangers struct {
	spotipie.Store
	known atomic.Int64
}

// Load implements [spotipie.Store].
func (s *strangers) Load(_ context.Context, _ spotipie.Key) (spotipie.Record, bool, error) {
	rec, err := newRecord(s.known.Add(1), lifetime)
	rec.Version = spotipie.NextVersion(0, time.Now())
	return rec, true, err
}
