package sqlitestore

import (
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// watchLog returns a channel that gets a value when the database's log is
// written to. It is nil if the system has no more watches (see
// fs.inotify.max_user_instances).
func (s *Store) watchLog() (written <-chan struct{}, stop func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, func() {}
	}
	if err := watcher.Add(filepath.Dir(s.path)); err != nil {
		_ = watcher.Close()
		return nil, func() {}
	}
	told := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case event, more := <-watcher.Events:
				if !more {
					return
				}
				if event.Name != s.path+"-wal" {
					continue
				}
				select {
				case told <- struct{}{}:
				default: // a value is waiting already
				}
			case <-watcher.Errors: // events were lost, or the watcher is closed
			}
		}
	}()
	return told, func() {
		_ = watcher.Close()
		<-ended
	}
}
