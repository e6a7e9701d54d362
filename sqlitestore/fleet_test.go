//go:build unix

package sqlitestore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/sqlitestore"
)

// newFleet returns an authorization in a database for processes to share.
func newFleet(t *testing.T, lease time.Duration, rotate bool) *fleet.Fleet {
	t.Helper()
	s := open(t, newPath(t), withLease(lease))
	return fleet.New(t, s, fleet.Config{Place: s.Path(), Lease: lease}, rotate)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	newFleet(t, 10*time.Second, true).TestEightProcesses(t)
}

// The lease is longer than the test waits for the next session, so a killed process must
// not keep anybody waiting.
func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	f := newFleet(t, sqlitestore.DefaultLease, true)
	f.Config.Lease = 0 // others may have to wait for this long, plus some slack
	f.TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 14))
	open(t, f.Config.Place, nil)
	left, err := filepath.Glob(f.Config.Place + "-process-*")
	if err != nil || len(left) > 1 { // the file of the test itself
		t.Errorf("left behind by those that were killed: %v, %v", left, err)
	}
}

func TestPausedHolderOverwritesNothing(t *testing.T) {
	newFleet(t, 300*time.Millisecond, false).TestPausedHolder(t)
}

func TestSessionsOutliveADiskThatIsUnmounted(t *testing.T) {
	s := open(t, newPath(t), nil)
	f := fleet.New(t, s, fleet.Config{Place: s.Path()}, true)
	dir := filepath.Dir(s.Path())
	f.TestOutage(t, fleet.Outage{
		StoreName: s.Path(),
		Begin:     func() { _ = os.Rename(dir, dir+".away") },
		End:       func() { _ = os.Rename(dir+".away", dir) },
	})
}

func TestSessionLearnsOfATokenThatAnotherGot(t *testing.T) {
	path := newPath(t)
	storecheck.SessionLearnsOfANewToken(t, func() spotipie.Store { return open(t, path, nil) })
}
