package adapter

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/gohugoio/httpcache"
)

const (
	defaultMaxEntries   = 4096
	defaultMaxBytes     = 32 << 20
	defaultMaxBodyBytes = 1 << 20
)

// CacheOptions are the settings of [NewCache]. Nil and the zero value mean the
// defaults. When MaxEntries or MaxBytes is reached, the answers that have not
// been used for the longest time are dropped, for all users alike.
type CacheOptions struct {
	// MaxEntries is how many answers are kept in all. 0 or less means 4096.
	MaxEntries int

	// MaxBytes is how many bytes the kept answers may take in all: bodies,
	// headers, and a fixed amount for each entry. 0 or less means 32 MiB.
	MaxBytes int64

	// MaxBodyBytes is the size of the largest body that is kept. Larger ones
	// pass through uncached. 0 or less means 1 MiB; more than MaxBytes means
	// MaxBytes.
	MaxBodyBytes int64

	// SharedHeaders are the names of request headers that do not identify
	// users. The cache already knows those of HTTP itself and of tracing, such
	// as Accept and Traceparent.
	SharedHeaders []string
}

// NewCache returns a RoundTripper that sends requests through base
// ([http.DefaultTransport] if nil) and keeps the answers in memory for as long
// as the server allows: a private HTTP cache (RFC 9111).
//
// It keeps answers with status 200 to GET requests that have a lifetime
// (Cache-Control: max-age, or Expires) or can be revalidated (ETag,
// Last-Modified), unless request or answer say no-store, the answer's Vary is
// "*", or it is larger than [CacheOptions] allow. While an answer is fresh it
// is returned again without asking the server. Afterwards the server is asked
// whether it is still good (If-None-Match, If-Modified-Since), and a 304 Not
// Modified becomes the kept answer with status 200. The headers that Vary names
// must be equal in both requests; one answer is kept for each URL and user. The
// request's Cache-Control directives no-cache, no-store, max-age, min-fresh and
// only-if-cached are obeyed. Stale answers are never returned, not even when
// the server cannot be reached.
//
// Answers are never shared between users. The answer to a request with an
// Authorization or Cookie header is returned only to requests with exactly the
// same header. The same is true of every other header that may identify a user,
// such as X-Api-Key; see [CacheOptions.SharedHeaders]. Tokens are not kept: an
// answer is found by a SHA-256 hash. Set-Cookie and Authentication-Info are not
// kept either.
//
// All other requests pass through unchanged: other methods, and requests with a
// body, a Range, or a condition (If-None-Match and the like). One with an
// unsafe method (PUT, POST, DELETE, ...) that succeeds makes the cache forget
// that URL, for all requests with the same Authorization and Cookie, and keep
// no answer that this user asked for before and has not got yet. At Spotify,
// some resources are changed through other URLs than they are read at: send
// Cache-Control: no-cache where that matters.
//
// A kept answer is replaced by a new one, and dropped when the server says that
// it is no longer right (a status below 500, such as 404). If the server fails
// (500 or more, 408, 425, 429) or cannot be reached, the answer stays, and the
// server is asked again later.
//
// An answer that will be kept is read to its end before RoundTrip returns it;
// others are streamed. An answer from the cache has an Age header in seconds,
// and Cache-Status (RFC 9211) with the value "spotipie; hit", or "spotipie;
// fwd=stale; fwd-status=304" if the server was asked whether it is still good.
// Its Date, Expires and Cache-Control may differ from the server's in wording,
// but not in effect.
func NewCache(base http.RoundTripper, opts *CacheOptions) http.RoundTripper {
	if opts == nil {
		opts = &CacheOptions{}
	}
	maxBytes := positiveOr(opts.MaxBytes, defaultMaxBytes)
	t := &cacheTransport{
		base:    orDefaultTransport(base),
		entries: newStore(positiveOr(opts.MaxEntries, defaultMaxEntries), maxBytes),
		users:   newUsers(opts.SharedHeaders),
	}
	t.lookup = &httpcache.Transport{
		Transport: &origin{
			base:         t.base,
			maxBodyBytes: min(positiveOr(opts.MaxBodyBytes, defaultMaxBodyBytes), maxBytes),
		},
		Cache:               libraryStore{t.entries},
		MarkCachedResponses: true,
		CacheKey:            func(view *http.Request) string { return exchangeOf(view).place.key() },
		ShouldCache: func(view *http.Request, resp *http.Response, _ string) bool {
			return exchangeOf(view).isStorable(resp)
		},
	}
	return t
}

type cacheTransport struct {
	base    http.RoundTripper
	lookup  *httpcache.Transport
	entries *store
	users   users
	flights flights
}

// RoundTrip implements [http.RoundTripper].
func (t *cacheTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !isCacheable(req) {
		return t.passThrough(req)
	}
	x := &exchange{req: req, place: t.users.placeOf(req)}
	t.flights.add(x)
	defer t.flights.remove(x)
	resp, err := t.lookup.RoundTrip(viewOf(x, t.users))
	if err != nil {
		return nil, err
	}
	if x.isOutdated(resp) {
		t.entries.Delete(x.place.key())
	}
	// The library goes on using resp, so the caller gets a copy.
	out := *resp
	out.Request = req
	if resp == x.resp {
		out.Header = x.header
		if !x.storable {
			return &out, nil
		}
	} else {
		discard(x.resp)
		out.Header = headerFromCache(resp.Header, x.header, time.Now())
	}
	// The library stores a body when it has been read to its end. Do that now,
	// whether or not the caller is going to.
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("spotipie/adapter: read a cached answer: %w", err)
	}
	if t.flights.isChanged(x) { // what was just stored may be from before the change
		t.entries.Delete(x.place.key())
	}
	out.Body = io.NopCloser(bytes.NewReader(body))
	return &out, nil
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *cacheTransport) CloseIdleConnections() { closeIdleConnections(t.base) }

// passThrough sends req without looking into the cache, and forgets the answer
// that a change by req makes outdated (RFC 9111 section 4.4).
func (t *cacheTransport) passThrough(req *http.Request) (*http.Response, error) {
	resp, err := roundTrip(t.base, req)
	if err == nil && req.URL != nil && !isSafe(req.Method) && resp.StatusCode >= 200 && resp.StatusCode < 400 {
		place := t.users.placeOf(req)
		t.flights.change(place)
		t.entries.deleteWithPrefix(place.resource)
	}
	return resp, err
}

// isCacheable reports whether the cache may answer req, or keep the answer to
// it.
func isCacheable(req *http.Request) bool {
	if req.Method != http.MethodGet && req.Method != "" {
		return false
	}
	if req.URL == nil || (req.Body != nil && req.Body != http.NoBody) {
		return false
	}
	for name := range req.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Range", "If-Range", "If-Match", "If-None-Match",
			"If-Modified-Since", "If-Unmodified-Since", "Upgrade":
			return false
		}
	}
	return true
}

// isSafe reports whether a method is safe (RFC 9110 section 9.2.1).
func isSafe(method string) bool {
	return slices.Contains([]string{
		"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
	}, method)
}
