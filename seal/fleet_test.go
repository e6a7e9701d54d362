//go:build unix

package seal_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/seal"
)

// shared are the kinds of stores that processes share.
var shared = []string{"redis", "postgres", "sqlite"}

// newFleet returns a sealed authorization in a store for processes to share.
func newFleet(t *testing.T, kind string, lease time.Duration, rotate bool) *fleet.Fleet {
	t.Helper()
	text := seal.GenerateKey()
	p := place{kind: kind, name: fresh(), keys: text}
	config := fleet.Config{Place: p.String(), Lease: lease}
	var inner spotipie.Store
	switch kind {
	case "redis":
		config.Address = services.Redis(t)
		inner = openRedis(t, &redis.Options{Addr: config.Address}, p.name, lease)
	case "postgres":
		dsn := services.Postgres(t)
		config.Address = address(t, dsn)
		inner = openPostgres(t, dsn, p.name, lease)
	case "sqlite":
		p.name = newDatabase(t)
		config.Place = p.String()
		inner = openSQLite(t, p.name, lease)
	}
	return fleet.New(t, over(t, inner, newKeys(t, text), nil), config, rotate)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	for _, kind := range shared {
		t.Run(kind, func(t *testing.T) { newFleet(t, kind, 10*time.Second, true).TestEightProcesses(t) })
	}
}

func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	for _, kind := range shared {
		t.Run(kind, func(t *testing.T) {
			newFleet(t, kind, 300*time.Millisecond, true).TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 7))
		})
	}
}

func TestPausedHolderOverwritesNothing(t *testing.T) {
	for _, kind := range shared {
		t.Run(kind, func(t *testing.T) { newFleet(t, kind, 300*time.Millisecond, false).TestPausedHolder(t) })
	}
}
