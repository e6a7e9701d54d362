package accounts

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// shelfSize is how many values of one kind (codes, access tokens, ...) the
// service keeps, to limit its memory. If there are more, it forgets expired
// ones first.
const shelfSize = 20_000

// evictionTries limits the work of finding an expired value to forget.
const evictionTries = 64

// shelf keeps values by a secret key. It stores only the key's SHA-256, so a
// memory dump shows no token, and the time of a lookup says nothing about one.
// It is not safe for concurrent use; Service.mu guards it.
type shelf[V any] struct {
	entries map[[sha256.Size]byte]*list.Element
	order   list.List
	dead    func(V) bool
}

type shelfEntry[V any] struct {
	key   [sha256.Size]byte
	value V
}

func newShelf[V any](dead func(V) bool) *shelf[V] {
	return &shelf[V]{entries: make(map[[sha256.Size]byte]*list.Element), dead: dead}
}

func (s *shelf[V]) put(secret string, value V) {
	key := sha256.Sum256([]byte(secret))
	s.entries[key] = s.order.PushBack(shelfEntry[V]{key: key, value: value})
	if s.order.Len() > shelfSize {
		s.evict()
	}
}

func (s *shelf[V]) get(secret string) (V, bool) {
	if element, ok := s.entries[sha256.Sum256([]byte(secret))]; ok {
		return element.Value.(shelfEntry[V]).value, true
	}
	var none V
	return none, false
}

// take is get, but removes the value.
func (s *shelf[V]) take(secret string) (V, bool) {
	value, ok := s.get(secret)
	if ok {
		s.remove(s.entries[sha256.Sum256([]byte(secret))])
	}
	return value, ok
}

func (s *shelf[V]) each(f func(V)) {
	for e := s.order.Front(); e != nil; e = e.Next() {
		f(e.Value.(shelfEntry[V]).value)
	}
}

func (s *shelf[V]) evict() {
	for range evictionTries {
		front := s.order.Front()
		if s.dead(front.Value.(shelfEntry[V]).value) {
			s.remove(front)
			return
		}
		s.order.MoveToBack(front)
	}
	s.remove(s.order.Front())
}

func (s *shelf[V]) remove(element *list.Element) {
	delete(s.entries, element.Value.(shelfEntry[V]).key)
	s.order.Remove(element)
}

// The prefixes of Spotify's opaque strings, as seen.
const (
	accessTokenPrefix  = "BQ"
	codePrefix         = "AQ"
	refreshTokenPrefix = "AQ"
)

func randomToken(prefix string) string {
	b := make([]byte, 96)
	rand.Read(b)
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}
