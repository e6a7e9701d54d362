package filestore

import "os"

// SetSync puts f in the place of fsync: no file system at hand fails on demand.
func (s *Store) SetSync(f func(*os.File) error) { s.sync = f }
