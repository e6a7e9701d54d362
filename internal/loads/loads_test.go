package loads_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/loads"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ada   = spotipie.Key{ClientID: "client", Profile: "ada"}
	grace = spotipie.Key{ClientID: "client", Profile: "grace"}
)

// server has a record whose version counts up, and counts the loads.
type server struct {
	version atomic.Uint64
	asked   atomic.Int32
	now     atomic.Int32
	delay   time.Duration
}

func (s *server) load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	s.asked.Add(1)
	s.now.Add(1)
	defer s.now.Add(-1)
	version := s.version.Load()
	select {
	case <-time.After(s.delay):
	case <-ctx.Done():
		return spotipie.Record{}, false, ctx.Err()
	}
	return spotipie.Record{ClientID: key.Profile, Version: version, RequestedScope: spotipie.Scopes{spotipie.ScopeStreaming}}, true, nil
}

func TestLoadsAtOnceAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: 10 * time.Millisecond}
		group := loads.NewGroup(s.load)
		var all sync.WaitGroup
		for range 5000 {
			for _, key := range []spotipie.Key{ada, grace} {
				all.Go(func() {
					rec, found, err := group.Load(t.Context(), key)
					if err != nil || !found || rec.ClientID != key.Profile {
						t.Errorf("Load: %v, %t, %v", rec, found, err)
					}
					rec.RequestedScope[0] = "everybody has a copy of their own"
				})
			}
		}
		all.Wait()
		if asked := s.asked.Load(); asked > 6 {
			t.Errorf("10,000 loads of two keys asked %d times", asked)
		}
	})
}

// A Load that begins after a save has ended returns what was saved.
func TestLoadJoinsNoneThatBeganBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: 7 * time.Millisecond}
		group := loads.NewGroup(s.load)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				for range 20 {
					time.Sleep(time.Duration(i%13) * time.Millisecond)
					version := s.version.Add(1)
					if rec, _, err := group.Load(t.Context(), ada); err != nil || rec.Version < version {
						t.Errorf("loaded version %d after %d was saved, error %v", rec.Version, version, err)
					}
				}
			})
		}
		all.Wait()
	})
}

// A caller who leaves does not end a load that others wait for; the last one does.
func TestLoadEndsWithTheLastWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: 5 * time.Second}
		group := loads.NewGroup(s.load)
		load := func(patience time.Duration) (err error) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			start := time.Now()
			_, _, err = group.Load(ctx, ada)
			if waited := time.Since(start); waited > patience {
				t.Errorf("Load took %s with a context of %s", waited, patience)
			}
			return err
		}
		var all sync.WaitGroup
		all.Go(func() {
			if err := load(time.Second); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Load: %v, want context.DeadlineExceeded", err)
			}
		})
		all.Go(func() {
			if err := load(time.Minute); err != nil {
				t.Errorf("Load: %v", err)
			}
		})
		all.Wait()
		_ = load(time.Second)
		synctest.Wait()
		if now := s.now.Load(); now != 0 {
			t.Errorf("%d are still loading, for nobody", now)
		}
		if err := load(time.Minute); err != nil {
			t.Errorf("Load: %v", err)
		}
	})
}

// A connection that does not answer delays only the callers on it, and not forever.
func TestLoadThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: time.Hour}
		var hangs atomic.Bool
		hangs.Store(true)
		group := loads.NewGroup(func(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
			if hangs.Swap(false) {
				return s.load(ctx, key)
			}
			return spotipie.Record{Version: 7}, true, nil
		})
		var all sync.WaitGroup
		all.Go(func() {
			start := time.Now()
			_, _, err := group.Load(t.Context(), ada)
			if waited := time.Since(start); err == nil || waited != 10*time.Second {
				t.Errorf("Load: %v after %s; want an error after 10 s", err, waited)
			}
		})
		synctest.Wait()
		start := time.Now()
		rec, _, err := group.Load(t.Context(), ada)
		if waited := time.Since(start); err != nil || rec.Version != 7 || waited > time.Second {
			t.Errorf("a Load beside it: %v, %v after %s", rec, err, waited)
		}
		all.Wait()
	})
}

func TestEndedContextLoadsNothing(t *testing.T) {
	s := &server{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := loads.NewGroup(s.load).Load(ctx, ada); !errors.Is(err, context.Canceled) || s.asked.Load() != 0 {
		t.Errorf("Load: %v after %d requests", err, s.asked.Load())
	}
}

func TestErrorsAndDeletionsAreShared(t *testing.T) {
	fault := errors.New("out of reach")
	group := loads.NewGroup(func(_ context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
		if key == ada {
			return spotipie.Record{}, false, fault
		}
		return spotipie.Record{Version: 3}, false, nil
	})
	if _, found, err := group.Load(t.Context(), ada); found || !errors.Is(err, fault) {
		t.Errorf("Load: %t, %v", found, err)
	}
	if rec, found, err := group.Load(t.Context(), grace); found || err != nil || rec.Version != 3 {
		t.Errorf("Load: %v, %t, %v", rec, found, err)
	}
}
