package sqlitestore

import (
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// maxSightings is how many are kept. What is forgotten is seen anew.
const maxSightings = 10_000

// sightings are when locks were first seen as they still are, by the clock that
// nobody can set.
type sightings struct {
	mu   sync.Mutex
	seen map[spotipie.Key]sighting
}

type sighting struct {
	owner string
	beat  int64
	since time.Time
}

// of returns for how long the owner of a lock has not given a sign of life,
// as far as this process has seen. Waiters that come and go see the same.
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
