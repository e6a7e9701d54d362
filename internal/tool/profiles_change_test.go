//go:build unix

package tool

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

// household has profiles of the app "id" in a new config folder. Each has its own
// file store.
type household struct {
	t      *testing.T
	config string
	stores map[string]*filestore.Store
}

func newHousehold(t *testing.T, profiles ...string) *household {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("GORACE", "atexit_sleep_ms=10")
	h := &household{t, filepath.Join(home, "spotipie", "config.json"), map[string]*filestore.Store{}}
	settings := map[string]config.Settings{}
	for _, name := range profiles {
		dir := filepath.Join(home, "store-"+name)
		store, err := filestore.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.stores[name] = store
		h.saves(name, name, "access-"+name)
		settings[name] = config.Settings{ClientID: "id", Store: "file:" + dir}
	}
	err := config.Update(t.Context(), h.config, func(f *config.File) error { f.Profiles = settings; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// saves saves a login under a name in the store of a profile.
func (h *household) saves(of, name, access string) {
	h.t.Helper()
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: access, RefreshToken: "refresh-" + access, ExpiresIn: time.Hour})
	if err != nil {
		h.t.Fatal(err)
	}
	key := spotipie.Key{ClientID: "id", Profile: name}
	if _, err := h.stores[of].Swap(h.t.Context(), key, 0, spotipie.Record{Token: token, ClientID: "id"}); err != nil {
		h.t.Fatal(err)
	}
}

// access returns the access token that the store of a profile has under a name, or "".
func (h *household) access(of, name string) string {
	h.t.Helper()
	rec, found, err := h.stores[of].Load(h.t.Context(), spotipie.Key{ClientID: "id", Profile: name})
	if err != nil {
		h.t.Fatal(err)
	}
	if !found {
		return ""
	}
	return rec.Token.AccessToken()
}

// expect checks what the store of a profile has under two names, and what
// profiles the config file has.
func (h *household) expect(of, old, underOld, name, underNew, profiles string) {
	h.t.Helper()
	if got := h.access(of, old); got != underOld {
		h.t.Errorf("store of %s: %s has %q, want %q", of, old, got, underOld)
	}
	if got := h.access(of, name); got != underNew {
		h.t.Errorf("store of %s: %s has %q, want %q", of, name, got, underNew)
	}
	f, err := config.Read(h.config)
	if err != nil {
		h.t.Fatal(err)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(f.Profiles)), " "); got != profiles {
		h.t.Errorf("profiles in the config file: %q, want %q", got, profiles)
	}
}

// running is a command in another process.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr strings.Builder
}

func (h *household) starts(args ...string) *running {
	h.t.Helper()
	r := &running{t: h.t, cmd: exec.CommandContext(h.t.Context(), "spotipie", args...)}
	r.cmd.Stderr = &r.stderr
	if err := r.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (r *running) sigterm() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
}

// ends waits for the end and returns exit code and stderr.
func (r *running) ends() (code int, stderr string) {
	_ = r.cmd.Wait() // the exit code is returned
	return r.cmd.ProcessState.ExitCode(), r.stderr.String()
}

// locked locks a file and returns a function that unlocks it.
func locked(t *testing.T, path string) (unlock func()) {
	t.Helper()
	lock := flock.New(path)
	if ok, err := lock.TryLock(); !ok {
		t.Fatalf("locking %s: %v", path, err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	return func() { _ = lock.Close() }
}

// awaitLocked waits until a command holds the lock of a profile.
func (h *household) awaitLocked(name string) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		if time.Now().After(deadline) {
			h.t.Fatalf("nobody locks %s", name)
		}
		ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Millisecond)
		unlock, err := h.stores[name].Lock(ctx, spotipie.Key{ClientID: "id", Profile: name})
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		if err != nil {
			h.t.Fatal(err)
		}
		if err := unlock(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		if h.access(name, name) == "" {
			h.t.Fatal("the login was taken away before the config file could be changed")
		}
	}
}

// While another process changes the config file, a command changes nothing, and an
// interruption leaves everything unchanged.
func TestChangeWaitsForTheConfigFile(t *testing.T) {
	for name, args := range map[string][]string{
		"rename": {"profiles", "rename", "a", "b"},
		"delete": {"profiles", "delete", "a", "--yes"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t, "a")
			locked(t, h.config+".lock")
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, stderr, code := tool(ctx, args...); code != failure.ExitInterrupted {
				t.Errorf("exit code %d, stderr %s", code, stderr)
			}
			h.expect("a", "a", "access-a", "b", "", "a")
		})
	}
}

// A change that has begun is finished.
func TestInterruptedRenameIsFinished(t *testing.T) {
	h := newHousehold(t, "a")
	key := spotipie.Key{ClientID: "id", Profile: "a"}
	unlock := locked(t, strings.TrimSuffix(h.stores["a"].Path(key), ".json")+".swap")
	r := h.starts("profiles", "rename", "a", "b")
	for deadline := time.Now().Add(time.Minute); h.access("a", "b") == ""; {
		if time.Now().After(deadline) {
			t.Fatal("nothing is renamed")
		}
	}
	r.sigterm()
	unlock()
	if code, stderr := r.ends(); code != failure.ExitOK {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
	h.expect("a", "a", "", "b", "access-a", "b")
}

// If two processes rename to the same name, one succeeds.
func TestRenamesToOneName(t *testing.T) {
	h := newHousehold(t, "a", "b")
	unlock := locked(t, h.config+".lock")
	first, second := h.starts("profiles", "rename", "a", "c"), h.starts("profiles", "rename", "b", "c")
	h.awaitLocked("a")
	h.awaitLocked("b")
	unlock()
	firstCode, firstErr := first.ends()
	secondCode, secondErr := second.ends()
	const refused = `profile "c" exists already: delete or rename it first`
	switch {
	case firstCode == failure.ExitOK && secondCode == failure.ExitFailure && strings.Contains(secondErr, refused):
		h.expect("a", "a", "", "c", "access-a", "b c")
		h.expect("b", "b", "access-b", "c", "", "b c")
	case secondCode == failure.ExitOK && firstCode == failure.ExitFailure && strings.Contains(firstErr, refused):
		h.expect("a", "a", "access-a", "c", "", "a c")
		h.expect("b", "b", "", "c", "access-b", "a c")
	default:
		t.Errorf("exit codes %d and %d; %s%s", firstCode, secondCode, firstErr, secondErr)
	}
}

// If a process is killed half-way, the next one finishes its work.
func TestRenameAgainAfterACrash(t *testing.T) {
	const there = `profile "b" exists already: delete or rename it first`
	for name, test := range map[string]struct {
		crashed func(*testing.T, *household)
		code    int
		stderr  string
		old     string
		renamed string
		config  string
	}{
		"before the old login was deleted": {
			func(_ *testing.T, h *household) { h.saves("a", "b", "access-a") }, failure.ExitOK, "is now called", "", "access-a", "b",
		},
		"before the config file was changed": {
			func(t *testing.T, h *household) {
				h.saves("a", "b", "access-a")
				if err := h.stores["a"].Delete(t.Context(), spotipie.Key{ClientID: "id", Profile: "a"}); err != nil {
					t.Fatal(err)
				}
			}, failure.ExitOK, "is now called", "", "access-a", "b",
		},
		"but another login was there": {
			func(_ *testing.T, h *household) { h.saves("a", "b", "access-b") }, failure.ExitFailure, there, "access-a", "access-b", "a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t, "a")
			test.crashed(t, h)
			if code, stderr := h.starts("profiles", "rename", "a", "b").ends(); code != test.code || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, stderr %s", code, stderr)
			}
			h.expect("a", "a", test.old, "b", test.renamed, test.config)
		})
	}
}
