package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/notices"
)

// Watch implements [spotipie.Watcher]. On Linux and Windows the system reports
// changes, to all watchers of a store at once. On other systems, if the system
// has no more watches (on Linux see fs.inotify.max_user_instances), or with
// [Options].PollInterval, each watcher looks at its file at an interval. It
// never fails.
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	if s.pollInterval == 0 {
		changes, err := s.hub.Watch(ctx, baseName(key))
		if err == nil {
			return changes, nil
		}
	}
	return s.poll(ctx, s.Path(key)), nil
}

// poll looks at a file's name, size and time at an interval. This works on
// every system and file system, and costs one system call.
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
			default: // a value is waiting already
			}
		}
	}()
	return changes
}

// notifyOf passes on that a file of the folder has changed, if it is a record's.
func (s *Store) notifyOf(path string, notify func(base string)) {
	base, ours := baseOfRecord(filepath.Base(path))
	if !ours {
		return
	}
	notify(base)
	if s.hub.WantsChanges() {
		s.hub.Changed(s.changeOf(base))
	}
}

// WatchChanges implements [spotipie.ChangeWatcher]. The file of a deletion does
// not say whose it is, so a deletion is reported as the zero Change. Where
// Watch looks at its file at an interval, WatchChanges looks at all files, and
// waits between looks so that they take no more than a tenth of the time. It
// never fails.
func (s *Store) WatchChanges(ctx context.Context) (<-chan spotipie.Change, error) {
	if s.pollInterval == 0 {
		changes, err := s.hub.WatchAll(ctx)
		if err == nil {
			return changes, nil
		}
	}
	return s.pollAll(ctx), nil
}

// changeOf returns the change that a record's file shows.
func (s *Store) changeOf(base string) spotipie.Change {
	path := filepath.Join(s.dir, base+recordSuffix)
	data, err := readFile(path, s.allowExposed)
	if err != nil { // it was removed, or cannot be used
		return spotipie.Change{}
	}
	e, err := decodeEnvelope(path, data)
	if err != nil || e.Deleted != "" || baseName(e.Key.key()) != base {
		return spotipie.Change{}
	}
	return spotipie.Change{Key: e.Key.key(), Version: e.Version}
}

// pollAll looks at the names, sizes and times of all files at an interval.
func (s *Store) pollAll(ctx context.Context) <-chan spotipie.Change {
	interval := s.pollInterval
	if interval == 0 {
		interval = defaultPollInterval
	}
	queue := notices.NewQueue()
	seen, _ := s.stat(ctx)
	go func() {
		defer queue.Close()
		for took := time.Duration(0); sleep(ctx, max(interval, 10*took)) == nil; {
			started := time.Now()
			now, err := s.stat(ctx)
			took = time.Since(started)
			if err != nil { // the folder is missing
				continue
			}
			for base, info := range now {
				if !sameFile(seen[base], info) {
					queue.Put(s.changeOf(base))
				}
				delete(seen, base)
			}
			if len(seen) > 0 { // their files were removed
				queue.Put(spotipie.Change{})
			}
			seen = now
		}
	}()
	return queue.Changes()
}

// stat returns the system's information about the files of all records, by base
// name.
func (s *Store) stat(ctx context.Context) (map[string]fs.FileInfo, error) {
	found := make(map[string]fs.FileInfo)
	err := s.each(ctx, func(path string) error {
		if info, err := os.Stat(path); err == nil {
			base, _ := baseOfRecord(filepath.Base(path))
			found[base] = info
		}
		return nil
	})
	return found, err
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
