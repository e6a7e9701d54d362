package sqlitestore

import (
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// maxSightings is how many sightings are kept. For those that are dropped, the
// time starts again.
const maxSightings = 10_000

// sightings records when the current state of each lock was first seen, by the
// monotonic clock.
type sightings struct {
	mu   sync.Mutex
	seen map[spotipie.Key]sighting
}

type sighting struct {
	owner string
	beat  int64
	since time.Time
}

// of returns for how long this process has seen no sign of life from the owner
// of a lock. All its waiters share this.
func (s *sightings) of(key spotipie.Key, now lockRow) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.seen[key]
	if known && before.owner == now.owner && before.beat == now.beat {
		return time.Since(before.since)
	}
	if s.seen == nil || len(s.seen) >= maxSightings {
		s.seen = make(map[spotipie.Key]sighting)
	}
	s.seen[key] = sighting{owner: now.owner, beat: now.beat, since: time.Now()}
	return 0
}
