package filestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// What Swap has returned for is there after its process was killed, whole, and
// the next process waits for nothing.
func TestSwapSurvivesKills(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		s := open(t, dir, nil)
		rec, _, err := s.Load(t.Context(), ada)
		for version := rec.Version; err == nil; {
			version, err = s.Swap(t.Context(), ada, version, storecheck.Record(t, fmt.Sprint(version)))
			child.Say(strconv.FormatUint(version, 10))
		}
		t.Fatal(err)
	}
	dir := newDir(t)
	for range testservices.Count(t, "SPOTIPIE_TEST_KILLS", 10) {
		writer := child.Start(t, dir)
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
		s := open(t, dir, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		rec, found, err := s.Load(ctx, ada)
		if err != nil || !found || rec.Version < version || rec.Token.RefreshToken() != "refresh-"+rec.Token.AccessToken() {
			t.Fatalf("Load: found %t, error %v; got %v, want version %d or later", found, err, rec, version)
		}
		if _, err := s.Swap(ctx, ada, rec.Version, storecheck.Record(t, "next")); err != nil {
			t.Fatalf("Swap after the kill: %v", err)
		}
		expectNoTemp(t, dir)
		cancel()
	}
}
