package storecheck

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

// everything is a store with all optional methods of the stores with a server.
type everything interface {
	spotipie.Checker
	spotipie.Watcher
	spotipie.ChangeWatcher
	spotipie.Summarizer
	spotipie.VersionDeleter
}

// MethodsEndWithTheirContexts tests a store behind a proxy while the server does not
// answer. Each method must return when its context ends, and must not have changed
// anything.
func MethodsEndWithTheirContexts(t *testing.T, s everything, proxy *testservices.Proxy) {
	t.Helper()
	version := Swap(t, s, 0, "one")
	unlock := mustLockChecked(t, s)
	proxy.Hang()
	endsWithItsContext := func(name string, call func(context.Context) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := call(ctx)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
			t.Errorf("%s: %v after %s", name, err, took)
		}
	}
	for name, call := range map[string]func(context.Context) error{
		"Load":          func(ctx context.Context) error { _, _, err := s.Load(ctx, Key()); return err },
		"Swap":          func(ctx context.Context) error { _, err := s.Swap(ctx, Key(), version+1, Record(t, "two")); return err },
		"a first Swap":  func(ctx context.Context) error { _, err := s.Swap(ctx, Key(), 0, Record(t, "two")); return err },
		"Delete":        func(ctx context.Context) error { return s.Delete(ctx, Key()) },
		"DeleteVersion": func(ctx context.Context) error { return s.DeleteVersion(ctx, Key(), version+1) },
		"List":          func(ctx context.Context) error { _, err := s.List(ctx); return err },
		"Lock": func(ctx context.Context) error {
			_, err := s.Lock(ctx, spotipie.Key{ClientID: "client", Profile: "grace"})
			return err
		},
		"Check": func(ctx context.Context) error { return s.Check(ctx, Key()) },
		"Summaries": func(ctx context.Context) error {
			_, err := s.Summaries(ctx, spotipie.SummaryQuery{AuthorizedBefore: time.Now()})
			return err
		},
		"Watch":        func(ctx context.Context) error { _, err := s.Watch(ctx, Key()); return err },
		"WatchChanges": func(ctx context.Context) error { _, err := s.WatchChanges(ctx); return err },
	} {
		endsWithItsContext(name, call)
	}
	endsWithItsContext("unlock", unlock)
	proxy.Cut() // data that is on its way never arrives
	proxy.Pass()
	deadline := time.Now().Add(Patience)
	for {
		rec, found, err := s.Load(t.Context(), Key())
		if err == nil {
			if !found || rec.Version != version {
				t.Errorf("Load: %t, version %d, want %d", found, rec.Version, version)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Load: %v", err)
		}
	}
}
