package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/spotipie/spotipie/internal/config"
)

// Many processes may change the file at the same time, and no change is lost.
func TestUpdateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config.json")
	const writers = 20
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			err := config.Update(t.Context(), path, func(f *config.File) error {
				if f.Profiles == nil {
					f.Profiles = map[string]config.Settings{}
				}
				f.Profiles[fmt.Sprint(i)] = config.Settings{ClientID: "app"}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := config.Read(path)
	if err != nil || len(got.Profiles) != writers {
		t.Errorf("got %d profiles, %v, want %d", len(got.Profiles), err, writers)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUpdateLeavesTheFile(t *testing.T) {
	const text = `{"client_id": "a"}`
	path := write(t, text, 0o600)
	broken := errors.New("broken")
	if err := config.Update(t.Context(), path, func(f *config.File) error { f.ClientID = "b"; return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := config.Update(ended, path, func(f *config.File) error { f.ClientID = "b"; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != text {
		t.Errorf("got %s, %v", data, err)
	}
	if err := config.Update(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("no folder: got %v", err)
	}
}

func setClientID(f *config.File) error { f.ClientID = "new"; return nil }

// A writer that was killed leaves its temporary file, which may contain the client
// secret. The next writer removes it, and nothing else.
func TestUpdateRemovesWhatKilledWritersLeft(t *testing.T) {
	path := write(t, `{}`, 0o600)
	dir := filepath.Dir(path)
	for _, name := range []string{"config-123.tmp", "config-456.tmp", "config-mine.tmp", "config-7.json", "other-8.tmp", "9.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("hush"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	if err := config.Update(t.Context(), path, func(*config.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got, want := strings.Join(names, " "), "9.tmp config-7.json config-mine.tmp config.json config.json.lock other-8.tmp"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A config file that is a symbolic link, for example into a folder with all config
// files of a user, stays a link.
func TestUpdateFollowsLinks(t *testing.T) {
	target := write(t, `{"profile": "work"}`, 0o600)
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.Symlink(target, path); err != nil {
		t.Skip(err)
	}
	if err := config.Update(t.Context(), path, setClientID); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info.Mode(), err)
	}
	got, err := config.Read(target)
	if err != nil || got.Profile != "work" || got.ClientID != "new" {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	err = config.Update(t.Context(), path, setClientID)
	if err == nil || !strings.Contains(err.Error(), path+" is a link to a file that is missing") {
		t.Errorf("the link leads nowhere: got %v", err)
	}
}

func TestUpdateWaitsForTheLock(t *testing.T) {
	path := write(t, `{}`, 0o600)
	lock := flock.New(path + ".lock")
	if locked, err := lock.TryLock(); !locked {
		t.Fatal(err)
	}
	defer lock.Close()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		err := config.Update(t.Context(), path, setClientID)
		if err == nil || !strings.Contains(err.Error(), "another process holds "+path+".lock for longer than 10s") {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(begin); waited != 10*time.Second {
			t.Errorf("waited %s", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := config.Update(ctx, path, setClientID); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "10s") {
			t.Errorf("got %v", err)
		}
	})
}
