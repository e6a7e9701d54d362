package pgstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// notifyInEachSave makes the server notify in the transaction of each save, as older
// versions of this package did.
const notifyInEachSave = `
CREATE FUNCTION "notify of {name}"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM pg_notify('{name}', NEW.profile || ' ' || NEW.version);
	RETURN NULL;
END $$;
CREATE TRIGGER notify AFTER INSERT OR UPDATE ON "{name}" FOR EACH ROW EXECUTE FUNCTION "notify of {name}"()`

// TestNoticesCostLittle compares how fast 20 clients save: without notices, with the
// store's notices, and with a notice in each save. Somebody listens all the time. It
// makes SPOTIPIE_TEST_SAVES saves (200 by default) in each of five rounds, and compares
// the best rounds.
func TestNoticesCostLittle(t *testing.T) {
	const clients, rounds = 20, 5
	saves := testservices.Count(t, "SPOTIPIE_TEST_SAVES", 200) / clients
	pool := connect(t, fmt.Sprintf("%s&pool_max_conns=%d", services.Postgres(t), clients+1))
	kinds := []string{"without notices", "with notices", "with a notice in each save"}
	var stores []*pgstore.Store
	for _, kind := range kinds {
		stores = append(stores, openToNotify(t, pool, kind))
	}
	best := make([]float64, len(kinds))
	for range rounds {
		for i, store := range stores {
			best[i] = max(best[i], savesPerSecond(t, store, clients, saves))
		}
	}
	for i, kind := range kinds {
		t.Logf("%s: %.0f saves a second", kind, best[i])
	}
	if best[1] < best[0]/2 {
		t.Errorf("with notices only %.0f saves a second, and %.0f without", best[1], best[0])
	}
}

func openToNotify(t *testing.T, pool *pgxpool.Pool, kind string) *pgstore.Store {
	t.Helper()
	opts := fresh(0)
	store := open(t, pool, opts)
	if _, err := open(t, connect(t, services.Postgres(t)), opts).WatchChanges(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kind != "with notices" {
		store.SendNoNotices()
	}
	if kind == "with a notice in each save" {
		do(t, pool, strings.ReplaceAll(notifyInEachSave, "{name}", opts.Table), opts)
		do(t, connect(t, services.Postgres(t)+"&pool_max_conns=1"), fmt.Sprintf("LISTEN %q", opts.Table), opts)
	}
	return store
}

// savesPerSecond lets each client save its own record, and measures until all notices
// are sent.
func savesPerSecond(t *testing.T, store *pgstore.Store, clients, saves int) float64 {
	t.Helper()
	var saving sync.WaitGroup
	start := time.Now()
	for i := range clients {
		saving.Go(func() {
			key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(i)}
			rec, _, err := store.Load(t.Context(), key)
			for n := 0; n < saves && err == nil; n++ {
				rec.Version, err = store.Swap(t.Context(), key, rec.Version, storecheck.Record(t, "one"))
			}
			if err != nil {
				t.Errorf("saving: %v", err)
			}
		})
	}
	saving.Wait()
	store.AwaitNotices()
	return float64(clients*saves) / time.Since(start).Seconds()
}
