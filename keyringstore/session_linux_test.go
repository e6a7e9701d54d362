package keyringstore_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/spotipie/spotipie/internal/testservices"
)

// sessionVariable holds the folder of the private D-Bus session that this
// process runs in.
const sessionVariable = "SPOTIPIE_KEYRINGSTORE_TEST_SESSION"

// busConfig configures a session bus that starts no programs by itself.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=%s</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// sessionCommand returns a command that runs this test binary in its own D-Bus session.
// The session has no keyring yet, and keeps its files in dir.
func sessionCommand(dir string, args ...string) (*exec.Cmd, error) {
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, dir), 0o600); err != nil {
		return nil, err
	}
	args = append([]string{"--config-file=" + config, "--", os.Args[0]}, args...)
	c := exec.Command("dbus-run-session", args...)
	c.Env = append(os.Environ(),
		sessionVariable+"="+dir, "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir,
		"XDG_RUNTIME_DIR="+dir, "DISPLAY=", "WAYLAND_DISPLAY=")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return c, nil
}

// runInSession runs the tests again in a private session with a keyring. It does nothing
// if the programs are missing, or if this process already runs in such a session.
func runInSession() (code int, done bool) {
	_, busErr := exec.LookPath("dbus-run-session")
	_, keyringErr := exec.LookPath("gnome-keyring-daemon")
	if _, inside := os.LookupEnv(sessionVariable); inside || busErr != nil || keyringErr != nil {
		return 0, false
	}
	dir, err := os.MkdirTemp("", "keyring")
	if err != nil {
		return complain(err), true
	}
	defer os.RemoveAll(dir)
	c, err := sessionCommand(dir, os.Args[1:]...)
	if err != nil {
		return complain(err), true
	}
	var ended *exec.ExitError
	if err := c.Run(); errors.As(err, &ended) {
		return max(ended.ExitCode(), 1), true
	} else if err != nil {
		return complain(err), true
	}
	return 0, true
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "the private session:", err)
	return 1
}

// daemon is a GNOME Keyring on the session's bus.
type daemon struct{ process *exec.Cmd }

// startDaemon starts a keyring daemon. It makes a keyring if there is none. An existing
// keyring stays locked unless unlock is set.
func startDaemon(unlock bool) (*daemon, error) {
	args := []string{"--foreground", "--components=secrets", "--control-directory=" + os.Getenv(sessionVariable)}
	if unlock {
		args = append(args, "--unlock")
	}
	c := exec.Command("gnome-keyring-daemon", args...)
	c.Stdin = strings.NewReader("password")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return nil, err
	}
	d := &daemon{process: c}
	if !unlock {
		return d, nil
	}
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err = keyring.Get("is it there", "yet"); errors.Is(err, keyring.ErrNotFound) {
			return d, nil
		}
	}
	d.stop()
	return nil, fmt.Errorf("gnome-keyring-daemon: %w", err)
}

func (d *daemon) stop() {
	_ = d.process.Process.Kill()
	_ = d.process.Wait()
}

// needKeyring skips or fails the test if there is no keyring.
func needKeyring(t *testing.T) {
	t.Helper()
	testservices.Program(t, "dbus-run-session", "dbus")
	testservices.Program(t, "gnome-keyring-daemon", "gnome-keyring")
}
