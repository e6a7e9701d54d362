package filestore_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// TestWatchersTakeNoTime prints how much of a core ten thousand watchers use while
// one record is saved ten times a second, for SPOTIPIE_TEST_SECONDS seconds (1 by
// default). First the system tells them of changes, then each looks at its file.
func TestWatchersTakeNoTime(t *testing.T) {
	during := time.Duration(testservices.Count(t, "SPOTIPIE_TEST_SECONDS", 1)) * time.Second
	share := func(opts *filestore.Options) float64 {
		dir := newDir(t)
		s, other := open(t, dir, opts), open(t, dir, opts)
		other.SetSync(func(*os.File) error { return nil })
		for i := range 10_000 {
			if _, err := s.Watch(t.Context(), spotipie.Key{Profile: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		before, start := cpuTime(t), time.Now()
		version := uint64(0)
		for renew := time.NewTicker(time.Second / 10); time.Since(start) < during; <-renew.C {
			version = storecheck.Swap(t, other, version, "one")
		}
		return (cpuTime(t) - before).Seconds() / time.Since(start).Seconds()
	}
	told := share(nil)
	looking := share(&filestore.Options{PollInterval: 250 * time.Millisecond})
	t.Logf("10,000 watchers: %.2f %% of a core, and %.0f %% if they look for themselves", 100*told, 100*looking)
	if told > looking/5 {
		t.Errorf("the watchers take %.2f of a core, and %.2f if they look for themselves", told, looking)
	}
}

// cpuTime returns how much processor time the process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
