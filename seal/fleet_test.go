//go:build unix

package seal_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/seal"
)

// newFleet returns a sealed authorization in a store for processes to share.
func newFleet(t *testing.T, kind string, lease time.Duration, rotate bool) *fleet.Fleet {
	t.Helper()
	text := seal.GenerateKey()
	p := place{kind: kind, name: fresh(), keys: text}
	config := fleet.Config{Place: p.String(), Lease: lease}
	if kind == "redis" {
		config.Address = services.Redis(t)
		inner := openRedis(t, &redis.Options{Addr: config.Address}, p.name, lease)
		return fleet.New(t, over(t, inner, newKeys(t, text), nil), config, rotate)
	}
	dsn := services.Postgres(t)
	config.Address = address(t, dsn)
	return fleet.New(t, over(t, openPostgres(t, dsn, p.name, lease), newKeys(t, text), nil), config, rotate)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	for _, kind := range []string{"redis", "postgres"} {
		t.Run(kind, func(t *testing.T) { newFleet(t, kind, 10*time.Second, true).TestEightProcesses(t) })
	}
}

func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	for _, kind := range []string{"redis", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			newFleet(t, kind, 300*time.Millisecond, true).TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 7))
		})
	}
}

func TestPausedHolderOverwritesNothing(t *testing.T) {
	for _, kind := range []string{"redis", "postgres"} {
		t.Run(kind, func(t *testing.T) { newFleet(t, kind, 300*time.Millisecond, false).TestPausedHolder(t) })
	}
}
