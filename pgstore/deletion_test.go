package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

func TestAskingForUnknownProfilesLeavesNoRow(t *testing.T) {
	opts := fresh(time.Second)
	pool := connect(t, services.Postgres(t))
	store, other := open(t, pool, opts), open(t, pool, opts)
	for _, profile := range []string{"nobody", "no one", ""} {
		key := spotipie.Key{ClientID: "client", Profile: profile}
		if _, found, err := store.Load(t.Context(), key); found || err != nil {
			t.Errorf("Load: %t, %v", found, err)
		}
		unlock, err := store.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, err := other.Lock(ctx, key); !errors.Is(err, context.DeadlineExceeded) { // waits, then leaves
			t.Errorf("Lock: %v", err)
		}
		cancel()
		if rec, found, err := store.Load(t.Context(), key); found || err != nil || rec.Version != 0 {
			t.Errorf("Load of what is only locked: %v, %t, %v", rec, found, err)
		}
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	}
	eventually(t, func() bool { return count(t, opts, "true") == 0 }) // the waiter leaves in the background
}

func TestRowThatIsThereForTheLockOnlyTakesARecord(t *testing.T) {
	opts := fresh(0)
	store := open(t, connect(t, services.Postgres(t)), opts)
	unlock, err := store.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	version := storecheck.Swap(t, store, 0, "one")
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
	storecheck.Expect(t, store, "one", version)
}

// pgx repeats nothing by itself. A statement whose answer was lost has run once, or not at
// all.
func TestWritesWhoseAnswerIsLostHappenOnce(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	opts := fresh(0)
	lossy := open(t, connect(t, testservices.PostgresDSN(proxy.Address)), opts)
	other := open(t, connect(t, services.Postgres(t)), opts)
	lose := func(write func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		proxy.LoseAnswers()
		defer proxy.Pass()
		return write(ctx)
	}
	version := storecheck.Swap(t, other, 0, "one")
	if _, _, err := lossy.Load(t.Context(), storecheck.Key()); err != nil { // opens a connection
		t.Fatal(err)
	}
	err := lose(func(ctx context.Context) error {
		_, err := lossy.Swap(ctx, storecheck.Key(), version, storecheck.Record(t, "two"))
		return err
	})
	if err == nil || errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("Swap: %v, want an error that is no conflict", err)
	}
	eventually(t, func() bool {
		rec, _, err := other.Load(t.Context(), storecheck.Key())
		return err == nil && rec.Token.AccessToken() == "two" && rec.Version > version
	})
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(storecheck.Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

// A write that is delayed on its way replaces nothing that was saved after it was sent.
func TestWriteThatArrivesLate(t *testing.T) {
	opts := fresh(0)
	store := open(t, connect(t, services.Postgres(t)), opts)
	storecheck.Swap(t, store, 0, "one")
	remove := func() {
		t.Helper()
		if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	for name, test := range map[string]struct {
		late      func(s *pgstore.Store, meanwhile func()) error
		meanwhile func()
		found     bool
	}{
		"a first save undoes no logout": {
			func(s *pgstore.Store, meanwhile func()) error {
				return s.InsertLate(t.Context(), storecheck.Key(), storecheck.Record(t, "late"), meanwhile)
			}, remove, false,
		},
		"a delete ends no newer login": {
			func(s *pgstore.Store, meanwhile func()) error {
				return s.DeleteLate(t.Context(), storecheck.Key(), meanwhile)
			}, func() { storecheck.Swap(t, store, 0, "newer") }, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.late(store, test.meanwhile); err != nil {
				t.Fatal(err)
			}
			if _, found, err := store.Load(t.Context(), storecheck.Key()); err != nil || found != test.found {
				t.Errorf("Load: found %t, error %v; want found %t", found, err, test.found)
			}
			remove()
		})
	}
}
