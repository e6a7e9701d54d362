//go:build linux || windows

package filestore

import (
	"context"
	"fmt"

	"github.com/fsnotify/fsnotify"
)

// listen passes on the system's notices of changes in the folder. It ends when
// ctx ends, the folder is removed or renamed, or the system has lost notices.
func (s *Store) listen(ctx context.Context, ready func(), notify func(base string)) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Add(s.dir); err != nil {
		return err
	}
	ready()
	for {
		select {
		case event, more := <-watcher.Events:
			if !more || event.Name == s.dir && event.Has(fsnotify.Remove|fsnotify.Rename) {
				return fmt.Errorf("filestore: %s no longer exists", s.dir)
			}
			s.notifyOf(event.Name, notify)
		case err := <-watcher.Errors:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
