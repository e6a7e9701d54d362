package adapter

import "time"

// NewPauseWithClocks is NewPause for tests in which the computer's time and the
// monotonic clock go apart.
func NewPauseWithClocks(p *Pause, wall func() time.Time, monotonic func() time.Duration) *Pause {
	p.clock = clock{wall: wall, monotonic: monotonic}
	return p
}
