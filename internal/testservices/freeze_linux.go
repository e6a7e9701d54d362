package testservices

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Freeze stops the server and its children with SIGSTOP: connections stay open and
// nothing answers, as with a host that hangs. They continue after Thaw, and when the
// test ends.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.signalAll(t, syscall.SIGSTOP)
	t.Cleanup(func() { s.Thaw(t) })
}

// Thaw lets a frozen server continue.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	s.signalAll(t, syscall.SIGCONT)
}

func (s *Server) signalAll(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if s.process == nil {
		return
	}
	pid := s.process.Process.Pid
	for _, one := range append([]int{pid}, children(t, pid)...) {
		if err := syscall.Kill(one, signal); err != nil && err != syscall.ESRCH {
			t.Error(fmt.Errorf("%s to a server: %w", signal, err))
		}
	}
}

func children(t testing.TB, parent int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(data), ") ") // after the name: the state, then the parent
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
