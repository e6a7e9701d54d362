package testservices

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long a server may take until it answers.
const startTimeout = 30 * time.Second

// Server is a running server program.
type Server struct {
	// Address is where it listens, as host:port. It stays over restarts.
	Address string

	folder  string
	program string
	args    []string
	answers func() error // nil when the server is ready
	process *exec.Cmd
}

// newServer makes the folder of a server and chooses its port. configure gets
// both and returns the server's arguments.
func newServer(t testing.TB, program string, answers func(address string) error, configure func(folder, port string) []string) *Server {
	t.Helper()
	folder, err := os.MkdirTemp("", "spotipie-test-")
	if err != nil {
		t.Fatal(err)
	}
	giveAway(t, folder)
	port := freePort(t)
	s := &Server{Address: net.JoinHostPort("127.0.0.1", port), folder: folder, program: program}
	s.answers = func() error { return answers(s.Address) }
	s.args = configure(folder, port)
	if err := s.start(); err != nil {
		_ = os.RemoveAll(folder)
		t.Fatal(err)
	}
	return s
}

// Start starts the server after Stop or Kill, with its data and address, and
// waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop asks the server to end and waits until it has.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends the server as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal)
	_ = s.process.Wait()
	s.process = nil
	// The children of a killed server go a little later.
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.Address)
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

func (s *Server) remove() {
	s.Stop()
	_ = os.RemoveAll(s.folder)
}

func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.process = unprivileged(s.program, s.args...)
	s.process.Dir = s.folder
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		s.process = nil
		return fmt.Errorf("starting %s: %w", s.program, err)
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		if err = s.answers(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			s.Kill()
			words, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s does not answer: %w\n%s", s.program, err, words)
		}
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// servant returns the user that servers run as when the tests run as root,
// which PostgreSQL and PgBouncer refuse.
func servant() (uid, gid int, needed bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.Atoi(u.Uid)
			gid, err2 := strconv.Atoi(u.Gid)
			if err1 == nil && err2 == nil {
				return uid, gid, true
			}
		}
	}
	return 0, 0, false
}

// giveAway makes a file or folder that of the servers' user.
func giveAway(t testing.TB, path string) {
	t.Helper()
	if uid, gid, needed := servant(); needed {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}
