package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spotipie/spotipie"
)

// Watch implements [spotipie.Watcher] by looking at the file's name, size and
// time every so often ([Options].PollInterval): that works on every system and
// file system, and costs one system call. It does not fail.
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	changes := make(chan struct{}, 1)
	path := s.Path(key)
	seen, _ := os.Stat(path)
	go func() {
		defer close(changes)
		for sleep(ctx, s.pollInterval) == nil {
			now, err := os.Stat(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) || sameFile(seen, now) {
				continue
			}
			seen = now
			select {
			case changes <- struct{}{}:
			default: // told already, and has not looked
			}
		}
	}()
	return changes, nil
}

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
