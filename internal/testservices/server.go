package testservices

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

// startTimeout is how long a server may take to answer after it was started.
const startTimeout = 30 * time.Second

// Server is a running server program.
type Server struct {
	// Address is where it listens, as host:port. It stays the same over restarts.
	Address string

	folder  string
	program string
	args    []string
	answers func() error // nil when the server is ready
	process *exec.Cmd    // nil when it does not run
	alive   *os.File     // reads EOF when process and its children have ended
}

// newServer makes the folder of a server, chooses its port and starts it. configure
// gets the folder and the port, and returns the server's arguments.
func newServer(program string, answers func(address string) error, configure func(folder, port string) (args []string, err error)) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "spotipie-test-")
	if err != nil {
		return nil, err
	}
	s := &Server{Address: net.JoinHostPort("127.0.0.1", port), folder: folder, program: program}
	s.answers = func() error { return answers(s.Address) }
	if err = giveAway(folder); err == nil {
		s.args, err = configure(folder, port)
	}
	if err == nil {
		err = s.start()
	}
	if err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// Start starts the server after Stop or Kill, with its data and address, and
// waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop asks the server to end and waits until it has ended.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends the server as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal)
	s.gone(startTimeout) // the children of a killed server end a little later
	_ = s.process.Wait()
	_ = s.alive.Close()
	s.process = nil
}

// gone waits until the server and all its children have ended, but no longer than
// patience. It reports whether they have ended.
func (s *Server) gone(patience time.Duration) bool {
	_ = s.alive.SetReadDeadline(time.Now().Add(patience))
	_, err := s.alive.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// Remove stops the server and removes its data.
func (s *Server) Remove() {
	s.Stop()
	_ = os.RemoveAll(s.folder)
}

func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := s.launch(log); err != nil {
		return fmt.Errorf("starting %s: %w", s.program, err)
	}
	for deadline := time.Now().Add(startTimeout); ; {
		if err = s.answers(); err == nil {
			return nil
		}
		if s.gone(10*time.Millisecond) || time.Now().After(deadline) {
			s.Kill()
			words, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s does not answer: %w\n%s", s.program, err, words)
		}
	}
}

// launch starts the process. The process and its children hold the other end of
// alive.
func (s *Server) launch(log *os.File) error {
	alive, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	process := unprivileged(s.program, s.args...)
	process.Dir = s.folder
	process.Stdout, process.Stderr = log, log
	process.ExtraFiles = []*os.File{theirs}
	if err := process.Start(); err != nil {
		_ = alive.Close()
		return err
	}
	s.process, s.alive = process, alive
	return nil
}

// The range of ports that freePort chooses from is below those that systems give to
// outgoing connections. One of these could otherwise take the port of a server while the
// server is stopped.
const (
	firstPort = 15000
	lastPort  = 32000
)

// freePort returns a port of 127.0.0.1 that nobody uses.
func freePort() (port string, err error) {
	for range 100 {
		port = strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort))
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return port, l.Close()
		}
	}
	return "", fmt.Errorf("finding a free port: %w", err)
}

// servant returns the user that servers run as when the tests run as root:
// PostgreSQL and PgBouncer refuse to run as root.
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

// giveAway makes the servers' user the owner of a file or folder.
func giveAway(path string) error {
	if uid, gid, needed := servant(); needed {
		return os.Chown(path, uid, gid)
	}
	return nil
}

// writeFor writes a file for a server to read.
func writeFor(path string, contents []byte) error {
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		return err
	}
	return giveAway(path)
}
