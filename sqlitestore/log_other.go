//go:build !linux

package sqlitestore

// watchLog returns nil: watchers poll.
func (s *Store) watchLog() (written <-chan struct{}, stop func()) { return nil, func() {} }
