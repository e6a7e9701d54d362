package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spotipie/spotipie"
)

// Watch implements [spotipie.Watcher]. On Linux and Windows the system tells of
// changes, to all watchers of a store at once. Elsewhere, if the system has no
// more to give (on Linux see fs.inotify.max_user_instances), or with
// [Options].PollInterval, each watcher looks at its file every so often. It does
// not fail.
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	if s.pollInterval == 0 {
		changes, err := s.hub.Watch(ctx, baseName(key))
		if err == nil {
			return changes, nil
		}
	}
	return s.poll(ctx, s.Path(key)), nil
}

// poll looks at a file's name, size and time every so often: that works on every
// system and file system, and costs one system call.
func (s *Store) poll(ctx context.Context, path string) <-chan struct{} {
	interval := s.pollInterval
	if interval == 0 {
		interval = defaultPollInterval
	}
	changes := make(chan struct{}, 1)
	seen, _ := os.Stat(path)
	go func() {
		defer close(changes)
		for sleep(ctx, interval) == nil {
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
	return changes
}

// notifyOf passes on that a file of the folder has changed, if it is a record's.
func notifyOf(path string, notify func(base string)) {
	if base, ours := baseOfRecord(filepath.Base(path)); ours {
		notify(base)
	}
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
