package storecheck

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// SaveAndSay runs in the child processes of [SurvivesKills]. It saves records and
// reports their versions until it is killed.
func SaveAndSay(t *testing.T, s spotipie.Store) {
	t.Helper()
	rec, _, err := s.Load(t.Context(), Key())
	for version := rec.Version; err == nil; {
		version, err = s.Swap(t.Context(), Key(), version, Record(t, fmt.Sprint(version)))
		child.Say(strconv.FormatUint(version, 10))
	}
	t.Fatal(err)
}

// SurvivesKills kills child processes while they save records at a place (see
// [SaveAndSay]). If Swap has returned, its record must be there and complete, and the
// next process must not have to wait. After the i-th kill open opens the store and
// the test looks at it; then it calls after.
func SurvivesKills(t *testing.T, place string, open func(i int) spotipie.Store, after func()) {
	t.Helper()
	for i := range testservices.Count(t, "SPOTIPIE_TEST_KILLS", 10) {
		version := killWhileSaving(t, place)
		s := open(i)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		rec, found, err := s.Load(ctx, Key())
		if err != nil || !found || rec.Version < version || rec.Token.RefreshToken() != "refresh-"+rec.Token.AccessToken() {
			t.Fatalf("Load: found %t, error %v; got %v, want version %d or later", found, err, rec, version)
		}
		if _, err := s.Swap(ctx, Key(), rec.Version, Record(t, "next")); err != nil {
			t.Fatalf("Swap after the kill: %v", err)
		}
		cancel()
		after()
	}
}

// killWhileSaving kills a child and returns the last version that it reported.
func killWhileSaving(t *testing.T, place string) uint64 {
	t.Helper()
	writer := child.Start(t, place)
	saved := <-writer.Lines
	for end := time.After(rand.N(20 * time.Millisecond)); ; {
		select {
		case saved = <-writer.Lines:
			continue
		case <-end:
		}
		break
	}
	writer.Signal(syscall.SIGKILL)
	for saved = range writer.Lines {
	}
	version, err := strconv.ParseUint(saved, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return version
}
