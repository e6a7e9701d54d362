package filestore

import (
	"testing"

	"github.com/gofrs/flock"

	"github.com/spotipie/spotipie"
)

// Checksum returns the checksum that a file has for an unencrypted record.
func Checksum(key spotipie.Key, version uint64, record []byte) string {
	return checksum(key, version, record)
}

// StillThere locks a file, calls change, and reports whether the lock is still held.
func StillThere(t *testing.T, path string, change func()) bool {
	t.Helper()
	file := flock.New(path)
	if locked, err := file.TryLock(); err != nil || !locked {
		t.Fatalf("TryLock: %t, %v", locked, err)
	}
	defer func() { _ = unlockFile(file) }()
	change()
	return stillThere(file)
}
