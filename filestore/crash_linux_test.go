package filestore_test

import (
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// If Swap has returned and its process is killed, the record is there and complete, and
// the next process does not have to wait.
func TestSwapSurvivesKills(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		storecheck.SaveAndSay(t, open(t, dir, nil))
	}
	dir := newDir(t)
	storecheck.SurvivesKills(t, dir, func(int) spotipie.Store { return open(t, dir, nil) }, func() { expectNoTemp(t, dir) })
}

func TestLinearizableDespiteKills(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		storecheck.WorkUntilKilled(t, open(t, dir, nil))
	}
	storecheck.LinearizableDespiteKills(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 1), func() (spotipie.Store, string) {
		dir := newDir(t)
		return open(t, dir, nil), dir
	})
}
