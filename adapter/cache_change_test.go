package adapter_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spotipie/spotipie/adapter"
)

// TestCacheForgetsWhatWasUnderWayDuringAChange checks that the cache does not keep an
// answer that was requested before a change and comes after it.
func TestCacheForgetsWhatWasUnderWayDuringAChange(t *testing.T) {
	asked := 0
	var cache http.RoundTripper
	cache = adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodPut {
			return status(204)(req)
		}
		if asked++; asked == 1 { // meanwhile the same user changes it
			send(t, cache, newRequest(t, http.MethodPut, apiURL, nil))
		}
		return status(200, "Cache-Control", "max-age=3600")(req)
	}), nil)
	for range 2 {
		send(t, cache, newRequest(t, http.MethodGet, apiURL, nil))
	}
	if asked != 2 {
		t.Errorf("the server was asked %d times, want 2: the first answer is from before the change", asked)
	}
	send(t, cache, newRequest(t, http.MethodGet, apiURL, nil))
	if asked != 2 {
		t.Error("the second answer was not kept")
	}
}

// TestCacheChangesOfOthersAreNoConcern makes a change while a user waits for an answer.
// The cache must keep the answer if another user makes the change.
func TestCacheChangesOfOthersAreNoConcern(t *testing.T) {
	for name, tc := range map[string]struct {
		url, header, value string // of the change
		kept               bool
	}{
		"the same user, the same URL":            {apiURL, "Authorization", "Bearer A", false},
		"the same user, another URL":             {apiURL + "/tracks?ids=1", "Authorization", "Bearer A", false},
		"another user, the same URL":             {apiURL, "Authorization", "Bearer B", true},
		"another user, another URL":              {apiURL + "/tracks", "Authorization", "Bearer B", true},
		"another user by a cookie":               {apiURL, "Cookie", "user=b", true},
		"nobody":                                 {apiURL, "Accept", "text/plain", true},
		"the same user, with a header of no one": {apiURL, "Idempotency-Key", "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			var cache http.RoundTripper
			cache = adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodPut {
					return status(204)(req)
				}
				if asked++; asked == 1 {
					change := newRequest(t, http.MethodPut, tc.url, nil, tc.header, tc.value)
					if tc.header == "Idempotency-Key" {
						change.Header.Set("Authorization", "Bearer A")
					}
					send(t, cache, change)
				}
				return status(200, "Cache-Control", "max-age=3600")(req)
			}), nil)
			for range 2 {
				get(t, cache, apiURL, "Authorization", "Bearer A")
			}
			if kept := asked == 1; kept != tc.kept {
				t.Errorf("asked %d times; kept: %t, want %t", asked, kept, tc.kept)
			}
		})
	}
}

// TestCacheOneUserWritesAllTheTime checks that the answers of other users stay fresh.
func TestCacheOneUserWritesAllTheTime(t *testing.T) {
	var asked atomic.Int32
	cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodPut {
			return status(204)(req)
		}
		asked.Add(1)
		return status(200, "Cache-Control", "max-age=3600")(req)
	}), nil)
	stop := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _, _ = try(cache, newRequest(t, "PUT", apiURL, nil, "Authorization", "Bearer writer"))
			}
		}
	})
	for i := range 4 {
		readers.Go(func() {
			for range 200 {
				get(t, cache, apiURL, "Authorization", fmt.Sprintf("Bearer %d", i))
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
	if asked.Load() != 4 {
		t.Errorf("the server was asked %d times for 4 users", asked.Load())
	}
}

// TestCacheChangeForgetsAllVariants checks that a change makes the cache forget the URL
// for all headers that Vary may name.
func TestCacheChangeForgetsAllVariants(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=3600"}}
	cache := adapter.NewCache(base, nil)
	for _, key := range []string{"1", "2"} {
		get(t, cache, apiURL, "Authorization", "Bearer A", "X-Api-Key", key)
	}
	get(t, cache, apiURL, "Authorization", "Bearer B")
	send(t, cache, newRequest(t, "PUT", apiURL, nil, "Authorization", "Bearer A", "X-Change", "7"))
	for _, key := range []string{"1", "2"} {
		if resp, _ := get(t, cache, apiURL, "Authorization", "Bearer A", "X-Api-Key", key); resp.Header.Get("Cache-Status") != "" {
			t.Errorf("key %s: from the cache after the change", key)
		}
	}
	if resp, _ := get(t, cache, apiURL, "Authorization", "Bearer B"); resp.Header.Get("Cache-Status") != "spotipie; hit" {
		t.Error("another user's answer is gone")
	}
}

// TestCacheKnowsOneResourceByItsNames uses URLs of the same resource (RFC 9110 section
// 4.2.3): a change at one of them must not leave the answers of the others.
func TestCacheKnowsOneResourceByItsNames(t *testing.T) {
	for _, other := range []string{"https://api.test/v1/me#top", "https://API.test/v1/me", "https://api.test:443/v1/me"} {
		base := &api{header: []string{"Cache-Control", "max-age=60"}}
		cache := adapter.NewCache(base, nil)
		get(t, cache, other)
		if _, content := get(t, cache, "https://api.test/v1/me"); content != "answer 1" {
			t.Errorf("%s: the other got %q, want it from the cache", other, content)
		}
		send(t, cache, newRequest(t, "PUT", "https://api.test/v1/me", nil))
		if _, content := get(t, cache, other); content != "answer 3" {
			t.Errorf("%s: got %q after a change, want it from the server", other, content)
		}
	}
}
