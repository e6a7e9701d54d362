package adapter_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/adapter"
)

// api is a base that answers every request with the same status and header. The body
// has the number of the request.
type api struct {
	mu       sync.Mutex
	status   int
	header   []string
	content  string // comes after the number
	requests []*http.Request
	bodies   []*body
}

func (a *api) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, req)
	resp := answer(req, max(a.status, 200), fmt.Sprintf("answer %d%s", len(a.requests), a.content), a.header...)
	a.bodies = append(a.bodies, resp.Body.(*body))
	return resp, nil
}

func TestCacheWhatIsKept(t *testing.T) {
	const lastModified = "Fri, 31 Dec 1999 00:00:00 GMT"
	for name, tc := range map[string]struct {
		status  int
		header  []string
		request []string
		fresh   bool // answered from the cache a second later
	}{
		"max-age":                     {200, []string{"Cache-Control", "private, max-age=60"}, nil, true},
		"upper case":                  {200, []string{"Cache-Control", "Private, MAX-AGE=60"}, nil, true},
		"Expires":                     {200, []string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, nil, true},
		"max-age over Expires":        {200, []string{"Cache-Control", "max-age=60", "Expires", "0"}, nil, true},
		"no lifetime":                 {200, nil, nil, false},
		"validator but no lifetime":   {200, []string{"Etag", `"a"`, "Last-Modified", lastModified}, nil, false},
		"max-age=0":                   {200, []string{"Cache-Control", "max-age=0", "Etag", `"a"`}, nil, false},
		"negative max-age":            {200, []string{"Cache-Control", "max-age=-1"}, nil, false},
		"max-age overflows":           {200, []string{"Cache-Control", "max-age=99999999999999999999"}, nil, false},
		"max-age is no number":        {200, []string{"Cache-Control", "max-age=soon"}, nil, false},
		"Expires is no date":          {200, []string{"Expires", "0"}, nil, false},
		"no-store":                    {200, []string{"Cache-Control", "max-age=60, no-store"}, nil, false},
		"no-store in upper case":      {200, []string{"Cache-Control", "max-age=60, No-Store"}, nil, false},
		"no-store after a tab":        {200, []string{"Cache-Control", "max-age=60,\tno-store"}, nil, false},
		"no-store on a second line":   {200, []string{"Cache-Control", "max-age=60", "Cache-Control", "no-store"}, nil, false},
		"no-cache":                    {200, []string{"Cache-Control", "max-age=60, no-cache"}, nil, false},
		"no-cache for a field":        {200, []string{"Cache-Control", `max-age=60, no-cache="Set-Cookie"`}, nil, false},
		"Vary *":                      {200, []string{"Cache-Control", "max-age=60", "Vary", "*"}, nil, false},
		"Vary * in a list":            {200, []string{"Cache-Control", "max-age=60", "Vary", "Accept, *"}, nil, false},
		"Age has used it up":          {200, []string{"Cache-Control", "max-age=60", "Age", "60"}, nil, false},
		"Age overflows":               {200, []string{"Cache-Control", "max-age=60", "Age", "99999999999"}, nil, false},
		"Age is negative":             {200, []string{"Cache-Control", "max-age=60", "Age", "-99"}, nil, true},
		"Date has used it up":         {200, []string{"Cache-Control", "max-age=60", "Date", "Fri, 31 Dec 1999 23:59:00 GMT"}, nil, false},
		"Date is no date":             {200, []string{"Cache-Control", "max-age=60", "Date", "today"}, nil, true},
		"event stream":                {200, []string{"Cache-Control", "max-age=60", "Content-Type", "text/event-stream; charset=utf-8"}, nil, false},
		"request no-store":            {200, []string{"Cache-Control", "max-age=60"}, []string{"Cache-Control", "no-store"}, false},
		"request no-cache":            {200, []string{"Cache-Control", "max-age=60"}, []string{"Cache-Control", "No-Cache"}, false},
		"request max-age":             {200, []string{"Cache-Control", "max-age=60"}, []string{"Cache-Control", "max-age=0"}, false},
		"request max-age is no more":  {200, []string{"Cache-Control", "max-age=0"}, []string{"Cache-Control", "max-age=3600"}, false},
		"request min-fresh":           {200, []string{"Cache-Control", "max-age=60"}, []string{"Cache-Control", "min-fresh=90"}, false},
		"request max-stale":           {200, []string{"Cache-Control", "max-age=0, must-revalidate"}, []string{"Cache-Control", "max-stale"}, false},
		"request Range":               {200, []string{"Cache-Control", "max-age=60"}, []string{"Range", "bytes=0-1"}, false},
		"request If-None-Match":       {200, []string{"Cache-Control", "max-age=60"}, []string{"If-None-Match", `"a"`}, false},
		"request If-Modified-Since":   {200, []string{"Cache-Control", "max-age=60"}, []string{"If-Modified-Since", lastModified}, false},
		"status 206":                  {206, []string{"Cache-Control", "max-age=60"}, nil, false},
		"status 301":                  {301, []string{"Cache-Control", "max-age=60"}, nil, false},
		"status 401":                  {401, []string{"Cache-Control", "max-age=60"}, nil, false},
		"status 404":                  {404, []string{"Cache-Control", "max-age=60"}, nil, false},
		"status 429":                  {429, []string{"Cache-Control", "max-age=60"}, nil, false},
		"status 500":                  {500, []string{"Cache-Control", "max-age=60"}, nil, false},
		"server's own library header": {200, []string{"Cache-Control", "max-age=60", "Vary", "Accept", "X-Varied-Accept", "x"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00:00 UTC
				base := &api{status: tc.status, header: tc.header}
				cache := adapter.NewCache(base, nil)
				first, content := get(t, cache, apiURL, tc.request...)
				if first.StatusCode != tc.status || content != "answer 1" || first.Header.Get("Cache-Status") != "" {
					t.Fatalf("the first answer is %v with %q", first, content)
				}
				if want := answer(nil, 200, "", tc.header...).Header; !reflect.DeepEqual(first.Header, want) {
					t.Errorf("the first answer has the header %v, want the server's, %v", first.Header, want)
				}
				time.Sleep(time.Second)
				second, content := get(t, cache, apiURL, tc.request...)
				want := map[bool]string{true: "answer 1", false: "answer 2"}[tc.fresh]
				if content != want || (second.Header.Get("Cache-Status") == "spotipie; hit") != tc.fresh {
					t.Errorf("the second answer is %q with Cache-Status %q, want %q", content, second.Header.Get("Cache-Status"), want)
				}
				for i, b := range base.bodies {
					if !b.closed {
						t.Errorf("the body of answer %d was not closed", i+1)
					}
				}
			})
		})
	}
}

func TestCacheLifetime(t *testing.T) {
	for name, tc := range map[string]struct {
		header []string
		life   time.Duration
	}{
		"max-age":                    {[]string{"Cache-Control", "max-age=60"}, 60 * time.Second},
		"the first of two max-ages":  {[]string{"Cache-Control", "max-age=60, private, max-age=3600"}, 60 * time.Second},
		"the first max-age of lines": {[]string{"Cache-Control", "max-age=60", "Cache-Control", "max-age=3600"}, 60 * time.Second},
		"max-age less Age":           {[]string{"Cache-Control", "max-age=60", "Age", "20"}, 40 * time.Second},
		"the first of two Ages":      {[]string{"Cache-Control", "max-age=60", "Age", "20, 50"}, 40 * time.Second},
		"server's clock behind":      {[]string{"Cache-Control", "max-age=60", "Date", "Fri, 31 Dec 1999 23:59:30 GMT"}, 30 * time.Second},
		"server's clock ahead":       {[]string{"Cache-Control", "max-age=60", "Date", "Sat, 01 Jan 2000 09:00:00 GMT"}, 60 * time.Second},
		"Expires":                    {[]string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, 60 * time.Second},
		"Expires less Age":           {[]string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT", "Age", "20"}, 40 * time.Second},
		"Expires of a clock ahead":   {[]string{"Expires", "Sat, 01 Jan 2000 09:01:00 GMT", "Date", "Sat, 01 Jan 2000 09:00:00 GMT"}, 60 * time.Second},
		"date in an obsolete layout": {[]string{"Cache-Control", "max-age=60", "Date", "Sat Jan  1 00:00:00 2000"}, 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := adapter.NewCache(&api{header: tc.header}, nil)
				get(t, cache, apiURL)
				time.Sleep(tc.life - time.Second)
				resp, content := get(t, cache, apiURL)
				if content != "answer 1" || resp.Header.Get("Age") == "" {
					t.Errorf("a second before its end: %q with Age %q, want it from the cache", content, resp.Header.Get("Age"))
				}
				time.Sleep(time.Second)
				if _, content := get(t, cache, apiURL); content != "answer 2" {
					t.Errorf("at its end: %q, want it from the server", content)
				}
			})
		})
	}
}

// TestCacheCountsTheTimeOfTheRequest uses a server that takes 20 seconds. The answer may
// have been made at the beginning of that time (RFC 9111 section 4.2.3).
func TestCacheCountsTheTimeOfTheRequest(t *testing.T) {
	for name, header := range map[string][]string{
		"without a date":        {"Cache-Control", "max-age=60"},
		"server's clock ahead":  {"Cache-Control", "max-age=60", "Date", "Sat, 01 Jan 2000 09:00:00 GMT"},
		"through another cache": {"Cache-Control", "max-age=70", "Age", "10"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &api{header: header}
				cache := adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
					time.Sleep(20 * time.Second)
					return base.RoundTrip(req)
				}), nil)
				get(t, cache, apiURL)
				time.Sleep(39 * time.Second)
				if _, content := get(t, cache, apiURL); content != "answer 1" {
					t.Errorf("a second before its end: %q, want it from the cache", content)
				}
				time.Sleep(time.Second)
				if _, content := get(t, cache, apiURL); content != "answer 2" {
					t.Errorf("at its end: %q, want it from the server", content)
				}
			})
		})
	}
}

func TestCacheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := adapter.NewCache(&api{header: []string{"Cache-Control", "max-age=60", "Age", "5"}}, nil)
		get(t, cache, apiURL)
		time.Sleep(10 * time.Second)
		if resp, _ := get(t, cache, apiURL); resp.Header.Get("Age") != "15" {
			t.Errorf("Age is %q, want 15", resp.Header.Get("Age"))
		}
	})
}

func TestCacheRevalidates(t *testing.T) {
	const modified = "Fri, 31 Dec 1999 00:00:00 GMT"
	for name, validator := range map[string][2]string{
		"ETag":          {"Etag", `W/"v1"`},
		"Last-Modified": {"Last-Modified", modified},
	} {
		t.Run(name, func(t *testing.T) {
			version := "v1"
			var conditions []string
			url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
				condition := r.Header.Get("If-None-Match") + r.Header.Get("If-Modified-Since")
				conditions = append(conditions, condition)
				w.Header().Set("Cache-Control", "private, max-age=0")
				w.Header().Set(validator[0], validator[1])
				w.Header().Set("X-Times", fmt.Sprint(len(conditions)))
				if condition == validator[1] && version == "v1" {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				w.Header().Set("Content-Type", "text/plain")
				_, _ = io.WriteString(w, "content of "+version)
			})
			cache := adapter.NewCache(transport, nil)
			get(t, cache, url)
			resp, content := get(t, cache, url)
			if resp.StatusCode != 200 || content != "content of v1" || resp.ContentLength != int64(len(content)) {
				t.Errorf("after a 304: got %d %q, want the kept answer with 200", resp.StatusCode, content)
			}
			if h := resp.Header; h.Get("Content-Type") != "text/plain" || h.Get("X-Times") != "2" ||
				h.Get("Cache-Status") != "spotipie; fwd=stale; fwd-status=304" {
				t.Errorf("after a 304: header %v, want the kept one updated by the new", h)
			}
			version = "v2"
			if resp, content := get(t, cache, url); content != "content of v2" || resp.Header.Get("Cache-Status") != "" {
				t.Errorf("after a change: got %q from %q, want the server's new answer", content, resp.Header.Get("Cache-Status"))
			}
			if want := []string{"", validator[1], validator[1]}; !reflect.DeepEqual(conditions, want) {
				t.Errorf("the server was asked with the conditions %q, want %q", conditions, want)
			}
		})
	}
}

func TestCacheRevalidatedAnswerIsFreshAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &api{header: []string{"Etag", `"a"`, "Cache-Control", "max-age=60", "Content-Type", "application/json"}}
		cache := adapter.NewCache(base, nil)
		get(t, cache, apiURL)
		time.Sleep(time.Minute)
		// Like those of careless servers, the 304 describes a content that it does not have.
		base.status, base.header[5] = 304, "text/html"
		base.header = append(base.header, "Content-Length", "0")
		for i, want := range []string{"spotipie; fwd=stale; fwd-status=304", "spotipie; hit"} {
			resp, content := get(t, cache, apiURL)
			if content != "answer 1" || resp.Header.Get("Cache-Status") != want {
				t.Errorf("request %d: got %q with %q, want the kept answer with %q", i, content, resp.Header.Get("Cache-Status"), want)
			}
			if h := resp.Header; h.Get("Content-Type") != "application/json" || h.Get("Content-Length") != "8" {
				t.Errorf("request %d: header %v describes another content", i, h)
			}
		}
		if !base.bodies[1].closed {
			t.Error("the body of the 304 was not closed")
		}
	})
}

func TestCacheForgetsWhatARevalidationForbids(t *testing.T) {
	for name, header := range map[string][]string{
		"no-store": {"Cache-Control", "max-age=60, no-store"},
		"Vary *":   {"Cache-Control", "max-age=60", "Vary", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &api{header: []string{"Cache-Control", "max-age=1", "Etag", `"a"`}}
				cache := adapter.NewCache(base, nil)
				get(t, cache, apiURL)
				time.Sleep(time.Second)
				base.status, base.header = 304, header
				if _, content := get(t, cache, apiURL); content != "answer 1" {
					t.Errorf("got %q, want the answer that was confirmed", content)
				}
				base.status = 200
				resp, _ := get(t, cache, apiURL)
				last := base.requests[len(base.requests)-1]
				if resp.Header.Get("Cache-Status") != "" || last.Header.Get("If-None-Match") != "" {
					t.Errorf("the answer was kept: asked with %v, got %v", last.Header, resp.Header)
				}
			})
		})
	}
}

func TestCacheVary(t *testing.T) {
	base := &api{header: []string{"Cache-Control", "max-age=60", "Vary", "Accept-Encoding", "Vary", "accept-language"}}
	cache := adapter.NewCache(base, nil)
	for i, tc := range []struct {
		request []string
		want    string
	}{
		{[]string{"Accept-Language", "de"}, "answer 1"},
		{[]string{"Accept-Language", "de", "Accept", "application/json"}, "answer 1"},
		{[]string{"Accept-Language", "en"}, "answer 2"},
		{[]string{"Accept-Language", "en"}, "answer 2"},
		{nil, "answer 3"},
		{nil, "answer 3"},
		{[]string{"Accept-Language", "en", "Accept-Language", "de"}, "answer 4"},
		{[]string{"Accept-Language", "en"}, "answer 5"},
		{[]string{"Accept-Language", "de"}, "answer 6"},
	} {
		resp, content := get(t, cache, apiURL, tc.request...)
		if content != tc.want {
			t.Errorf("request %d, %q: got %q, want %q", i, tc.request, content, tc.want)
		}
		for name := range resp.Header {
			if strings.HasPrefix(name, "X-") {
				t.Errorf("request %d, %q: a header of the library shows: %s", i, tc.request, name)
			}
		}
	}
}

func TestCacheVaryIsNoWayToAnotherVariant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &api{header: []string{"Cache-Control", "max-age=60, stale-if-error=600", "Vary", "Accept-Language", "Etag", `"a"`}}
		cache := adapter.NewCache(base, nil)
		get(t, cache, apiURL, "Accept-Language", "de")
		base.status = 500
		if resp, content := get(t, cache, apiURL, "Accept-Language", "en"); resp.StatusCode != 500 || content != "answer 2" {
			t.Errorf("got %d %q, want the server's error, not the German answer", resp.StatusCode, content)
		}
		base.status = 200
		get(t, cache, apiURL, "Accept-Language", "de")
		base.status = 304
		if resp, err := cache.RoundTrip(newRequest(t, "GET", apiURL, nil, "Accept-Language", "en")); err == nil {
			t.Errorf("got %v for a 304 that nobody has asked for, want an error", resp)
		}
		if n := len(base.bodies); !base.bodies[n-1].closed {
			t.Error("the body of the 304 was not closed")
		}
	})
}

func TestCacheGivesNothingStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &api{header: []string{"Cache-Control", "max-age=1, stale-if-error=600, stale-while-revalidate=600"}}
		cache := adapter.NewCache(base, nil)
		get(t, cache, apiURL)
		time.Sleep(2 * time.Second)
		base.status = 503
		resp, content := get(t, cache, apiURL, "Cache-Control", "stale-if-error=600")
		if resp.StatusCode != 503 || content != "answer 2" {
			t.Errorf("got %d %q, want the server's error", resp.StatusCode, content)
		}
	})
}

func TestCacheOnlyIfCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &api{header: []string{"Cache-Control", "max-age=60"}}
		cache := adapter.NewCache(base, nil)
		for _, tc := range []struct {
			name   string
			status int
		}{{"nothing kept", 504}, {"fresh", 200}, {"stale", 504}} {
			resp, content := get(t, cache, apiURL, "Cache-Control", "only-if-cached")
			if resp.StatusCode != tc.status || (tc.status == 504) != (content == "") {
				t.Errorf("%s: got %d %q, want %d", tc.name, resp.StatusCode, content, tc.status)
			}
			if tc.name == "nothing kept" {
				get(t, cache, apiURL)
			} else {
				time.Sleep(time.Minute)
			}
		}
		if len(base.requests) != 1 {
			t.Errorf("the server was asked %d times, want once", len(base.requests))
		}
	})
}

func TestCacheOtherMethodsPassThrough(t *testing.T) {
	for _, method := range []string{"HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "FROB"} {
		t.Run(method, func(t *testing.T) {
			base := &api{header: []string{"Cache-Control", "max-age=60"}}
			cache := adapter.NewCache(base, nil)
			for i := range 2 {
				req := newRequest(t, method, apiURL, nil)
				send(t, cache, req)
				if len(base.requests) != i+1 || base.requests[i] != req {
					t.Errorf("the server saw %v, want the request itself each time", base.requests)
				}
			}
		})
	}
	t.Run("GET with a body", func(t *testing.T) {
		base := &api{header: []string{"Cache-Control", "max-age=60"}}
		cache := adapter.NewCache(base, nil)
		for range 2 {
			send(t, cache, newRequest(t, "GET", apiURL, strings.NewReader("content")))
		}
		if len(base.requests) != 2 {
			t.Errorf("the server was asked %d times, want twice", len(base.requests))
		}
	})
}

func TestCacheForgetsWhatChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		method  string
		status  int
		auth    string
		forgets bool
	}{
		"PUT":                   {"PUT", 204, "Bearer A", true},
		"POST":                  {"POST", 201, "Bearer A", true},
		"DELETE":                {"DELETE", 200, "Bearer A", true},
		"POST that redirects":   {"POST", 303, "Bearer A", true},
		"PUT that fails":        {"PUT", 403, "Bearer A", false},
		"PUT of another user":   {"PUT", 204, "Bearer B", false},
		"HEAD":                  {"HEAD", 200, "Bearer A", false},
		"OPTIONS":               {"OPTIONS", 200, "Bearer A", false},
		"a method nobody knows": {"FROB", 200, "Bearer A", true},
	} {
		t.Run(name, func(t *testing.T) {
			base := &api{header: []string{"Cache-Control", "max-age=60"}}
			cache := adapter.NewCache(base, nil)
			get(t, cache, apiURL, "Authorization", "Bearer A")
			base.status = tc.status
			send(t, cache, newRequest(t, tc.method, apiURL, nil, "Authorization", tc.auth))
			base.status = 200
			want := map[bool]string{true: "answer 3", false: "answer 1"}[tc.forgets]
			if _, content := get(t, cache, apiURL, "Authorization", "Bearer A"); content != want {
				t.Errorf("got %q, want %q", content, want)
			}
		})
	}
}
