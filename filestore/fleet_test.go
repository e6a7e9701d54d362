package filestore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// newFleet returns an authorization in a folder for processes to share. There is no
// lease: the kernel frees a lock when its process ends.
func newFleet(t *testing.T) *fleet.Fleet {
	t.Helper()
	s := open(t, newDir(t), nil)
	return fleet.New(t, s, fleet.Config{Place: s.Dir()}, true)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	newFleet(t).TestEightProcesses(t)
}

func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	f := newFleet(t)
	f.TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 14))
	open(t, f.Config.Place, nil)
	if left, _ := filepath.Glob(filepath.Join(f.Config.Place, "*.tmp")); len(left) != 0 {
		t.Errorf("left behind by those that were killed: %v", left)
	}
}

func TestSessionsOutliveAFailingDisk(t *testing.T) {
	s := open(t, newDir(t), nil)
	f := fleet.New(t, s, fleet.Config{Place: s.Dir()}, true)
	away := s.Dir() + ".away"
	f.TestOutage(t, fleet.Outage{
		StoreName: "filestore: " + s.Dir(),
		Begin:     func() { _ = os.Rename(s.Dir(), away) },
		End:       func() { _ = os.Rename(away, s.Dir()) },
	})
}

func TestSessionLearnsOfATokenThatAnotherGot(t *testing.T) {
	dir := newDir(t)
	storecheck.SessionLearnsOfANewToken(t, func() spotipie.Store { return open(t, dir, nil) })
}
