package adapter

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// entryOverhead is about what an entry takes besides its key and bytes.
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

// entryKey is what the answer to a request with method, but otherwise like
// req, is stored under: a SHA-256 hash over all that must be equal for an
// answer to be given again. It covers the user's credentials, so that no answer
// is found by anyone else, and does not reveal them.
func entryKey(method string, req *http.Request) string {
	var credentials []string
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		if canonical := http.CanonicalHeaderKey(name); isCredential(canonical) {
			for _, value := range req.Header[name] {
				credentials = append(credentials, canonical+": "+value)
			}
		}
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	var preimage []byte
	for _, part := range append([]string{method, host, req.URL.String()}, credentials...) {
		preimage = binary.BigEndian.AppendUint64(preimage, uint64(len(part)))
		preimage = append(preimage, part...)
	}
	sum := sha256.Sum256(preimage)
	return string(sum[:])
}
