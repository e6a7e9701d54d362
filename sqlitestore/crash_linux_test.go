package sqlitestore_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
	"github.com/spotipie/spotipie/sqlitestore"
)

// If Swap has returned and its process is killed, the record is there and complete, and
// the next process does not have to wait.
func TestSwapSurvivesKills(t *testing.T) {
	if path, isChild := child.Argument(); isChild {
		storecheck.SaveAndSay(t, open(t, path, nil))
	}
	path := newPath(t)
	watcher := open(t, path, nil) // stays open, so that its view of the log must follow
	storecheck.SurvivesKills(t, path, func(i int) spotipie.Store {
		if i%2 == 0 {
			return open(t, path, nil)
		}
		return watcher
	}, func() {})
	var verdict string
	if err := raw(t, path).QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the database is %q, %v", verdict, err)
	}
}

func TestLinearizableDespiteKills(t *testing.T) {
	if path, isChild := child.Argument(); isChild {
		storecheck.WorkUntilKilled(t, open(t, path, nil))
	}
	storecheck.LinearizableDespiteKills(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 1), func() (spotipie.Store, string) {
		path := newPath(t)
		return open(t, path, nil), path
	})
}

// The lease lasts much longer than this test.
func TestKilledHolderFreesTheLockAtOnce(t *testing.T) {
	if path, isChild := child.Argument(); isChild {
		mustLock(t, open(t, path, nil))
		child.Say("locked")
		child.Await()
		return
	}
	path := newPath(t)
	s := open(t, path, nil)
	holder := child.Start(t, path)
	holder.Expect("locked")
	if _, err := s.Lock(soon(t), ada); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock: %v, want context.DeadlineExceeded", err)
	}
	start := time.Now()
	holder.Signal(syscall.SIGKILL)
	unlock := mustLock(t, s)
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("the lock was free after %s", waited)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// A stopped holder keeps others waiting until its lease ends, even if each of them waits
// for a shorter time. It overwrites nothing.
func TestStoppedHolderCannotOverwrite(t *testing.T) {
	const lease = time.Second
	if path, isChild := child.Argument(); isChild {
		s := open(t, path, withLease(lease))
		unlock := mustLock(t, s)
		rec, _, err := s.Load(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		child.Say("locked")
		child.Await()
		if err := s.Check(t.Context(), ada); err != nil {
			child.Say("lost")
		}
		if _, err := s.Swap(t.Context(), ada, rec.Version, storecheck.Record(t, "stale")); errors.Is(err, spotipie.ErrVersionConflict) {
			child.Say("conflict")
		}
		_ = unlock(t.Context())
		return
	}
	path := newPath(t)
	s := open(t, path, withLease(lease))
	version := storecheck.Swap(t, s, 0, "one")
	holder := child.Start(t, path)
	holder.Expect("locked")
	holder.Stop()
	holder.GoOn() // takes effect when the process continues
	start := time.Now()
	var unlock func(context.Context) error
	var err error
	for unlock == nil && time.Since(start) < storecheck.Patience {
		unlock, err = s.Lock(soon(t), ada)
	}
	if waited := time.Since(start); err != nil || waited < lease/2 || waited > lease+5*time.Second {
		t.Fatalf("Lock: %v after %s, the lease is %s", err, waited, lease)
	}
	version = storecheck.Swap(t, s, version, "two")
	holder.Signal(syscall.SIGCONT)
	holder.Expect("lost")
	holder.Expect("conflict")
	storecheck.Expect(t, s, "two", version)
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// A process that is stopped while it writes blocks other writers until their contexts end,
// but no readers.
func TestStoppedWriterHoldsUpWritesOnly(t *testing.T) {
	if path, isChild := child.Argument(); isChild {
		db := raw(t, path)
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		child.Say("writing")
		child.Await()
		_ = tx.Rollback()
		child.Say("done")
		return
	}
	path := newPath(t)
	s := open(t, path, nil)
	version := storecheck.Swap(t, s, 0, "one")
	unlock := mustLock(t, s)
	writer := child.Start(t, path)
	writer.Expect("writing")
	writer.Stop()
	writer.GoOn()
	for _, test := range []struct {
		method string
		call   func(context.Context) error
	}{
		{"Swap", func(ctx context.Context) error {
			_, err := s.Swap(ctx, ada, version, storecheck.Record(t, "two"))
			return err
		}},
		{"Delete", func(ctx context.Context) error { return s.Delete(ctx, ada) }},
		{"Check", func(ctx context.Context) error { return s.Check(ctx, ada) }},
		{"Lock", func(ctx context.Context) error {
			_, err := s.Lock(ctx, spotipie.Key{Profile: "grace"})
			return err
		}},
		{"Open", func(ctx context.Context) error {
			other, err := sqlitestore.Open(ctx, path, nil)
			if err == nil {
				return other.Close()
			}
			return err
		}},
		{"unlock", unlock},
	} {
		start := time.Now()
		err := test.call(soon(t))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s with a context of 150ms", test.method, took)
		}
		if test.method != "Open" && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want context.DeadlineExceeded", test.method, err)
		}
	}
	s.SetBusyTimeout(t, 100*time.Millisecond)
	_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two")) // without a deadline
	expectFault(t, "Swap", err, sqlitestore.ErrBusy, path)
	storecheck.Expect(t, s, "one", version)
	if keys, err := s.List(soon(t)); err != nil || len(keys) != 1 {
		t.Errorf("List: %v, %v", keys, err)
	}
	writer.Signal(syscall.SIGCONT)
	writer.Expect("done")
	storecheck.Expect(t, s, "two", storecheck.Swap(t, s, version, "two"))
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock again: %v", err)
	}
}
