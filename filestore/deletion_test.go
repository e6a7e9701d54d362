//go:build !windows

package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// age makes a file older.
func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func mustDelete(t *testing.T, s spotipie.Store, key spotipie.Key) {
	t.Helper()
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

func TestDeletionIsOneSmallFile(t *testing.T) {
	s := open(t, newDir(t), nil)
	unlock, err := s.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	storecheck.Swap(t, s, 0, "one")
	if err := unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustDelete(t, s, ada)
	if left := files(t, s.Dir()); len(left) != 1 || left[0] != filepath.Base(s.Path(ada)) {
		t.Errorf("the files are %v, want one", left)
	}
	if info, err := os.Stat(s.Path(ada)); err != nil || info.Size() > 300 {
		t.Errorf("it has %d bytes, error %v", info.Size(), err)
	}
}

func TestDeletionsAreForgottenAfterAWeek(t *testing.T) {
	for name, tidy := range map[string]func(t *testing.T, s *filestore.Store){
		"when the store is opened": func(t *testing.T, s *filestore.Store) { open(t, s.Dir(), nil) },
		"when something is deleted": func(t *testing.T, s *filestore.Store) {
			s.SetTidied(time.Now().Add(-2 * time.Hour))
			mustDelete(t, s, spotipie.Key{Profile: "somebody"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newDir(t), &filestore.Options{})
			profiles := []string{"old", "young", "record", "locked"}
			path := func(profile string) string { return s.Path(spotipie.Key{Profile: profile}) }
			for _, profile := range profiles {
				key := spotipie.Key{Profile: profile}
				if _, err := s.Swap(t.Context(), key, 0, storecheck.Record(t, profile)); err != nil {
					t.Fatal(err)
				}
				if profile != "record" {
					mustDelete(t, s, key)
				}
				if profile != "young" {
					age(t, path(profile), 8*24*time.Hour)
				}
			}
			unlock, err := open(t, s.Dir(), nil).Lock(t.Context(), spotipie.Key{Profile: "locked"})
			if err != nil {
				t.Fatal(err)
			}
			tidy(t, s)
			names := files(t, s.Dir())
			for profile, want := range map[string]bool{"old": false, "young": true, "record": true, "locked": false} {
				if is := slices.Contains(names, filepath.Base(path(profile))); is != want {
					t.Errorf("the file of %q is there: %t, want %t", profile, is, want)
				}
			}
			if err := unlock(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Asking for unknown profiles leaves no files in the folder.
func TestAskingForUnknownProfilesLeavesNoFile(t *testing.T) {
	s := open(t, newDir(t), nil)
	for i := range 50 {
		key := spotipie.Key{Profile: fmt.Sprint("unknown-", i)}
		if _, found, err := s.Load(t.Context(), key); found || err != nil {
			t.Errorf("Load: %t, %v", found, err)
		}
		unlock, err := s.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context(), key); err != nil {
			t.Errorf("Check: %v", err)
		}
		if _, err := s.Swap(t.Context(), key, 7, storecheck.Record(t, "one")); err == nil {
			t.Error("Swap over a version that does not exist has succeeded")
		}
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if left := files(t, s.Dir()); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Open removes the files of killed processes, and the lock files that older versions of
// this package kept forever.
func TestOpenRemovesLockFilesOfNothing(t *testing.T) {
	s := open(t, newDir(t), nil)
	storecheck.Swap(t, s, 0, "one")
	unlock, err := s.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	kept := files(t, s.Dir())
	held, err := s.Lock(t.Context(), spotipie.Key{Profile: "held"})
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range []string{"gone", "ada"} {
		for _, suffix := range []string{".lock", ".swap", ".lock.turn", ".swap.turn"} {
			base := strings.TrimSuffix(s.Path(spotipie.Key{ClientID: "client", Profile: profile}), ".json")
			if profile == "gone" || strings.HasSuffix(suffix, ".turn") {
				write(t, base+suffix, "")
			}
		}
	}
	open(t, s.Dir(), nil)
	kept = append(kept, filepath.Base(strings.TrimSuffix(s.Path(spotipie.Key{Profile: "held"}), ".json"))+".lock")
	slices.Sort(kept)
	if left := files(t, s.Dir()); !slices.Equal(left, kept) {
		t.Errorf("left are %v, want %v", left, kept)
	}
	for _, unlock := range []func(context.Context) error{unlock, held} {
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A lock has only one holder at a time, even if its file is removed and made again.
func TestLocksOfUnknownProfilesExcludeEachOther(t *testing.T) {
	dir := newDir(t)
	storecheck.LocksExclude(t, 4, 8, 40, func() spotipie.Store { return open(t, dir, nil) })
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOutsiderGetsInBesideABusyHolder(t *testing.T) {
	dir := newDir(t)
	busy, outsider := open(t, dir, nil), open(t, dir, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			unlock, err := busy.Lock(ctx, ada)
			if err != nil {
				return
			}
			time.Sleep(2 * time.Millisecond) // holds the lock
			_ = unlock(context.Background())
		}
	}()
	for range 20 {
		start := time.Now()
		unlock, err := outsider.Lock(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("let in after %s", waited)
		}
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	<-done
}
