package pgstore

import "time"

// SetSilence sets how often the pools are looked at.
func (s *Store) SetSilence(d time.Duration) { s.silence = d }
