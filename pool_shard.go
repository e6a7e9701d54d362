package spotipie

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"weak"
)

// pooled is a user's session in a pool.
type pooled struct {
	AuthorizationCodeSession
	used atomic.Int64 // when it was last asked for, since the pool was made
	next *pooled      // another user with the same hash
}

// touch notes that the session is asked for.
func (r *pooled) touch(now int64) {
	if now != r.used.Load() {
		r.used.Store(now)
	}
}

// isBusy reports whether the session has something that is not saved yet.
func (r *pooled) isBusy() bool { return r.state.Load().isUnsaved() }

// poolShard is a part of a pool with a lock of its own. Its residents are held.
// Of those that were evicted it knows for as long as somebody else holds them:
// the garbage collector takes the others.
type poolShard struct {
	seed maphash.Seed
	most int // how many are resident at most

	mu        sync.RWMutex
	residents map[uint64]*pooled // by the hash of the user
	count     int
	evicted   map[string]weak.Pointer[pooled]
	tidyAt    int // the number of evicted at which those that are gone are forgotten
	loading   map[*pooled]*flight
	// unknown are users whom the store does not know: until when it is not asked
	// again.
	unknown map[string]int64
}

const (
	maxShards = 64
	// sampled is how many sessions are looked at for the one that was not used
	// for the longest time.
	sampled = 8
	// always is later than any session was used.
	always = math.MaxInt64
	// sampledIdle is how many are looked at for one that is idle, while there is
	// room.
	sampledIdle = 2
	minTidy     = 64
	// maxUnknown is how many users a shard remembers as unknown: all are
	// forgotten when there are more.
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

// find returns the resident session of a user, or nil.
func (s *poolShard) find(hash uint64, user string) *pooled {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.resident(hash, user)
}

// findAlive is find, and also finds a session that was evicted and is not gone.
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
	for range 2 { // the second, as what had to stay may have made it grow
		if s.count >= s.most && s.evictOldest(sampled, always) {
			evicted++
		}
	}
	r.next = s.residents[hash]
	s.residents[hash] = r
	s.count++
	return evicted
}

// evictOldest evicts the one of a few that was not used for the longest time, if
// there is one that was not used since before. The lock is held.
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

// evict lets go of a session. The lock is held.
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

// tidy forgets the evicted sessions that are gone. The lock is held.
func (s *poolShard) tidy() {
	for user, held := range s.evicted {
		if held.Value() == nil {
			delete(s.evicted, user)
		}
	}
	s.tidyAt = max(2*len(s.evicted), minTidy)
}

// evictIdle evicts what was last used before a moment, and what is more than
// there may be, and returns how many.
func (s *poolShard) evictIdle(before int64) (evicted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, r := range s.residents {
		for ; r != nil; r = r.next {
			if r.used.Load() < before && !r.isBusy() {
				s.evict(hash, r)
				evicted++
				break // the rest of the chain is for the next time
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

// all returns the sessions that are resident, and those that were evicted and
// are still in use.
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

// copyResidents is called with the lock held, for reading at least.
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
