package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// TestCallbackFlood checks that callbacks without a login make no token request.
// Those of one login make one, or five while Spotify fails.
func TestCallbackFlood(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	b := a.browser("ada")
	for i := range 500 {
		state := fmt.Sprintf("%043d", i)
		if p := b.get("/auth/callback?code=AQ"+state+"&state="+state, otherSite); !strings.Contains(p.header.Get("Location"), "problem=stray") {
			t.Fatal(p)
		}
	}
	a.expectCodes(0)

	flood := func(callback string) {
		cookies := b.cookies("-login-")
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				own := a.browser("ada")
				for _, c := range cookies {
					own.setCookie(c.Name, c.Value)
				}
				for i := range 25 {
					u, _ := url.Parse(callback)
					query := u.Query()
					query.Set("code", fmt.Sprintf("AQ%d-%d", worker, i))
					own.get("/auth/callback?"+query.Encode(), otherSite)
				}
			})
		}
		group.Wait()
	}
	flood(b.beginAndAgree("/auth/login"))
	if n := a.spotify.Stats().TokenRequests.AuthorizationCode; n > 5 {
		t.Errorf("%d token requests for one attempt", n)
	}

	before := a.spotify.Stats().TokenRequests.AuthorizationCode
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Status: 500, Target: accounts.TargetToken, Every: 1}); err != nil {
		t.Fatal(err)
	}
	flood(b.beginAndAgree("/auth/login"))
	if n := a.spotify.Stats().TokenRequests.AuthorizationCode - before; n > 5 {
		t.Errorf("%d token requests for one attempt while Spotify is in trouble", n)
	}
	a.spotify.ClearFaults()
	b.signIn()
}

// TestFloodOfLoginsKeepsNothing checks that unfinished logins take no memory.
func TestFloodOfLoginsKeepsNothing(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	handler := a.replicas[0].handler
	begin := func(n int) {
		for range n {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/login", nil)
			if err != nil {
				t.Fatal(err)
			}
			handler.ServeHTTP(discard{http.Header{}}, r)
		}
	}
	begin(1000)
	before := heap()
	begin(20_000)
	grown := int64(heap()) - int64(before)
	t.Logf("20,000 logins that were begun leave %d bytes", grown)
	if grown > 512<<10 {
		t.Errorf("memory has grown by %d bytes", grown)
	}
}

// TestFloodOfCallbacksKeepsLittle checks that a process remembers only a limited
// number of callbacks.
func TestFloodOfCallbacksKeepsLittle(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	handler := a.replicas[0].handler
	flood := func(n int) {
		for range n {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/login", nil)
			begun := httptest.NewRecorder()
			handler.ServeHTTP(begun, r)
			state := parameter(t, begun.Header().Get("Location"), "state")
			r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/callback?error=access_denied&state="+state, nil)
			r.Header.Set("Cookie", begun.Header().Get("Set-Cookie"))
			denied := httptest.NewRecorder()
			handler.ServeHTTP(denied, r)
			if !strings.Contains(denied.Header().Get("Location"), "problem=denied") {
				t.Fatalf("got %d, %v", denied.Code, denied.Header())
			}
			a.lastError()
		}
	}
	flood(9000)
	before := heap()
	flood(9000)
	grown := int64(heap()) - int64(before)
	t.Logf("9,000 more callbacks leave %d bytes", grown)
	if grown > 256<<10 {
		t.Errorf("memory has grown by %d bytes", grown)
	}
}

// gate lets token requests through when it is opened.
type gate struct {
	http.RoundTripper
	arrived chan struct{}
	opened  chan struct{}
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.arrived <- struct{}{}
	<-g.opened
	return g.RoundTripper.RoundTrip(r)
}

// TestManyCallbacksAtOnce checks that 256 logins are finished at the same time, and
// that the next one is tried again.
func TestManyCallbacksAtOnce(t *testing.T) {
	arrived, opened := make(chan struct{}, 1000), make(chan struct{})
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(_ *web.Options, p *spotipie.PoolOptions) {
		p.Transport, p.TokenRequests = gate{p.Transport, arrived, opened}, 300
	}})
	type login struct {
		b        *browser
		callback string
	}
	var logins []login
	for range 257 {
		b := a.browser("ada")
		logins = append(logins, login{b, b.beginAndAgree("/auth/login?return_to=/me")})
	}
	var group sync.WaitGroup
	for _, l := range logins[:256] {
		group.Go(func() {
			if p := l.b.get(l.callback, otherSite); p.header.Get("Location") != "/me" {
				t.Errorf("got %s", p)
			}
		})
	}
	for range 256 {
		<-arrived
	}
	last := logins[256]
	last.b.expect(last.b.get(last.callback, otherSite), http.StatusServiceUnavailable, "tries again by itself")
	a.expectError("delayed", http.StatusServiceUnavailable, "too many logins")
	close(opened)
	group.Wait()
	last.b.expect(last.b.comeFromElsewhere(last.callback), http.StatusOK, "ada has ")
}

// TestCallbacksWhoseBrowsersLeave checks that a login counts among the 256 until it has
// ended, also if its browser leaves before.
func TestCallbacksWhoseBrowsersLeave(t *testing.T) {
	arrived, opened := make(chan struct{}, 1000), make(chan struct{})
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(_ *web.Options, p *spotipie.PoolOptions) {
		p.Transport, p.TokenRequests = gate{p.Transport, arrived, opened}, 300
	}})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	handler := a.replicas[0].handler
	leave := func(b *browser, callback string) {
		a.replicas[0].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r.WithContext(gone)) })
		b.expect(b.get(callback, otherSite), http.StatusServiceUnavailable, "tries again by itself")
		a.replicas[0].handler = handler
	}
	var last *browser
	var callback string
	for range 256 {
		last = a.browser("ada")
		callback = last.beginAndAgree("/auth/login?return_to=/me")
		leave(last, callback)
		a.expectError("delayed", http.StatusServiceUnavailable, "context canceled")
	}
	leave(last, callback) // joins its own
	a.expectError("delayed", http.StatusServiceUnavailable, "context canceled")
	last = a.browser("ada")
	callback = last.beginAndAgree("/auth/login?return_to=/me")
	for range 10 { // which is more often than the code would be tried
		leave(last, callback)
		a.expectError("delayed", http.StatusServiceUnavailable, "too many logins")
	}
	close(opened)
	p := last.get(callback, otherSite)
	for p.status == http.StatusServiceUnavailable {
		p = last.get(callback, otherSite)
	}
	last.expect(last.follow(p, otherSite), http.StatusOK, "ada has  at /me")
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
