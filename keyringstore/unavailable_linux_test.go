package keyringstore_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie/keyringstore"
)

// childVariable names the test that this process runs as a child. The tests need
// children because the library keeps its connection to the bus as long as the process
// lives.
const childVariable = "SPOTIPIE_KEYRINGSTORE_TEST_CHILD"

func isChild() bool { return os.Getenv(childVariable) != "" }

// runChild runs the test again as a child with its own bus.
func runChild(t *testing.T, c *exec.Cmd, env ...string) {
	t.Helper()
	if c.Env == nil {
		c.Env = os.Environ()
	}
	c.Env = append(append(c.Env, childVariable+"="+t.Name()), env...)
	c.Stdin, c.Stdout, c.Stderr = nil, nil, nil
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("the child failed: %v\n%s", err, out)
	}
}

// runChildInSession runs the test again as a child in its own D-Bus session.
func runChildInSession(t *testing.T) {
	t.Helper()
	needKeyring(t)
	c, err := sessionCommand(t.TempDir(), childArgs(t)...)
	if err != nil {
		t.Fatal(err)
	}
	runChild(t, c)
}

func childArgs(t *testing.T) []string { return []string{"-test.run=^" + t.Name() + "$", "-test.v"} }

// expectUnavailable fails the test unless Open gives up in time and has made only lock
// files.
func expectUnavailable(t *testing.T, words string) {
	t.Helper()
	dir := newDir(t)
	start := time.Now()
	_, err := keyringstore.Open(t.Context(), dir, &keyringstore.Options{Timeout: 500 * time.Millisecond})
	if !errors.Is(err, keyringstore.ErrUnavailable) || !strings.Contains(err.Error(), words) {
		t.Errorf("got error %v, want ErrUnavailable with %q", err, words)
	}
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("it took %s", waited)
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(made) != 0 {
		t.Errorf("it has made %v", made)
	}
}

func TestBusThatDoesNotAnswer(t *testing.T) {
	if isChild() {
		expectUnavailable(t, "no answer in 500ms")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := keyringstore.Open(ctx, newDir(t), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want context.DeadlineExceeded", err)
		}
		os.Stdout.WriteString("--- PASS: " + t.Name() + "\n")
		os.Exit(0) // also ends the calls that are left behind
	}
	socket := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", socket) // accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := exec.Command(os.Args[0], childArgs(t)...)
	c.Env = append(os.Environ(), sessionVariable+"=none")
	runChild(t, c, "DBUS_SESSION_BUS_ADDRESS=unix:path="+socket, "TMPDIR="+t.TempDir()) // which the child cannot remove
}

func TestNoBus(t *testing.T) {
	if isChild() {
		expectUnavailable(t, "bus")
		return
	}
	c := exec.Command(os.Args[0], childArgs(t)...)
	c.Env = append(os.Environ(), sessionVariable+"=none")
	runChild(t, c, "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(t.TempDir(), "bus"))
}

func TestBusWithoutAKeyring(t *testing.T) {
	if isChild() {
		expectUnavailable(t, "org.freedesktop.secrets")
		return
	}
	runChildInSession(t)
}

func TestLockedKeyring(t *testing.T) {
	if isChild() {
		for _, unlock := range []bool{true, false} {
			d, err := startDaemon(unlock)
			if err != nil {
				t.Fatal(err)
			}
			if unlock {
				d.stop()
				continue
			}
			defer d.stop()
		}
		expectUnavailable(t, "unlock it")
		before := runtime.NumGoroutine()
		for range 10 {
			expectUnavailable(t, "unlock it")
		}
		for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("10 Opens of a locked keyring leave %d goroutines", runtime.NumGoroutine()-before)
			}
		}
		return
	}
	runChildInSession(t)
}

// A keyring that stops answering does not affect an open store.
func TestOpenStoreNeedsTheKeyringNoMore(t *testing.T) {
	if isChild() {
		d, err := startDaemon(true)
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, newDir(t))
		d.stop()
		save(t, s, "ada")
		expect(t, s, "ada")
		return
	}
	runChildInSession(t)
}

func TestStoppedKeyring(t *testing.T) {
	if isChild() {
		d, err := startDaemon(true)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.process.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		expectUnavailable(t, "no answer in 500ms")
		d.stop() // ends the call that was left behind
		return
	}
	runChildInSession(t)
}
