// Package child runs a test in a child process: it starts the test binary again,
// with the same test. A test can kill or stop the child, and the child can be
// another user who may mount file systems:
//
//	func TestFullDisk(t *testing.T) {
//		dir, isChild := child.Argument()
//		if !isChild {
//			child.Run(t, t.TempDir(), 0)
//			return
//		}
//		... // mounts a small disk at dir, and fills it
//	}
package child

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

// variable holds a child's argument in its environment.
const variable = "SPOTIPIE_TEST_CHILD"

// Argument returns the child's argument, such as a folder, if this process is a
// test's child.
func Argument() (argument string, isChild bool) { return os.LookupEnv(variable) }

func command(t *testing.T, argument string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), variable+"="+argument)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// Run runs the test again as a child that ends by itself. The child runs as
// userID in its own user namespace, and owns there what this process owns. User 0
// may mount file systems; any other user has no privileges.
func Run(t *testing.T, argument string, userID int) {
	t.Helper()
	c := command(t, argument)
	c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
	c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Getuid(), Size: 1}}
	c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Getgid(), Size: 1}}
	runToTheEnd(t, c, "this system makes no user namespaces")
}

// RunWithMounts runs the test again as a child that ends by itself. No other
// process sees the child's mounts. Unlike a child of Run, it may start servers as
// another user. The test is skipped unless it runs as root.
func RunWithMounts(t *testing.T, argument string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a disk for a server needs root")
	}
	c := command(t, argument)
	c.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	runToTheEnd(t, c, "this system makes no mount namespaces")
}

// runToTheEnd runs a child and waits for its end. lacks says what is missing if the
// child cannot be started.
func runToTheEnd(t *testing.T, c *exec.Cmd, lacks string) {
	t.Helper()
	out, err := c.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		complain := t.Skipf
		if os.Getenv("SPOTIPIE_TEST_SERVICES") == "1" {
			complain = t.Fatalf
		}
		complain("%s: %v", lacks, err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("the child failed: %v\n%s", err, out)
	}
}

// Child is a child process that exchanges lines with its parent.
type Child struct {
	t  *testing.T
	c  *exec.Cmd
	in io.WriteCloser
	// Lines receives the lines that the child says. It is closed when the child has
	// ended.
	Lines chan string
}

const linePrefix = "child says: "

// Start starts the test again as a child that exchanges lines with this process.
func Start(t *testing.T, argument string) *Child {
	t.Helper()
	ch := &Child{t: t, c: command(t, argument), Lines: make(chan string, 100)}
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
		defer close(ch.Lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			if line, said := strings.CutPrefix(scanner.Text(), linePrefix); said {
				ch.Lines <- line
			}
		}
	}()
	t.Cleanup(func() {
		_ = ch.c.Process.Kill()
		for range ch.Lines {
		}
		_ = ch.c.Wait()
	})
	return ch
}

// Expect fails the test unless want is the child's next line.
func (ch *Child) Expect(want string) {
	ch.t.Helper()
	select {
	case got := <-ch.Lines:
		if got != want {
			ch.t.Fatalf("the child says %q, want %q", got, want)
		}
	case <-time.After(30 * time.Second):
		ch.t.Fatalf("the child does not say %q", want)
	}
}

// GoOn lets the child continue after Await.
func (ch *Child) GoOn() {
	ch.t.Helper()
	if _, err := io.WriteString(ch.in, "\n"); err != nil {
		ch.t.Fatal(err)
	}
}

// Signal sends a signal to the child.
func (ch *Child) Signal(sig syscall.Signal) {
	ch.t.Helper()
	if err := ch.c.Process.Signal(sig); err != nil {
		ch.t.Fatal(err)
	}
}

// Stop stops the child and waits until it has stopped.
func (ch *Child) Stop() {
	ch.t.Helper()
	ch.Signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	for !status.Stopped() {
		if _, err := syscall.Wait4(ch.c.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil && err != syscall.EINTR {
			ch.t.Fatal(err)
		}
	}
}

// Say sends a line to the parent. A child calls it.
func Say(line string) { _, _ = os.Stdout.WriteString("\n" + linePrefix + line + "\n") }

// Await waits until the parent calls GoOn. A child calls it.
func Await() { _, _ = os.Stdin.Read(make([]byte, 1)) }
