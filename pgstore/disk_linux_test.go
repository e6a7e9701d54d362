package pgstore_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// onSmallDisk runs a test in a child whose server has a small disk.
func onSmallDisk(t *testing.T, test func(server *testservices.Server, disk string)) {
	t.Helper()
	disk, isChild := child.Argument()
	if !isChild {
		disk, err := os.MkdirTemp("", "spotipie-test-") // the server's user cannot access t.TempDir
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(disk) })
		child.RunWithMounts(t, disk)
		return
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "mode=0777,size=96m"); err != nil {
		t.Fatalf("mounting: %v", err)
	}
	t.Setenv("TMPDIR", disk)
	test(testservices.StartPostgres(t), disk)
}

// fill uses all free space of a disk until empty is called.
func fill(t *testing.T, disk string) (empty func()) {
	t.Helper()
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 128<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return func() { _ = os.Remove(ballast) }
}

// large returns a record that needs many pages, even if it is compressed.
func large(t *testing.T, access string) spotipie.Record {
	t.Helper()
	noise := make([]byte, 200<<10)
	_, _ = rand.Read(noise)
	rec := storecheck.Record(t, access)
	rec.Rejected = hex.EncodeToString(noise)
	return rec
}

// With a full disk nothing is lost or overwritten. When there is room again everything
// works.
func TestFullDisk(t *testing.T) {
	onSmallDisk(t, func(server *testservices.Server, disk string) {
		opts := fresh(0)
		store := open(t, connect(t, testservices.PostgresDSN(server.Address)), opts)
		version := storecheck.Swap(t, store, 0, "one")
		grace := spotipie.Key{ClientID: "client", Profile: "grace"}
		empty := fill(t, disk)

		_, err := store.Swap(t.Context(), storecheck.Key(), version, large(t, "two"))
		expectRefusal(t, "Swap", err, "53100", opts.Table)
		_, err = store.Swap(t.Context(), grace, 0, large(t, "new"))
		expectRefusal(t, "Swap of a new record", err, "53100", opts.Table)
		storecheck.Expect(t, store, "one", version)
		if _, found, err := store.Load(t.Context(), grace); err != nil || found {
			t.Errorf("Load of what was not saved: %t, %v", found, err)
		}

		empty()
		version, err = store.Swap(t.Context(), storecheck.Key(), version, large(t, "two"))
		if err != nil {
			t.Fatalf("Swap when there is room again: %v", err)
		}
		storecheck.Expect(t, store, "two", version)
	})
}

// The server ends when there is no room for its log. Sessions use their tokens, and save
// what Spotify has issued meanwhile when the server runs again.
func TestServerThatEndsOnAFullDisk(t *testing.T) {
	onSmallDisk(t, func(server *testservices.Server, disk string) {
		pool := connect(t, testservices.PostgresDSN(server.Address))
		empty := func() {}
		outageFleet(t, server.Address, connect(t, testservices.PostgresDSN(server.Address))).TestOutage(t, outage(func() {
			empty = fill(t, disk)
			for range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, err := pool.Exec(ctx, `SELECT pg_logical_emit_message(false, '', repeat('x', 1 << 20))`)
				cancel()
				if err != nil {
					return
				}
			}
			t.Error("the server goes on without room for its log")
		}, func() {
			empty()
			server.Kill()
			server.Start(t)
		}))
	})
}
