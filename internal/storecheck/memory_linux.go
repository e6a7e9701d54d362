package storecheck

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// Memory returns how much memory the process uses, in KiB.
func Memory(t testing.TB) (kib int) {
	t.Helper()
	debug.FreeOSMemory()
	return status(t, "VmRSS:")
}

// ResetPeak makes PeakMemory count from now on.
func ResetPeak(t testing.TB) {
	t.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// PeakMemory returns the most memory that the process has used, in KiB.
func PeakMemory(t testing.TB) (kib int) {
	t.Helper()
	return status(t, "VmHWM:")
}

// status returns a number from /proc/self/status.
func status(t testing.TB, name string) (number int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name)
	if _, err := fmt.Sscan(rest, &number); err != nil {
		t.Fatal(err)
	}
	return number
}
