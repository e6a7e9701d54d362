package adapter_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spotipie/spotipie/adapter"
)

// isKept reports whether the cache has an answer for url. It does not ask the server.
func isKept(t *testing.T, cache http.RoundTripper, url string) bool {
	t.Helper()
	resp, _ := get(t, cache, url, "Cache-Control", "only-if-cached")
	return resp.StatusCode == 200
}

func TestCacheBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		opts   adapter.CacheOptions
		size   int
		least  int // how many of the latest answers are kept
		most   int
		oldest bool // whether an old one that is still in use is kept
	}{
		"entries":               {adapter.CacheOptions{MaxEntries: 10}, 10, 10, 10, true},
		"bytes":                 {adapter.CacheOptions{MaxBytes: 100_000}, 1000, 50, 80, true},
		"bytes count headers":   {adapter.CacheOptions{MaxBytes: 10_000}, 0, 10, 40, true},
		"one body at most":      {adapter.CacheOptions{MaxBodyBytes: 100}, 101, 0, 0, false},
		"larger than MaxBytes":  {adapter.CacheOptions{MaxBytes: 1000}, 1001, 0, 0, false},
		"defaults, small":       {adapter.CacheOptions{}, 100, 200, 200, true},
		"negative are defaults": {adapter.CacheOptions{MaxEntries: -1, MaxBytes: -1, MaxBodyBytes: -1}, 100, 200, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			base := &api{header: []string{"Cache-Control", "max-age=3600"}, content: strings.Repeat("x", tc.size)}
			cache := adapter.NewCache(base, &tc.opts)
			const n = 200
			url := func(i int) string { return fmt.Sprintf("%s?%d", apiURL, i) }
			for i := range n {
				get(t, cache, url(i))
				get(t, cache, url(0))
			}
			kept := 0
			for i := range n {
				if isKept(t, cache, url(i)) {
					kept++
				}
			}
			if kept < tc.least || kept > tc.most {
				t.Errorf("%d answers kept, want between %d and %d", kept, tc.least, tc.most)
			}
			if isKept(t, cache, url(0)) != tc.oldest || (kept > 1) != isKept(t, cache, url(n-1)) {
				t.Error("not the least recently used answers were dropped")
			}
		})
	}
}

func TestCacheMemoryIsBounded(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	content := strings.Repeat("x", 10_000)
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, content, "Cache-Control", "max-age=3600"), nil
	})
	cache := adapter.NewCache(base, &adapter.CacheOptions{MaxBytes: 1 << 20})
	before := heap()
	for i := range 10_000 { // 100 MB in all, of 10 users
		get(t, cache, fmt.Sprintf("%s?%d", apiURL, i), "Authorization", fmt.Sprintf("Bearer %d", i%10))
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("the heap has grown by %d bytes, want about the 1 MiB allowed", grown)
	}
	runtime.KeepAlive(cache)
}

func TestCacheReplacedAnswersDoNotAddUp(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=3600"}, content: strings.Repeat("x", 1000)}
	cache := adapter.NewCache(base, &adapter.CacheOptions{MaxBytes: 10_000})
	get(t, cache, apiURL+"?other")
	for range 100 {
		get(t, cache, apiURL, "Cache-Control", "no-cache")
	}
	if !isKept(t, cache, apiURL+"?other") {
		t.Error("storing one answer many times has pushed out another")
	}
}

func TestCacheTooLargeAnswersPushNothingOut(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=3600"}}
	cache := adapter.NewCache(base, &adapter.CacheOptions{MaxBytes: 10_000})
	get(t, cache, apiURL)
	base.content = strings.Repeat("x", 10_001)
	get(t, cache, apiURL+"?large")
	if !isKept(t, cache, apiURL) || isKept(t, cache, apiURL+"?large") {
		t.Error("an answer that cannot be kept has pushed out another")
	}
}

// Most bodies have an unknown length, because Go's transport unpacks gzip.
func TestCacheBodyLimit(t *testing.T) {
	const limit = 1000
	for name, tc := range map[string]struct {
		size    int
		chunked bool
		kept    bool
	}{
		"at the limit":            {limit, false, true},
		"over the limit":          {limit + 1, false, false},
		"chunked, at the limit":   {limit, true, true},
		"chunked, over the limit": {limit + 1, true, false},
		"chunked, far over":       {100 * limit, true, false},
		"chunked, empty":          {0, true, true},
		"empty":                   {0, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.Repeat("0123456789", tc.size/10+1)[:tc.size]
			url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "Max-Age=3600")
				if tc.chunked {
					_ = http.NewResponseController(w).Flush()
				}
				_, _ = io.WriteString(w, want)
			})
			cache := adapter.NewCache(transport, &adapter.CacheOptions{MaxBodyBytes: limit})
			for i := range 2 {
				resp, content := get(t, cache, url)
				if content != want || resp.Header.Get("Cache-Control") == "" {
					t.Errorf("request %d got %d bytes and header %v, want the server's answer", i, len(content), resp.Header)
				}
				if i == 1 && tc.kept && resp.ContentLength != int64(tc.size) {
					t.Errorf("the kept answer has the length %d, want %d", resp.ContentLength, tc.size)
				}
				if i == 0 && resp.Header.Get("Cache-Control") != "Max-Age=3600" {
					t.Errorf("the server's header was changed: %v", resp.Header)
				}
				if hit := resp.Header.Get("Cache-Status") != ""; hit != (tc.kept && i == 1) {
					t.Errorf("request %d: from the cache: %v", i, hit)
				}
			}
		})
	}
}

func TestCacheDoesNotHoldWhatItDoesNotKeep(t *testing.T) {
	for name, header := range map[string][]string{
		"no lifetime":      nil,
		"no-store":         {"Cache-Control", "max-age=60, no-store"},
		"request no-store": {"Cache-Control", "max-age=60"},
		"event stream":     {"Cache-Control", "max-age=60", "Content-Type", "text/event-stream"},
		"too large":        {"Cache-Control", "max-age=60", "Content-Length", "1000000000"},
	} {
		t.Run(name, func(t *testing.T) {
			big := &body{Reader: endless{}}
			cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 200, "", header...)
				resp.Body, resp.ContentLength = big, -1
				if name == "too large" {
					resp.ContentLength = 1_000_000_000
				}
				return resp, nil
			}), nil)
			req := newRequest(t, "GET", apiURL, nil)
			if name == "request no-store" {
				req.Header.Set("Cache-Control", "no-store")
			}
			resp, err := cache.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if big.read != 0 || resp.Body != io.ReadCloser(big) {
				t.Errorf("%d bytes were read before the caller did; want the body as it came", big.read)
			}
			if err := resp.Body.Close(); err != nil || !big.closed {
				t.Errorf("close: %v, closed: %v", err, big.closed)
			}
		})
	}
	t.Run("unknown length", func(t *testing.T) {
		big := &body{Reader: endless{}}
		cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 200, "", "Cache-Control", "max-age=60")
			resp.Body, resp.ContentLength = big, -1
			return resp, nil
		}), &adapter.CacheOptions{MaxBodyBytes: 1000})
		resp, err := cache.RoundTrip(newRequest(t, "GET", apiURL, nil))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil || big.read > n+1001 {
			t.Errorf("the caller has read %d bytes (%v), the cache %d", n, err, big.read)
		}
		if err := resp.Body.Close(); err != nil || !big.closed {
			t.Errorf("close: %v, closed: %v", err, big.closed)
		}
	})
}

func TestCacheBodyThatBreaksOff(t *testing.T) {
	broken := errors.New("the connection is gone")
	asked := 0
	cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
		asked++
		resp := answer(req, 200, "", "Cache-Control", "max-age=60")
		resp.Body = &body{Reader: io.MultiReader(strings.NewReader("half of"), iotest.ErrReader(broken))}
		resp.ContentLength = 100
		return resp, nil
	}), nil)
	for i := range 2 {
		_, content, err := try(cache, newRequest(t, "GET", apiURL, nil))
		if content != "half of" || !errors.Is(err, broken) || asked != i+1 {
			t.Errorf("got %q, %v after asking %d times; want what came, its error, and nothing kept", content, err, asked)
		}
	}
}

func TestCacheKeepsWhatTheCallerDoesNotRead(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=60"}}
	cache := adapter.NewCache(base, nil)
	resp, err := cache.RoundTrip(newRequest(t, "GET", apiURL, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if _, content := get(t, cache, apiURL); content != "answer 1" || len(base.requests) != 1 {
		t.Errorf("got %q after asking %d times, want the first answer", content, len(base.requests))
	}
}

func TestCacheTrailersPassThrough(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Trailer", "X-Checksum")
		_, _ = io.WriteString(w, "content")
		w.Header().Set("X-Checksum", "42")
	})
	cache := adapter.NewCache(transport, nil)
	for i := range 2 {
		if resp, content := get(t, cache, url); content != "content" || resp.Trailer.Get("X-Checksum") != "42" {
			t.Errorf("request %d got %q with the trailer %v", i, content, resp.Trailer)
		}
	}
}

func TestCacheBaseWithoutABody(t *testing.T) {
	cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "", "Cache-Control", "max-age=60")
		resp.Body = nil
		return resp, nil
	}), nil)
	for range 2 {
		if _, content := get(t, cache, apiURL); content != "" {
			t.Errorf("got %q", content)
		}
	}
}

func TestCacheConnectionHeadersAreNotKept(t *testing.T) {
	cache := adapter.NewCache(&api{header: []string{
		"Cache-Control", "max-age=60", "Connection", "close, X-Hop", "X-Hop", "1", "Keep-Alive", "timeout=5", "X-End", "1",
	}}, nil)
	get(t, cache, apiURL)
	resp, _ := get(t, cache, apiURL)
	for _, name := range []string{"Connection", "X-Hop", "Keep-Alive"} {
		if resp.Header.Get(name) != "" {
			t.Errorf("the kept answer has %s", name)
		}
	}
	if resp.Header.Get("X-End") != "1" {
		t.Errorf("the kept answer has the header %v, want the rest of it", resp.Header)
	}
}

func TestCachePassesErrorsOn(t *testing.T) {
	gone := errors.New("no network")
	cache := adapter.NewCache(roundTripper(func(*http.Request) (*http.Response, error) { return nil, gone }), nil)
	for _, method := range []string{"GET", "PUT"} {
		if resp, err := cache.RoundTrip(newRequest(t, method, apiURL, nil)); resp != nil || err != gone {
			t.Errorf("%s: got %v, %v; want the base's error", method, resp, err)
		}
	}
}
