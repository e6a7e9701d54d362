package seal_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/storetest"
)

func TestStoreOverMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return over(t, spotipie.NewMemoryStore(), newKeys(t), nil)
	})
}

func TestStoreOverFiles(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store { return over(t, openFiles(t), newKeys(t), nil) })
}

func TestStoreOverRedis(t *testing.T) {
	opts := &redis.Options{Addr: services.Redis(t)}
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return over(t, openRedis(t, opts, fresh(), 0), newKeys(t), nil)
	})
}

func TestStoreOverPostgres(t *testing.T) {
	dsn := services.Postgres(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return over(t, openPostgres(t, dsn, fresh(), 0), newKeys(t), nil)
	})
}

func TestStoreOverSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return over(t, openSQLite(t, newDatabase(t), 0), newKeys(t), nil)
	})
}

func TestStoreWithKeysOutsideOfTheProcess(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return over(t, openFiles(t), newService(t), nil)
	})
}

func TestStoreInTheMoveFromPlainToSealed(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return over(t, spotipie.NewMemoryStore(), newKeys(t), &seal.Options{AllowPlain: true})
	})
}

// bare has only the methods of a store.
type bare struct{ spotipie.Store }

func TestWrappingLosesNothing(t *testing.T) {
	sealed := over(t, openFiles(t), newKeys(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	unlock, err := sealed.Lock(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := sealed.Check(ctx, ada); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := unlock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := sealed.Check(ctx, ada); err == nil {
		t.Error("Check of a lock that nobody holds returns no error")
	}
	changes, err := sealed.Watch(ctx, ada)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	storecheck.Swap(t, sealed, 0, "one")
	<-changes
	cancel()
	for range changes { // until the channel is closed
	}
}

func TestWhatTheOtherStoreCannotDo(t *testing.T) {
	sealed := over(t, bare{spotipie.NewMemoryStore()}, newKeys(t), nil)
	_, watchErr := sealed.Watch(t.Context(), ada)
	_, changesErr := sealed.WatchChanges(t.Context())
	for method, err := range map[string]error{
		"Check": sealed.Check(t.Context(), ada), "Watch": watchErr, "WatchChanges": changesErr,
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want errors.ErrUnsupported", method, err)
		}
	}
}

// everything is a store with all optional methods.
type everything struct {
	*spotipie.MemoryStore
	asked []string
}

func (e *everything) Check(context.Context, spotipie.Key) error {
	e.asked = append(e.asked, "Check")
	return nil
}

func (e *everything) WatchChanges(context.Context) (<-chan spotipie.Change, error) {
	e.asked = append(e.asked, "WatchChanges")
	return make(chan spotipie.Change), nil
}

func (e *everything) Summaries(context.Context, spotipie.SummaryQuery) (spotipie.SummaryPage, error) {
	e.asked = append(e.asked, "Summaries")
	return spotipie.SummaryPage{}, nil
}

func TestTheOtherStoreIsAskedForWhatItCan(t *testing.T) {
	inner := &everything{MemoryStore: spotipie.NewMemoryStore()}
	sealed := over(t, inner, newKeys(t), nil)
	_ = sealed.Check(t.Context(), ada)
	_, _ = sealed.WatchChanges(t.Context())
	_, _ = sealed.Summaries(t.Context(), spotipie.SummaryQuery{})
	if len(inner.asked) != 3 {
		t.Errorf("asked for %v", inner.asked)
	}
}

func TestSummariesNeedNoKey(t *testing.T) {
	for name, inner := range map[string]spotipie.Store{
		"memory": spotipie.NewMemoryStore(), "a store without summaries": bare{spotipie.NewMemoryStore()}, "files": openFiles(t),
	} {
		t.Run(name, func(t *testing.T) {
			rec := storecheck.Record(t, "one")
			rec.Rejected = "Refresh token revoked"
			put(t, over(t, inner, newKeys(t), nil), ada, rec)
			page, err := over(t, inner, newKeys(t), nil).Summaries(t.Context(), spotipie.SummaryQuery{Rejected: true})
			if err != nil || len(page.Summaries) != 1 {
				t.Fatalf("got %+v, %v", page, err)
			}
			got := page.Summaries[0]
			if got.Key != ada || !got.AuthorizedAt.Equal(rec.AuthorizedAt) || got.Rejected != rec.Rejected || got.SavedAt.IsZero() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, make := range map[string]func() (*seal.Store, error){
		"no store":         func() (*seal.Store, error) { return seal.New(nil, newKeys(t), nil) },
		"no keys":          func() (*seal.Store, error) { return seal.New(spotipie.NewMemoryStore(), nil, nil) },
		"a nil store":      func() (*seal.Store, error) { return seal.New((*spotipie.MemoryStore)(nil), newKeys(t), nil) },
		"nil keys":         func() (*seal.Store, error) { return seal.New(spotipie.NewMemoryStore(), (*service)(nil), nil) },
		"negative timeout": func() (*seal.Store, error) { return seal.New(bare{}, newKeys(t), &seal.Options{KeyTimeout: -1}) },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A sealed store can wrap a sealed store. A record that is sealed twice must be opened
// twice.
func TestSealedTwice(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	outer := over(t, inner, newKeys(t), nil)
	twice := over(t, outer, newKeys(t), nil)
	storecheck.Expect(t, twice, "one", storecheck.Swap(t, twice, 0, "one"))
	if rec := stored(t, outer, ada); rec.Token != nil || rec.Sealed == nil {
		t.Errorf("opened once, it is %v", rec)
	}
}
