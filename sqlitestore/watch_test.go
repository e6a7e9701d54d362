package sqlitestore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/sqlitestore"
)

// next returns the next change.
func next(t *testing.T, changes <-chan spotipie.Change) spotipie.Change {
	t.Helper()
	select {
	case change, more := <-changes:
		if !more {
			t.Fatal("the channel is closed")
		}
		return change
	case <-time.After(storecheck.Patience):
		t.Fatal("not told of a change")
	}
	return spotipie.Change{}
}

// awaitChange reads changes until one has this key and version.
func awaitChange(t *testing.T, changes <-chan spotipie.Change, key spotipie.Key, version uint64) {
	t.Helper()
	for {
		if change := next(t, changes); change.Key == key && change.Version >= version {
			return
		}
	}
}

func watchChanges(t *testing.T, s *sqlitestore.Store) <-chan spotipie.Change {
	t.Helper()
	changes, err := s.WatchChanges(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestChangesOfAllRecordsInOtherProcesses(t *testing.T) {
	path := newPath(t)
	here, there := open(t, path, nil), open(t, path, nil)
	changes := watchChanges(t, here)
	version := storecheck.Swap(t, there, 0, "one")
	if change := next(t, changes); change != (spotipie.Change{Key: ada, Version: version}) {
		t.Errorf("got %v, want version %d of ada", change, version)
	}
	grace := spotipie.Key{ClientID: "client", Profile: "grace"}
	version, err := there.Swap(t.Context(), grace, 0, storecheck.Record(t, "graces"))
	if err != nil {
		t.Fatal(err)
	}
	awaitChange(t, changes, grace, version)
	if err := there.Delete(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	rec, _, err := here.Load(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	awaitChange(t, changes, ada, rec.Version)
}

// A slow receiver misses no key that has changed.
func TestSlowReceiverMissesNoKey(t *testing.T) {
	path := newPath(t)
	here, there := open(t, path, nil), open(t, path, nil)
	changes := watchChanges(t, here)
	want := make(map[spotipie.Key]uint64)
	for i := range 200 {
		key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(i % 50)}
		version, err := there.Swap(t.Context(), key, want[key], storecheck.Record(t, "one"))
		if err != nil {
			t.Fatal(err)
		}
		want[key] = version
	}
	for len(want) > 0 {
		if change := next(t, changes); change.Version >= want[change.Key] {
			delete(want, change.Key)
		}
	}
}

// Locks are written to the same file, but are not changes of records.
func TestLocksTellNobody(t *testing.T) {
	path := newPath(t)
	here, there := open(t, path, nil), open(t, path, nil)
	changes, err := here.Watch(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := mustLock(t, there)(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := watchChanges(t, here)
	grace := spotipie.Key{ClientID: "client", Profile: "grace"}
	if _, err := there.Swap(t.Context(), grace, 0, storecheck.Record(t, "graces")); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, all, grace, 1)
	select {
	case <-changes:
		t.Error("the watcher of ada was told of another change")
	default:
	}
}

func TestWatchesEndWithTheirContextAndWithTheStore(t *testing.T) {
	for name, end := range map[string]func(s *sqlitestore.Store, cancel func()){
		"the context ends": func(_ *sqlitestore.Store, cancel func()) { cancel() },
		"the store is closed": func(s *sqlitestore.Store, _ func()) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newPath(t), nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			one, err := s.Watch(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			all, err := s.WatchChanges(ctx)
			if err != nil {
				t.Fatal(err)
			}
			end(s, cancel)
			storecheck.WatchEnds(t, one)
			for timeout := time.After(storecheck.Patience); ; {
				select {
				case _, more := <-all:
					if !more {
						return
					}
				case <-timeout:
					t.Fatal("the channel of all changes is not closed")
				}
			}
		})
	}
}

// Ten thousand watchers cost as much as one.
func TestManyWatchers(t *testing.T) {
	path := newPath(t)
	s, other := open(t, path, nil), open(t, path, nil)
	var all []<-chan struct{}
	for i := range 10_000 {
		changes, err := s.Watch(t.Context(), spotipie.Key{Profile: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, changes)
	}
	if _, err := other.Swap(t.Context(), spotipie.Key{Profile: "4711"}, 0, storecheck.Record(t, "one")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-all[4711]:
	case <-time.After(storecheck.Patience):
		t.Fatal("not told of a Swap")
	}
	told := slices.IndexFunc(all, func(changes <-chan struct{}) bool {
		select {
		case <-changes:
			return true
		default:
			return false
		}
	})
	if told >= 0 {
		t.Errorf("watcher %d was told of another's change", told)
	}
}

// If a database is set back to an older state, its watchers are told that anything may
// have changed.
func TestDatabaseThatWasPutBack(t *testing.T) {
	s := open(t, newPath(t), nil)
	storecheck.Swap(t, s, 0, "one")
	changes := watchChanges(t, s)
	one, err := s.Watch(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	do(t, raw(t, s.Path()), "UPDATE changes SET number = 0")
	if change := next(t, changes); change != (spotipie.Change{}) {
		t.Errorf("got %v, want that anything may have changed", change)
	}
	select {
	case <-one:
	case <-time.After(storecheck.Patience):
		t.Error("the watcher of one key was not told")
	}
}
