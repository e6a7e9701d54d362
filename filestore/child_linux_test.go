package filestore_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Tests that need a process of their own run as a child: the test binary again,
// with the same test and this variable, whose value is the store's folder.
const childVariable = "SPOTIPIE_FILESTORE_TEST_CHILD"

// childDir returns the folder of the store if this process is a test's child.
func childDir() (dir string, isChild bool) { return os.LookupEnv(childVariable) }

func childCommand(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), childVariable+"="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// runChild runs the test again as a child that ends by itself. userID is who
// the child is, in a user namespace of its own where it owns what this process
// owns: 0 may mount file systems, any other has no privilege at all.
func runChild(t *testing.T, dir string, userID int) {
	t.Helper()
	c := childCommand(t, dir)
	c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
	c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Getuid(), Size: 1}}
	c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Getgid(), Size: 1}}
	out, err := c.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		complain := t.Skipf
		if os.Getenv("SPOTIPIE_TEST_SERVICES") == "1" {
			complain = t.Fatalf
		}
		complain("this system makes no user namespaces: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("the child failed: %v\n%s", err, out)
	}
}

// child is one that talks with its parent in lines.
type child struct {
	t     *testing.T
	c     *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

const linePrefix = "child says: "

// startChild starts the test again as a child to talk with.
func startChild(t *testing.T, dir string) *child {
	t.Helper()
	ch := &child{t: t, c: childCommand(t, dir), lines: make(chan string, 100)}
	var err error
	if ch.in, err = ch.c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := ch.c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ch.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			if line, said := strings.CutPrefix(scanner.Text(), linePrefix); said {
				ch.lines <- line
			}
		}
	}()
	t.Cleanup(func() {
		_ = ch.c.Process.Kill()
		for range ch.lines {
		}
		_ = ch.c.Wait()
	})
	return ch
}

func (ch *child) expect(want string) {
	ch.t.Helper()
	select {
	case got := <-ch.lines:
		if got != want {
			ch.t.Fatalf("the child says %q, want %q", got, want)
		}
	case <-time.After(30 * time.Second):
		ch.t.Fatalf("the child does not say %q", want)
	}
}

func (ch *child) goOn() {
	ch.t.Helper()
	if _, err := io.WriteString(ch.in, "\n"); err != nil {
		ch.t.Fatal(err)
	}
}

func (ch *child) signal(sig syscall.Signal) {
	ch.t.Helper()
	if err := ch.c.Process.Signal(sig); err != nil {
		ch.t.Fatal(err)
	}
}

// stop stops the child and waits until it has.
func (ch *child) stop() {
	ch.t.Helper()
	ch.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	for !status.Stopped() {
		if _, err := syscall.Wait4(ch.c.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil && err != syscall.EINTR {
			ch.t.Fatal(err)
		}
	}
}

// say and await are the child's side.
func say(line string) { _, _ = os.Stdout.WriteString("\n" + linePrefix + line + "\n") }

func await() { _, _ = os.Stdin.Read(make([]byte, 1)) }
