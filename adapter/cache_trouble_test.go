package adapter_test

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/adapter"
)

// TestCacheKeepsWhatCanBeAskedAboutAgain lets the server fail. The cache must not return
// the stale answer, but must keep it and revalidate it later.
func TestCacheKeepsWhatCanBeAskedAboutAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		trouble func(*http.Request) (*http.Response, error)
		request []string
		kept    bool
	}{
		"500":                       {status(500), nil, true},
		"501":                       {status(501), nil, true},
		"502":                       {status(502), nil, true},
		"503":                       {status(503, "Cache-Control", "no-store"), nil, true},
		"504":                       {status(504), nil, true},
		"429":                       {status(429, "Retry-After", "20520"), nil, true},
		"408":                       {status(408), nil, true},
		"425":                       {status(425), nil, true},
		"network error":             {fails(io.ErrUnexpectedEOF), nil, true},
		"only-if-cached":            {status(500), []string{"Cache-Control", "only-if-cached"}, true},
		"503 to no-cache":           {status(503), []string{"Cache-Control", "no-cache"}, true},
		"503 to no-store":           {status(503), []string{"Cache-Control", "no-store"}, true},
		"404":                       {status(404), nil, false},
		"410":                       {status(410), nil, false},
		"401":                       {status(401), nil, false},
		"403":                       {status(403), nil, false},
		"301":                       {status(301, "Location", "/elsewhere"), nil, false},
		"204":                       {status(204), nil, false},
		"206":                       {status(206), nil, false},
		"200 that must not be kept": {status(200, "Cache-Control", "no-store"), nil, false},
		"200 not worth keeping":     {status(200), nil, false},
		"200 for Vary: *":           {status(200, "Etag", `"b"`, "Vary", "*"), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				trouble := false
				cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
					if trouble {
						return tc.trouble(req)
					}
					asked = append(asked, req.Header.Get("If-None-Match"))
					if req.Header.Get("If-None-Match") == `"a"` {
						return status(304, "Etag", `"a"`)(req)
					}
					return status(200, "Etag", `"a"`, "Cache-Control", "max-age=60")(req)
				}), nil)
				get(t, cache, apiURL)
				time.Sleep(time.Hour)
				trouble = true
				for range 3 {
					resp, content, err := try(cache, newRequest(t, "GET", apiURL, nil, tc.request...))
					if err == nil && (resp.StatusCode == 200) != strings.HasPrefix(name, "200") {
						t.Errorf("in trouble: %d %q", resp.StatusCode, content)
					}
				}
				trouble = false
				resp, content := get(t, cache, apiURL)
				if kept := asked[len(asked)-1] == `"a"`; kept != tc.kept || resp.StatusCode != 200 || content != "answer 200" {
					t.Errorf("afterwards: asked with %q, got %d %q; kept: %t, want %t", asked, resp.StatusCode, content, kept, tc.kept)
				}
			})
		})
	}
}

// TestCacheStaysFreshInTrouble checks that a failure does not make a kept answer stale.
func TestCacheStaysFreshInTrouble(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=60"}}
	cache := adapter.NewCache(base, nil)
	get(t, cache, apiURL)
	base.status = 503
	get(t, cache, apiURL, "Cache-Control", "no-cache")
	if resp, content := get(t, cache, apiURL); resp.StatusCode != 200 || content != "answer 1" {
		t.Errorf("got %d %q, want the answer that is still fresh", resp.StatusCode, content)
	}
}

// TestCacheKeepsUsersApartByAnyHeader checks this because any header may have a
// credential.
func TestCacheKeepsUsersApartByAnyHeader(t *testing.T) {
	for name, apart := range map[string]bool{
		"X-Api-Key": true, "X-Auth-Token": true, "Client-Token": true, "X-Spotify-User": true, "x-api-key": true,
		"Api-Key": true, "X-Forwarded-User": true, "X-Amz-Security-Token": true, "X-Csrf-Token": true, "Ocp-Apim-Subscription-Key": true,
		"Accept": false, "User-Agent": false, "Traceparent": false, "X-Request-Id": false, "Referer": false, "accept-language": false,
		"X-Own-Trace": false, "X-Other-Trace": false,
	} {
		t.Run(name, func(t *testing.T) {
			base := &api{header: []string{"Cache-Control", "max-age=60", "Etag", `"a"`, "Vary", "Origin"}}
			cache := adapter.NewCache(base, &adapter.CacheOptions{SharedHeaders: []string{"x-own-trace", "X-Other-Trace"}})
			request := func(value string) (*http.Response, string) {
				req := newRequest(t, "GET", apiURL, nil)
				req.Header[name] = []string{value}
				return send(t, cache, req)
			}
			_, first := request("A")
			if _, other := request("B"); (other != first) != apart {
				t.Errorf("the second got %q after %q, want users apart: %t", other, first, apart)
			}
			if resp, again := request("A"); again != first || resp.Header.Get("Cache-Status") != "spotipie; hit" {
				t.Errorf("the first got %q instead of the kept %q", again, first)
			}
			if len(base.requests) > 1 && base.requests[1].Header.Get("If-None-Match") != "" {
				t.Error("the second's request had a condition about the first's answer")
			}
		})
	}
	t.Run("SharedHeaders cannot share Authorization", func(t *testing.T) {
		base := &api{header: []string{"Cache-Control", "max-age=60"}}
		cache := adapter.NewCache(base, &adapter.CacheOptions{SharedHeaders: []string{"Authorization", "cookie"}})
		for _, header := range []string{"Authorization", "Cookie"} {
			_, first := get(t, cache, apiURL, header, "A")
			if _, second := get(t, cache, apiURL, header, "B"); second == first {
				t.Errorf("%s: the second got the first's answer", header)
			}
		}
	})
}

// TestCacheReplaysNoCredentials checks that credentials in an answer are only in the
// answer to the request that they were sent for.
func TestCacheReplaysNoCredentials(t *testing.T) {
	own := []string{
		"Set-Cookie", "session=secret1", "Set-Cookie", "b=secret2", "Set-Cookie2", "c=secret3",
		"Authentication-Info", `nextnonce="secret4"`, "Proxy-Authentication-Info", "secret5", "Clear-Site-Data", `"cookies secret6"`,
	}
	synctest.Test(t, func(t *testing.T) {
		base := &api{header: append([]string{"Cache-Control", "max-age=60", "Etag", `"a"`}, own...)}
		cache := adapter.NewCache(base, nil)
		secrets := func(resp *http.Response) (n int) {
			for _, values := range resp.Header {
				n += strings.Count(strings.Join(values, " "), "secret")
			}
			return n
		}
		first, _ := get(t, cache, apiURL)
		hit, _ := get(t, cache, apiURL)
		time.Sleep(time.Minute)
		base.status = 304
		confirmed, _ := get(t, cache, apiURL) // the 304 has a new cookie
		again, _ := get(t, cache, apiURL)
		time.Sleep(time.Minute)
		base.header = base.header[:4]
		bare, _ := get(t, cache, apiURL)
		for name, tc := range map[string]struct {
			resp *http.Response
			want int
		}{
			"the server's answer": {first, 6}, "a hit": {hit, 0}, "a 304 that sets them": {confirmed, 6}, "a hit after it": {again, 0}, "a 304 that does not": {bare, 0},
		} {
			if got := secrets(tc.resp); got != tc.want {
				t.Errorf("%s: %d of them, want %d: %v", name, got, tc.want, tc.resp.Header)
			}
		}
	})
}

// TestCacheBodyLimitsAtTheEdge checks that no limit shortens an answer.
func TestCacheBodyLimitsAtTheEdge(t *testing.T) {
	const content = `{"id":"album"}`
	for _, body := range []int64{math.MaxInt64, math.MaxInt64 - 1, 1 << 40, int64(len(content)), int64(len(content)) - 1, 1} {
		for _, all := range []int64{math.MaxInt64, 0, 2000, 1} {
			t.Run(strconv.FormatInt(body, 10)+" of "+strconv.FormatInt(all, 10), func(t *testing.T) {
				url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					_, _ = io.WriteString(w, content)
				})
				cache := adapter.NewCache(transport, &adapter.CacheOptions{MaxEntries: math.MaxInt, MaxBytes: all, MaxBodyBytes: body})
				for i := range 2 {
					resp, got := get(t, cache, url)
					if got != content || resp.ContentLength != int64(len(content)) {
						t.Errorf("request %d: %q with length %d", i, got, resp.ContentLength)
					}
					if hit := resp.Header.Get("Cache-Status") != ""; hit != (i == 1 && body >= int64(len(content)) && all != 1) {
						t.Errorf("request %d: from the cache: %t", i, hit)
					}
				}
			})
		}
	}
}

// TestCacheBelievesNoLength uses a server that announces a body larger than the memory.
func TestCacheBelievesNoLength(t *testing.T) {
	cut := errors.New("cut")
	cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "", "Cache-Control", "max-age=60")
		resp.Body = &body{Reader: io.MultiReader(strings.NewReader("little"), failing{cut})}
		resp.ContentLength = math.MaxInt64
		return resp, nil
	}), &adapter.CacheOptions{MaxBytes: math.MaxInt64, MaxBodyBytes: math.MaxInt64})
	_, content, err := try(cache, newRequest(t, "GET", apiURL, nil))
	if content != "little" || !errors.Is(err, cut) {
		t.Errorf("got %q, %v; want what came, and its error", content, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
