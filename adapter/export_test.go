package adapter

import "time"

// NewPauseWithClocks is NewPause for tests in which the wall clock and the monotonic
// clock differ.
func NewPauseWithClocks(p *Pause, wall func() time.Time, monotonic func() time.Duration) *Pause {
	p.clock = clock{wall: wall, monotonic: monotonic}
	return p
}
