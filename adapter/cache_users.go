package adapter

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// users knows which headers distinguish users.
type users struct {
	shared map[string]bool // canonical names of headers that are the same for all users
}

func newUsers(shared []string) users {
	u := users{shared: make(map[string]bool)}
	for _, name := range append(httpHeaders(), shared...) {
		u.shared[http.CanonicalHeaderKey(name)] = true
	}
	return u
}

// httpHeaders are the headers of HTTP, browsers and tracing that do not
// identify users. If Vary names one of them, the library compares it.
func httpHeaders() []string {
	return []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
		"Access-Control-Request-Method", "Baggage", "Cache-Control", "Connection", "Content-Encoding",
		"Content-Language", "Content-Length", "Content-Location", "Content-Md5", "Content-Range", "Content-Type",
		"Date", "Digest", "Dnt", "Expect", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match",
		"If-Range", "If-Unmodified-Since", "Keep-Alive", "Max-Forwards", "Origin", "Pragma", "Prefer", "Priority",
		"Range", "Referer", "Te", "Traceparent", "Tracestate", "Trailer", "Transfer-Encoding", "Upgrade",
		"Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Correlation-Id", "X-Request-Id",
	}
}

// isCredential reports whether a request header identifies users, or may do so.
// Such headers are part of the key of an entry, and the library does not see
// them.
func (u users) isCredential(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return !u.shared[name] || isUsualCredential(name)
}

// isUsualCredential reports whether a header is one of RFC 9110 section 11 or
// RFC 6265.
func isUsualCredential(name string) bool {
	return name == "Authorization" || name == "Proxy-Authorization" || name == "Cookie"
}

// place says where the answer to a request is stored. Its parts are SHA-256
// hashes over everything that must be equal to return an answer again. They
// include the user's credentials, so that nobody else finds the answer, and do
// not reveal them.
type place struct {
	resource string // URL and usual credentials: what a change makes outdated
	user     string // all credentials
}

// key returns the key of a stored answer.
func (p place) key() string { return p.resource + p.user }

func (u users) placeOf(req *http.Request) place {
	var usual, all []string
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		canonical := http.CanonicalHeaderKey(name)
		if !u.isCredential(canonical) {
			continue
		}
		for _, value := range req.Header[name] {
			all = append(all, canonical+": "+value)
			if isUsualCredential(canonical) {
				usual = append(usual, canonical+": "+value)
			}
		}
	}
	target := targetOf(req.URL)
	host := target.Host
	if req.Host != "" {
		host = hostOf(&url.URL{Scheme: target.Scheme, Host: req.Host})
	}
	return place{resource: hash(append([]string{host, target.String()}, usual...)), user: hash(all)}
}

// targetOf returns the URI of a resource in one spelling (RFC 9110 sections
// 4.2.3 and 7.1).
func targetOf(u *url.URL) *url.URL {
	target := *u
	target.Scheme, target.Host = strings.ToLower(u.Scheme), hostOf(u)
	target.Fragment, target.RawFragment = "", ""
	if target.Path == "" && target.Opaque == "" {
		target.Path = "/"
	}
	return &target
}

func hash(parts []string) string {
	var preimage []byte
	for _, part := range parts {
		preimage = binary.BigEndian.AppendUint64(preimage, uint64(len(part)))
		preimage = append(preimage, part...)
	}
	sum := sha256.Sum256(preimage)
	return string(sum[:])
}

// flights are the exchanges under way. An answer that was asked for before a
// change may come after it.
type flights struct {
	mu   sync.Mutex
	open map[*exchange]bool // whether its answer may be from before a change
}

func (f *flights) add(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = make(map[*exchange]bool)
	}
	f.open[x] = false
}

func (f *flights) remove(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, x)
}

// change records that the user has changed what is at p.
func (f *flights) change(p place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for x := range f.open {
		if x.place.resource == p.resource || x.place.user == p.user {
			f.open[x] = true
		}
	}
}

// isChanged reports whether a change came during x. This is not possible if the
// server was not asked.
func (f *flights) isChanged(x *exchange) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return x.resp != nil && f.open[x]
}
