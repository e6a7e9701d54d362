package storecheck

import (
	"context"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// ClockedServer is a store's server that reads a [testservices.Clock].
type ClockedServer struct {
	Address string
	Now     time.Time // by the server's clock
	// Open opens that many stores, all with the same new records. A lease of 0
	// means the store's default. With place a fleet finds the records.
	Open func(t *testing.T, stores int, lease time.Duration) (list []spotipie.Store, place string)
}

// ClockIsADayOff tests that a server works the same whether its clock is right, a
// day ahead, or a day behind.
func ClockIsADayOff(t *testing.T, start func(*testing.T, *testservices.Clock) ClockedServer) {
	for name, off := range map[string]time.Duration{"ahead": day, "behind": -day} {
		t.Run(name, func(t *testing.T) {
			clock := testservices.NewClock(t)
			clock.Set(t, off)
			server := start(t, clock)
			if time.Until(server.Now).Round(time.Hour) != off {
				t.Fatalf("the server's clock says %s", server.Now)
			}
			copies, _ := server.Open(t, 1, 0)
			source := copyLogout(t, copies[0])
			Linearizable(t, 1, func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
				stores, _ := server.Open(t, 8, 0)
				return stores, func(context.Context) {}
			})
			stores, place := server.Open(t, 1, time.Second)
			f := fleet.New(t, stores[0], fleet.Config{Address: server.Address, Place: place, Lease: time.Second}, true)
			f.TestOneRefresh(t, []*fleet.Member{f.Start(t, f.Config), f.Start(t, f.Config)}, 5, 2)
			loginIsCopied(t, source, copies[0])
		})
	}
}

// copyLogout copies a login into a store, and then the logout that followed it. It
// returns the store that it copied from.
func copyLogout(t *testing.T, to spotipie.Store) (from spotipie.Store) {
	t.Helper()
	from = spotipie.NewMemoryStore()
	Swap(t, from, 0, "first")
	copyAll(t, from, to)
	if err := from.Delete(t.Context(), Key()); err != nil {
		t.Fatal(err)
	}
	copyAll(t, from, to)
	return from
}

// loginIsCopied tests the login after copyLogout: CopyStore must copy it, and must not
// copy it again after a logout in the destination.
func loginIsCopied(t *testing.T, from, to spotipie.Store) {
	t.Helper()
	login := Record(t, "again")
	login.Consent = spotipie.NextConsent(0, login.AuthorizedAt)
	login.Version = uint64(login.AuthorizedAt.Add(time.Millisecond).UnixMicro()) // as sessions do
	if _, err := from.Swap(t.Context(), Key(), 0, login); err != nil {
		t.Fatal(err)
	}
	copyAll(t, from, to)
	if rec, found, err := to.Load(t.Context(), Key()); err != nil || !found || rec.Token.AccessToken() != "again" {
		t.Errorf("after a login the copy has %v, %v", rec, err)
	}
	// With the same consent and renewals, the record that was saved last is newer.
	save := func(where spotipie.Store, what string) {
		t.Helper()
		rec, _, err := where.Load(t.Context(), Key())
		if err == nil {
			rec.Rejected = what
			_, err = where.Swap(t.Context(), Key(), rec.Version, rec)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what string) {
		t.Helper()
		copyAll(t, from, to)
		if rec, _, err := to.Load(t.Context(), Key()); err != nil || rec.Rejected != what {
			t.Errorf("after %q the copy has %q, %v", what, rec.Rejected, err)
		}
	}
	// CopyStore finds out when a record was saved to within the time that a save takes.
	// So there is more than that between the saves.
	for range 50 {
		copyAll(t, from, to)
	}
	save(from, "refused here")
	expect("refused here")
	for range 200 {
		save(to, "refused there")
	}
	expect("refused there")

	if err := to.Delete(t.Context(), Key()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		copyAll(t, from, to)
		if rec, found, err := to.Load(t.Context(), Key()); err != nil || found {
			t.Errorf("after a logout the copy has %v, %v", rec, err)
		}
	}
}

func copyAll(t *testing.T, from, to spotipie.Store) {
	t.Helper()
	if _, err := spotipie.CopyStore(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
}
