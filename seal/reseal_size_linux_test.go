package seal_test

import (
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/seal"
)

// TestResealOfMany prints how fast Reseal is with SPOTIPIE_TEST_RECORDS records, and
// how much memory it uses.
func TestResealOfMany(t *testing.T) {
	n := testservices.Count(t, "SPOTIPIE_TEST_RECORDS", 200)
	for _, test := range []struct {
		name string
		open func(t *testing.T) spotipie.Store
	}{
		{"Redis", func(t *testing.T) spotipie.Store {
			return openRedis(t, &redis.Options{Addr: services.Redis(t)}, fresh(), 0)
		}},
		{"PostgreSQL", func(t *testing.T) spotipie.Store { return openPostgres(t, services.Postgres(t), fresh(), 0) }},
		{"SQLite", func(t *testing.T) spotipie.Store { return openSQLite(t, newDatabase(t), 0) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner := test.open(t)
			oldText, newText := seal.GenerateKey(), seal.GenerateKey()
			old := over(t, inner, newKeys(t, oldText), nil)
			var filling sync.WaitGroup
			for i := range 8 {
				filling.Go(func() { fill(t, old, i*n/8, (i+1)*n/8) })
			}
			filling.Wait()
			both := over(t, inner, newKeys(t, newText, oldText), nil)
			before := storecheck.Memory(t)
			storecheck.ResetPeak(t)
			start := time.Now()
			if report := reseal(t, both, asFastAsCanBe()); !report.Done() || report.Resealed != n {
				t.Errorf("got %s", report)
			}
			sealed, more := time.Since(start), storecheck.PeakMemory(t)-before
			start = time.Now()
			if report := reseal(t, both, &seal.ResealOptions{PerSecond: -1, CountOnly: true}); report.Current != n {
				t.Errorf("got %s", report)
			}
			counted := time.Since(start)
			t.Logf("%d records: sealed anew in %s (%.0f a second, %d KiB more memory at most), counted in %s (%.0f a second)", n,
				sealed.Round(time.Millisecond), float64(n)/sealed.Seconds(), more, counted.Round(time.Millisecond), float64(n)/counted.Seconds())
			if limit := 64<<10 + n; more > limit {
				t.Errorf("it takes %d KiB, more than %d", more, limit)
			}
		})
	}
}
