package sqlitestore_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/sqlitestore"
)

// pair returns two stores on one database, which stand for two processes.
func pair(t *testing.T, lease time.Duration) (a, b *sqlitestore.Store) {
	t.Helper()
	path := newPath(t)
	return open(t, path, withLease(lease)), open(t, path, withLease(lease))
}

// mustLock takes the lock of ada, which must be free soon.
func mustLock(t *testing.T, s spotipie.Store) (unlock func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storecheck.Patience)
	defer cancel()
	unlock, err := s.Lock(ctx, ada)
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	return unlock
}

// soon returns a context that ends soon.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestLeaseIsExtendedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	a, b := pair(t, time.Second)
	storecheck.LeaseIsExtended(t, a, b, time.Second)
}

func TestUnlockTellsThatTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	a, b := pair(t, 150*time.Millisecond)
	db := raw(t, a.Path())
	storecheck.LostLeaseIsTold(t, a, b, 150*time.Millisecond, func() { do(t, db, "DELETE FROM locks") })
}

func TestBusyProcessKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	a, b := pair(t, sqlitestore.DefaultLease)
	storecheck.BusyHolderKeepsNobodyOut(t, a, b)
}

func TestLocksOfManyStoresExclude(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	storecheck.LocksExclude(t, 8, 10, 3, func() spotipie.Store { return open(t, path, nil) })
}

// Closing the store releases its locks and ends their goroutines.
func TestCloseFreesLocks(t *testing.T) {
	path := newPath(t)
	a, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, path, nil)
	unlock := mustLock(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustLock(t, b)(t.Context()); err != nil {
		t.Error(err)
	}
	if err := unlock(t.Context()); err == nil {
		t.Error("unlock succeeds after Close has released the lock")
	}
}

func TestAskingForUnknownProfilesLeavesNothing(t *testing.T) {
	a, b := pair(t, time.Second)
	for _, profile := range []string{"nobody", "no one", ""} {
		key := spotipie.Key{ClientID: "client", Profile: profile}
		unlock, err := a.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Lock(soon(t), key); !errors.Is(err, context.DeadlineExceeded) { // waits, then leaves
			t.Errorf("Lock: %v", err)
		}
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	}
	db := raw(t, a.Path())
	for deadline := time.Now().Add(storecheck.Patience); ask(t, db, "SELECT count(*) FROM locks") > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("rows of locks are left")
		}
	}
	if n := ask(t, db, "SELECT count(*) FROM records"); n != 0 {
		t.Errorf("%d rows of records are left", n)
	}
}

// Open removes what killed processes have left behind.
func TestOpenForgetsTheLocksOfTheDead(t *testing.T) {
	path := newPath(t)
	open(t, path, nil)
	db := raw(t, path)
	dead := strings.Repeat("X", 26) + ":0000000000000001"
	do(t, db, `INSERT INTO locks VALUES ('client', 'grace', ?, 0, 30000000, '', '', 0)`, dead)
	do(t, db, `INSERT INTO locks VALUES ('client', 'alan', '', 0, 30000000, '', ?, 1)`, dead) // a dead waiter
	open(t, path, nil)
	if n := ask(t, db, "SELECT count(*) FROM locks"); n != 0 {
		t.Errorf("%d locks of dead processes are left", n)
	}
}

// A waiter's turn lasts until a time. If the clock is set back, the turn must not keep
// others out until the clock reaches that time again.
func TestTurnThatTheClockHasPutOff(t *testing.T) {
	a, b := pair(t, sqlitestore.DefaultLease)
	unlock := mustLock(t, b) // makes b's process known and alive
	if _, err := a.Lock(soon(t), ada); err == nil {
		t.Fatal("Lock of a held lock succeeds")
	}
	if err := unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	unlock = mustLock(t, a)
	db := raw(t, a.Path())
	var owner string
	if err := db.QueryRow("SELECT owner FROM locks").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(a.Path() + "-process-*")
	for _, file := range files { // the other process, which lives, has a turn for an hour
		if id := strings.TrimPrefix(file, a.Path()+"-process-"); !strings.HasPrefix(owner, id) {
			do(t, db, `INSERT OR REPLACE INTO locks VALUES (?, ?, '', 0, 30000000, ?, ?, ?)`,
				ada.ClientID, ada.Profile, owner, id+":0000000000000001", time.Now().Add(time.Hour).UnixMicro())
		}
	}
	if ask(t, db, "SELECT count(*) FROM locks WHERE next_owner <> ''") != 1 {
		t.Fatal("nobody waits")
	}
	start := time.Now()
	if err := mustLock(t, a)(t.Context()); err != nil {
		t.Error(err)
	}
	if waited := time.Since(start); waited > time.Second {
		t.Errorf("waited for %s", waited)
	}
}

func TestLockWaitsForNoOtherKeyAndHoldsUpNothing(t *testing.T) {
	a, b := pair(t, sqlitestore.DefaultLease)
	unlock := mustLock(t, a)
	version := storecheck.Swap(t, b, 0, "one")
	storecheck.Expect(t, b, "one", version)
	other, err := b.Lock(soon(t), spotipie.Key{Profile: "grace"})
	if err != nil {
		t.Fatal(err)
	}
	for _, unlock := range []func(context.Context) error{other, unlock} {
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// If a process's file is missing, others believe that the process has ended.
func TestCheckNoticesThatItsPresenceWasRemoved(t *testing.T) {
	s := open(t, newPath(t), nil)
	unlock := mustLock(t, s)
	defer func() { _ = unlock(t.Context()) }()
	if err := s.Check(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	remove(t, s.Path()+"-process-*")
	if err := s.Check(t.Context(), ada); err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("Check: %v, want that the lock is lost", err)
	}
}
