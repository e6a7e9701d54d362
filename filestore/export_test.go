package filestore

import (
	"os"
	"time"
)

// SetSync replaces fsync with f, because no file system fails on demand.
func (s *Store) SetSync(f func(*os.File) error) { s.sync = f }

// SetTidied sets the time at which the store last looked for old deletions.
func (s *Store) SetTidied(at time.Time) { s.tidied.Store(at.Unix()) }
