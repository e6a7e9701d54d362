package adapter_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/spotipie/spotipie/adapter"
)

func TestCacheIsNeverShared(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600, s-maxage=3600")
		w.Header().Set("Vary", "Authorization, Cookie")
		w.Header().Set("Etag", `"the same for everybody"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprintf(w, "for %q %q", r.Header["Authorization"], r.Header["Cookie"])
	})
	cache := adapter.NewCache(transport, nil)
	users := [][]string{
		nil,
		{"Authorization", "Bearer A"},
		{"Authorization", "Bearer B"},
		{"Authorization", "bearer A"},
		{"Authorization", "Bearer A "},
		{"Authorization", ""},
		{"Authorization", "Bearer A", "Authorization", "Bearer B"},
		{"Authorization", "Bearer B", "Authorization", "Bearer A"},
		{"Authorization", "Bearer A", "Cookie", "user=a"},
		{"Authorization", "Bearer A", "Cookie", "user=b"},
		{"Cookie", "user=a"},
		{"Cookie", "Bearer A"},
	}
	for i := range users {
		for _, user := range [][]string{users[i], users[len(users)-1-i]} {
			want := answer(nil, 200, "", user...).Header
			for name, values := range want {
				for j := range values {
					values[j] = strings.TrimSpace(values[j]) // as the server gets it
				}
				want[name] = values
			}
			_, content := get(t, cache, url, user...)
			if expected := fmt.Sprintf("for %q %q", want["Authorization"], want["Cookie"]); content != expected {
				t.Errorf("%q got the answer %s, want %s", user, content, expected)
			}
		}
	}
	for _, user := range users {
		if user == nil || len(user) != 2 {
			continue
		}
		if resp, _ := get(t, cache, url, user...); resp.Header.Get("Cache-Status") != "spotipie; hit" {
			t.Errorf("%q did not get an own answer from the cache", user)
		}
	}
}

// A header map may have names that are not in canonical form. They are still sent.
func TestCacheSeesCredentialsUnderAnyName(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=60"}}
	cache := adapter.NewCache(base, nil)
	for i, name := range []string{"authorization", "AUTHORIZATION", "cookie", "proxy-authorization"} {
		for _, value := range []string{"Bearer A", "Bearer B"} {
			req := newRequest(t, "GET", fmt.Sprintf("%s?%d", apiURL, i), nil)
			req.Header[name] = []string{value}
			before := len(base.requests)
			if send(t, cache, req); len(base.requests) != before+1 {
				t.Errorf("%s: %s got an answer from the cache", name, value)
			}
		}
	}
}

func TestCacheKeepsHostsApart(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=60"}}
	cache := adapter.NewCache(base, nil)
	for i, host := range []string{"", "a.example", "b.example"} {
		req := newRequest(t, "GET", apiURL, nil)
		if host != "" {
			req.Host = host
		}
		if _, content := send(t, cache, req); content != fmt.Sprintf("answer %d", i+1) {
			t.Errorf("host %q got %q", host, content)
		}
	}
}

// Even if a server's Vary names every request header, no token appears in what callers
// see of the cache.
func TestCacheRevealsNoCredentials(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=60", "Vary", "Authorization, Cookie, Proxy-Authorization"}}
	cache := adapter.NewCache(base, nil)
	for range 3 {
		resp, _ := get(t, cache, apiURL, "Authorization", "Bearer secret", "Cookie", "secret", "Proxy-Authorization", "secret")
		if got := fmt.Sprint(resp.Header); strings.Contains(got, "secret") {
			t.Errorf("the answer reveals it: %s", got)
		}
	}
	if len(base.requests) != 1 {
		t.Errorf("the server was asked %d times, want once", len(base.requests))
	}
}

func TestCacheLeavesTheRequestAlone(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=0", "Etag", `"a"`}}
	cache := adapter.NewCache(base, nil)
	header := []string{"Authorization", "Bearer A", "Cookie", "a", "Accept", "x", "Accept", "y", "Cache-Control", "max-age=5, max-stale"}
	for range 2 {
		req := newRequest(t, "GET", apiURL, nil, header...)
		before, beforeHeader := *req, req.Header.Clone()
		resp, _ := send(t, cache, req)
		if !reflect.DeepEqual(req.Header, beforeHeader) || req.URL != before.URL || req.Context() != before.Context() {
			t.Errorf("the caller's request was changed: %+v", req)
		}
		if resp.Request != req {
			t.Errorf("the answer belongs to the request %+v, want the caller's", resp.Request)
		}
	}
	sent := base.requests[1].Header
	if sent.Get("If-None-Match") != `"a"` {
		t.Errorf("the second request has the header %v, want a condition", sent)
	}
	sent.Del("If-None-Match")
	if want := answer(nil, 200, "", header...).Header; !reflect.DeepEqual(sent, want) {
		t.Errorf("the server saw the header %v, want the caller's, %v", sent, want)
	}
}

func TestCacheAnswersAreTheCallersToChange(t *testing.T) {
	cache := adapter.NewCache(&api{header: []string{"Cache-Control", "max-age=60", "X-Kept", "yes"}}, nil)
	for i := range 3 {
		resp, err := cache.RoundTrip(newRequest(t, "GET", apiURL, nil))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("X-Kept") != "yes" {
			t.Errorf("request %d got the header as another caller left it: %v", i, resp.Header)
		}
		resp.Header.Set("X-Kept", "no")
		resp.Header["X-Kept"][0] = "no"
		content, err := io.ReadAll(resp.Body)
		if err != nil || string(content) != "answer 1" {
			t.Errorf("request %d got %q, %v", i, content, err)
		}
		clear(content)
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCacheConcurrentUsers(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	})
	cache := adapter.NewCache(transport, &adapter.CacheOptions{MaxEntries: 8})
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			user := fmt.Sprintf("Bearer %d", i%10)
			for range 50 {
				req := newRequest(t, "GET", url, nil, "Authorization", user)
				if _, content, err := try(cache, req); err != nil || content != user {
					t.Errorf("%s got %q, %v", user, content, err)
				}
			}
		})
	}
	group.Wait()
}

// Whatever a server says, no user gets another user's answer, and a fresh answer is the
// one that was returned before.
func FuzzCacheAnswerHeader(f *testing.F) {
	f.Add("max-age=60", "Accept", "Sat, 01 Jan 2000 00:00:00 GMT", "0", "5", `"a"`)
	f.Add("public, s-maxage=1, immutable", "Authorization", "", "Sat, 01 Jan 2000 00:00:00 GMT", "-1", "W/")
	f.Add("max-age=1h, \x00, =, no-cache=\"", "*, ,", "now", "never", "99999999999", "\r\nX: y")
	f.Fuzz(func(t *testing.T, control, vary, date, expires, age, etag string) {
		base := &api{header: []string{
			"Cache-Control", control, "Vary", vary, "Date", date, "Expires", expires, "Age", age, "Etag", etag,
		}}
		cache := adapter.NewCache(base, nil)
		for i, user := range []string{"Bearer A", "Bearer B", ""} {
			req := newRequest(t, "GET", apiURL, nil)
			if user != "" {
				req.Header.Set("Authorization", user)
			}
			_, first := send(t, cache, req)
			if first == "answer 1" && i > 0 {
				t.Fatalf("%q got the first user's answer", user)
			}
			resp, second := send(t, cache, req)
			if hit := resp.Header.Get("Cache-Status") == "spotipie; hit"; hit != (second == first) {
				t.Fatalf("%q got %q and then %q, from the cache: %v", user, first, second, hit)
			}
		}
	})
}
