//go:build unix

package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// newFleet returns an authorization in Redis for processes to share.
func newFleet(t *testing.T, lease time.Duration, rotate bool) *fleet.Fleet {
	t.Helper()
	address, opts := services.Redis(t), fresh(lease)
	store := open(t, connect(t, &redis.Options{Addr: address}), opts)
	return fleet.New(t, store, fleet.Config{Address: address, Place: opts.Prefix, Lease: lease}, rotate)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	newFleet(t, 10*time.Second, true).TestEightProcesses(t)
}

func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	newFleet(t, 300*time.Millisecond, true).TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 7))
}

func TestPausedHolderOverwritesNothing(t *testing.T) {
	newFleet(t, 300*time.Millisecond, false).TestPausedHolder(t)
}
