package seal_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/storetest"
)

// troubledService is a key service that is slow, fails or hangs on demand.
type troubledService struct {
	keyService
	url      string
	client   *http.Client
	requests atomic.Int32
	delay    atomic.Int64 // a time.Duration
	status   atomic.Int32 // the status of all answers; 0: answer normally
	hanging  atomic.Bool
	left     chan struct{} // gets a value when a caller leaves a hanging request
}

func startKeyService(t *testing.T) *troubledService {
	s := &troubledService{left: make(chan struct{}, 100)}
	s.makeKey("one")
	server := httptest.NewTLSServer(s)
	s.url, s.client = server.URL, server.Client()
	t.Cleanup(server.Close)
	return s
}

func (s *troubledService) keysOf(name string) seal.Keys { return serviceKeys{s.client, s.url, name} }

// ServeHTTP implements [http.Handler].
func (s *troubledService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	time.Sleep(time.Duration(s.delay.Load()))
	if status := int(s.status.Load()); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	if s.hanging.Load() {
		_, _ = r.Body.Read(make([]byte, 1<<10)) // net/http notices that the caller has left only after the body is read
		<-r.Context().Done()
		s.left <- struct{}{}
		return
	}
	s.keyService.ServeHTTP(w, r)
}

func TestStoreWithAKeyService(t *testing.T) {
	keys := startKeyService(t).keysOf("one")
	storetest.Run(t, func(t *testing.T) spotipie.Store { return over(t, openFiles(t), keys, nil) })
}

// The service replaces its key, loses a key, and gets data that it has not encrypted.
func TestKeyServiceRotatesItsKeys(t *testing.T) {
	service, inner := startKeyService(t), openFiles(t)
	version := put(t, over(t, inner, service.keysOf("one"), nil), ada, storecheck.Record(t, "one"))
	service.makeKey("two")
	next := over(t, inner, service.keysOf("two"), nil)
	storecheck.Expect(t, next, "one", version)
	if report, err := next.Reseal(t.Context(), nil); err != nil || !report.Done() {
		t.Fatalf("Reseal: %s, %v", report, err)
	}
	if name := stored(t, inner, ada).Sealed.Key; name != "two" {
		t.Errorf("it is sealed with %s", name)
	}
	// A store that has not opened the record before must call the service.
	service.makeKey("two") // replaces the key of that name
	_, _, err := over(t, inner, service.keysOf("two"), nil).Load(t.Context(), ada)
	expectError(t, err, seal.ErrDamaged)
	service.mu.Lock()
	delete(service.keys, "two")
	service.mu.Unlock()
	_, _, err = over(t, inner, service.keysOf("one"), nil).Load(t.Context(), ada)
	expectError(t, err, seal.ErrUnknownKey, "two")
}

// A slow service delays each record once when it is opened and once when it is sealed.
// Callers with a valid token do not wait.
func TestSlowKeyService(t *testing.T) {
	server, service, inner := newServer(t), startKeyService(t), openFiles(t)
	session := newSession(t, server, over(t, inner, service.keysOf("one"), nil), nil)
	server.Login(t, session)
	const delay = 200 * time.Millisecond
	service.delay.Store(int64(delay))

	s := over(t, inner, service.keysOf("one"), nil)
	load := func() time.Duration {
		start := time.Now()
		if _, found, err := s.Load(t.Context(), session.Key()); err != nil || !found {
			t.Fatalf("Load: %t, %v", found, err)
		}
		return time.Since(start)
	}
	first, second := load(), load()
	if first < delay || second >= delay {
		t.Errorf("the first load takes %s, the second %s, and the service %s", first, second, delay)
	}
	before := service.requests.Load()
	start := time.Now()
	if _, err := session.RefreshToken(t.Context()); err != nil {
		t.Fatalf("RefreshToken: %v", err)
	}
	renewal := time.Since(start)
	if asked := service.requests.Load() - before; asked != 1 || renewal < delay {
		t.Errorf("a renewal takes %s and asks the service %d times, want once", renewal, asked)
	}
	start = time.Now()
	if _, err := session.Token(t.Context()); err != nil {
		t.Fatalf("Token: %v", err)
	}
	if took := time.Since(start); took >= delay {
		t.Errorf("a token that is valid takes %s", took)
	}
	t.Logf("service %s; load %s, again %s; renewal %s", delay, first, second, renewal)
}

// While the service fails, sessions use valid tokens, send Spotify no token request, and
// replace no record. Afterwards everything works again.
func TestKeyServiceThatFails(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusForbidden, http.StatusTooManyRequests} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server, service, inner := newServer(t), startKeyService(t), openFiles(t)
			session := newSession(t, server, over(t, inner, service.keysOf("one"), nil), nil)
			server.Login(t, session)
			before := stored(t, inner, session.Key())
			service.status.Store(int32(status))

			if _, err := session.Token(t.Context()); err != nil {
				t.Errorf("a token that is valid: %v", err)
			}
			_, _, err := over(t, inner, service.keysOf("one"), nil).Load(t.Context(), session.Key())
			var failed *seal.Error
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), http.StatusText(status)) {
				t.Errorf("Load: %v, want a *seal.Error with the service's answer", err)
			}
			if errors.Is(err, seal.ErrUnknownKey) || errors.Is(err, seal.ErrDamaged) {
				t.Errorf("Load: %v is no matter of the record", err)
			}
			server.Advance(2 * time.Hour)
			if _, err := session.Token(t.Context()); !errors.As(err, &failed) {
				t.Errorf("a token that has expired: %v", err)
			}
			if n := server.Stats().TokenRequests.RefreshToken; n != 0 {
				t.Errorf("%d refresh tokens were used up", n)
			}
			if after := stored(t, inner, session.Key()); after.Version != before.Version {
				t.Error("the record was replaced")
			}
			service.status.Store(0)
			server.Advance(time.Minute) // the session does not try again at once
			if _, err := session.RefreshToken(t.Context()); err != nil {
				t.Errorf("when the service is back: %v", err)
			}
		})
	}
}

// A hanging call ends with the caller's context, and so does its request.
func TestKeyServiceThatHangs(t *testing.T) {
	service, inner := startKeyService(t), openFiles(t)
	version := put(t, over(t, inner, service.keysOf("one"), nil), ada, storecheck.Record(t, "one"))
	s := over(t, inner, service.keysOf("one"), nil)
	service.hanging.Store(true)
	for name, call := range map[string]func(context.Context) error{
		"Load": func(ctx context.Context) error { _, _, err := s.Load(ctx, ada); return err },
		"Swap": func(ctx context.Context) error {
			_, err := s.Swap(ctx, ada, version, storecheck.Record(t, "two"))
			return err
		},
		"Reseal": func(ctx context.Context) error { _, err := s.Reseal(ctx, nil); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		err := call(ctx)
		cancel()
		if took := time.Since(start); took > seal.DefaultKeyTimeout/2 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v after %s", name, err, took)
		}
		select {
		case <-service.left:
		case <-time.After(storecheck.Patience):
			t.Errorf("%s: the request goes on", name)
		}
	}
	service.hanging.Store(false)
	storecheck.Expect(t, s, "one", version)
}
