//go:build unix

package pgstore_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// newFleet returns an authorization in the PostgreSQL at dsn for processes to
// share.
func newFleet(t *testing.T, dsn string, lease time.Duration, rotate bool) *fleet.Fleet {
	t.Helper()
	opts := fresh(lease)
	store := open(t, connect(t, dsn), opts)
	return fleet.New(t, store, fleet.Config{Address: address(t, dsn), Place: opts.Table, Lease: lease}, rotate)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	for name, dsn := range map[string]func(testing.TB) string{
		"directly": services.Postgres, "through PgBouncer in transaction mode": services.PgBouncer,
	} {
		t.Run(name, func(t *testing.T) {
			newFleet(t, dsn(t), 10*time.Second, true).TestEightProcesses(t)
		})
	}
}

func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	newFleet(t, services.Postgres(t), 300*time.Millisecond, true).TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 7))
}

func TestPausedHolderOverwritesNothing(t *testing.T) {
	newFleet(t, services.Postgres(t), 300*time.Millisecond, false).TestPausedHolder(t)
}
