package spotipie

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"weak"
)

// pooled is a user's session and when it was last used.
type pooled struct {
	AuthorizationCodeSession
	used atomic.Int64 // when it was last asked for, since the pool was made
	next *pooled      // another user with the same hash
}

// touch notes that somebody asks for the session.
func (r *pooled) touch(now int64) {
	if now != r.used.Load() {
		r.used.Store(now)
	}
}

// isBusy reports whether the session has unsaved changes.
func (r *pooled) isBusy() bool { return r.state.Load().isUnsaved() }

// poolShard is a part of a pool with its own lock. It holds its residents. It has only
// weak pointers to evicted sessions, so it finds them while a caller still holds them.
type poolShard struct {
	seed maphash.Seed
	most int // how many are resident at most

	mu        sync.RWMutex
	residents map[uint64]*pooled // by the hash of the user
	count     int
	evicted   map[string]weak.Pointer[pooled]
	tidyAt    int // when evicted has this many entries, tidy removes the collected ones
	loading   map[*pooled]*flight
	// unknown are users whom the store does not know, and the time before which the
	// store is not asked again.
	unknown map[string]int64
}

const (
	maxShards = 64
	// sampled is how many sessions evictOldest compares to find one that was not
	// used for a long time.
	sampled = 8
	// always is later than any session was used.
	always = math.MaxInt64
	// sampledIdle is how many sessions it compares to find an idle one while there
	// is room.
	sampledIdle = 2
	minTidy     = 64
	// maxUnknown is how many unknown users a shard remembers. If there are more, it
	// forgets all of them.
	maxUnknown = 1024
)

func newPoolShards(most int) []poolShard {
	n := 1
	for n < maxShards && most/n > 1024 {
		n *= 2
	}
	shards := make([]poolShard, n)
	seed := maphash.MakeSeed()
	for i := range shards {
		shards[i] = poolShard{
			seed: seed, most: max(most/n, 1), tidyAt: minTidy,
			residents: make(map[uint64]*pooled), evicted: make(map[string]weak.Pointer[pooled]),
		}
	}
	return shards
}

func (p *Pool) shardOf(user string) (*poolShard, uint64) {
	hash := maphash.String(p.shards[0].seed, user)
	return &p.shards[hash%uint64(len(p.shards))], hash
}

// noteUnknown notes that the store does not know a user. The lock is held.
func (s *poolShard) noteUnknown(user string, until int64) {
	if s.unknown == nil || len(s.unknown) == maxUnknown {
		s.unknown = make(map[string]int64)
	}
	s.unknown[user] = until
}

// find returns the session of a user if the pool holds it, or nil.
func (s *poolShard) find(hash uint64, user string) *pooled {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.resident(hash, user)
}

// findAlive is find, but also finds an evicted session that a caller still holds.
func (s *poolShard) findAlive(hash uint64, user string) *pooled {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.resident(hash, user); r != nil {
		return r
	}
	return s.evicted[user].Value()
}

// resident is find with the lock held.
func (s *poolShard) resident(hash uint64, user string) *pooled {
	r := s.residents[hash]
	for r != nil && r.profile != user {
		r = r.next
	}
	return r
}

// add makes a session resident. It evicts others if there are too many, or if it
// comes across one that was last used before idle, and returns how many. The
// lock is held.
func (s *poolShard) add(hash uint64, r *pooled, idle int64) (evicted int) {
	delete(s.evicted, r.profile)
	if s.count < s.most && s.evictOldest(sampledIdle, idle) {
		evicted++
	}
	for range 2 { // twice, because sessions that had to stay may have made the shard too large
		if s.count >= s.most && s.evictOldest(sampled, always) {
			evicted++
		}
	}
	r.next = s.residents[hash]
	s.residents[hash] = r
	s.count++
	return evicted
}

// evictOldest compares a few sessions, and evicts the one that was not used for the
// longest time if it was last used earlier than before. It reports whether it has
// evicted one. The lock is held.
func (s *poolShard) evictOldest(few int, before int64) bool {
	oldest, oldestHash := (*pooled)(nil), uint64(0)
	looked := 0
	for h, other := range s.residents { // in random order
		if !other.isBusy() && (oldest == nil || other.used.Load() < oldest.used.Load()) {
			oldest, oldestHash = other, h
		}
		if looked++; looked == few {
			break
		}
	}
	if oldest == nil || oldest.used.Load() >= before {
		return false
	}
	s.evict(oldestHash, oldest)
	return true
}

// evict keeps only a weak pointer to a session. The lock is held.
func (s *poolShard) evict(hash uint64, r *pooled) {
	s.remove(hash, r)
	s.evicted[r.profile] = weak.Make(r)
	if len(s.evicted) >= s.tidyAt {
		s.tidy()
	}
}

func (s *poolShard) remove(hash uint64, r *pooled) {
	at := s.residents[hash]
	if at == r {
		if r.next == nil {
			delete(s.residents, hash)
		} else {
			s.residents[hash] = r.next
		}
	}
	for ; at != nil; at = at.next {
		if at.next == r {
			at.next = r.next
		}
	}
	r.next = nil
	s.count--
}

// tidy forgets the evicted sessions that the garbage collector has taken. The lock is
// held.
func (s *poolShard) tidy() {
	for user, held := range s.evicted {
		if held.Value() == nil {
			delete(s.evicted, user)
		}
	}
	s.tidyAt = max(2*len(s.evicted), minTidy)
}

// evictIdle evicts the sessions that were last used earlier than before, and then
// sessions above the limit. It returns how many it has evicted.
func (s *poolShard) evictIdle(before int64) (evicted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, r := range s.residents {
		for ; r != nil; r = r.next {
			if r.used.Load() < before && !r.isBusy() {
				s.evict(hash, r)
				evicted++
				break // evict has changed the chain; the next round does the rest
			}
		}
	}
	for s.count > s.most && s.evictOldest(sampled, always) {
		evicted++
	}
	s.tidy()
	return evicted
}

func (s *poolShard) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.count
}

// all returns the residents and the evicted sessions that are still in use.
func (s *poolShard) all() []*pooled {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.copyResidents()
	for _, held := range s.evicted {
		if r := held.Value(); r != nil {
			all = append(all, r)
		}
	}
	return all
}

// copyResidents returns all residents. At least the read lock is held.
func (s *poolShard) copyResidents() []*pooled {
	all := make([]*pooled, 0, s.count)
	for _, r := range s.residents {
		for ; r != nil; r = r.next {
			all = append(all, r)
		}
	}
	return all
}

func (s *poolShard) copyAllResidents() []*pooled {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.copyResidents()
}
