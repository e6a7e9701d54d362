package testservices

import (
	_ "embed" // clock.c
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

//go:embed testdata/clock.c
var clockSource []byte

// Clock is a clock for servers. Tests can set it.
type Clock struct{ object, offset string }

// NewClock returns a clock with the right time. It needs a C compiler.
func NewClock(t testing.TB) *Clock {
	t.Helper()
	compiler := Program(t, "gcc", "gcc")
	folder, err := os.MkdirTemp("", "spotipie-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	c := &Clock{object: filepath.Join(folder, "clock.so"), offset: filepath.Join(folder, "offset")}
	source := filepath.Join(folder, "clock.c")
	if err := os.WriteFile(source, clockSource, 0o600); err != nil {
		t.Fatal(err)
	}
	if words, err := exec.Command(compiler, "-shared", "-fPIC", "-O2", "-o", c.object, source).CombinedOutput(); err != nil {
		t.Fatalf("compiling: %v\n%s", err, words)
	}
	if err := writeFor(c.offset, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, c.object} {
		if err := giveAway(path); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Set changes the clock so that it is off by that much from the right time.
func (c *Clock) Set(t testing.TB, off time.Duration) {
	t.Helper()
	file, err := os.OpenFile(c.offset, os.O_WRONLY, 0) // not another file: the servers have mapped this one
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(binary.NativeEndian.AppendUint64(nil, uint64(int64(off/time.Second)))); err != nil {
		t.Fatal(err)
	}
}

// StartRedisWithClock is StartRedis with a clock that can be set.
func StartRedisWithClock(t testing.TB, c *Clock) *Server {
	t.Helper()
	s, err := newRedis(c.launcher(t))
	return forTest(t, s, err)
}

// StartPostgresWithClock is StartPostgres with a clock that can be set.
func StartPostgresWithClock(t testing.TB, c *Clock) *Server {
	t.Helper()
	s, err := newPostgres(c.launcher(t))
	return forTest(t, s, err)
}

func (c *Clock) launcher(t testing.TB) []string {
	t.Helper()
	return []string{Program(t, "env", "coreutils"), "LD_PRELOAD=" + c.object, "CLOCK_OFFSET_FILE=" + c.offset}
}
