package filestore_test

import (
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// What Swap has returned for is there after its process was killed, whole, and
// the next process waits for nothing.
func TestSwapSurvivesKills(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		storecheck.SaveAndSay(t, open(t, dir, nil))
	}
	dir := newDir(t)
	storecheck.SurvivesKills(t, dir, func(int) spotipie.Store { return open(t, dir, nil) }, func() { expectNoTemp(t, dir) })
}
