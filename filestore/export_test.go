package filestore

import (
	"os"
	"time"
)

// SetSync puts f in the place of fsync: no file system at hand fails on demand.
func (s *Store) SetSync(f func(*os.File) error) { s.sync = f }

// SetTidied sets when old deletions were last looked for.
func (s *Store) SetTidied(at time.Time) { s.tidied.Store(at.Unix()) }
