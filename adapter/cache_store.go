package adapter

import (
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// entryOverhead is about how much memory an entry takes besides its key and
// bytes.
const entryOverhead = 256

// store keeps answers, as bytes, within bounds; least recently used ones go
// first. It is the library's cache interface.
type store struct {
	maxBytes int64

	mu    sync.Mutex
	lru   *simplelru.LRU[string, []byte]
	bytes int64 // the cost of all entries
}

func newStore(maxEntries int, maxBytes int64) *store {
	s := &store{maxBytes: maxBytes}
	lru, err := simplelru.NewLRU(maxEntries, func(key string, answer []byte) { s.bytes -= cost(key, answer) })
	if err != nil {
		panic("spotipie/adapter: " + err.Error()) // only if maxEntries is not positive
	}
	s.lru = lru
	return s
}

func cost(key string, answer []byte) int64 {
	return int64(len(key)) + int64(cap(answer)) + entryOverhead
}

// Get returns the answer stored under key.
func (s *store) Get(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lru.Get(key)
}

// Set stores an answer under key, and drops others to make room.
func (s *store) Set(key string, answer []byte) {
	answer = slices.Clone(answer) // without the library's spare capacity
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Remove(key)
	if cost(key, answer) > s.maxBytes {
		return
	}
	s.lru.Add(key, answer)
	s.bytes += cost(key, answer)
	for s.bytes > s.maxBytes {
		s.lru.RemoveOldest()
	}
}

// Delete drops what is stored under key.
func (s *store) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Remove(key)
}

// deleteWithPrefix drops all that is stored under keys with the given beginning.
func (s *store) deleteWithPrefix(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.lru.Keys() {
		if strings.HasPrefix(key, prefix) {
			s.lru.Remove(key)
		}
	}
}

// libraryStore is a store for the library. The library deletes a stored answer
// whenever it gets another one, even an error. So Delete does nothing:
// cacheTransport decides what is outdated.
type libraryStore struct{ *store }

// Delete does nothing.
func (libraryStore) Delete(string) {}
