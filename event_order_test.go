package spotipie_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestSlowListenerHearsOfTheNewestTokenLast checks that a listener that saves tokens
// cannot save an older one over a newer one. The session skips tokens that were
// replaced before the listener could be called.
func TestSlowListenerHearsOfTheNewestTokenLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, nil, nil)
		var mu sync.Mutex
		var heard []string
		var calls atomic.Int32
		s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
			if calls.Add(1) == 1 {
				time.Sleep(time.Second) // gives the other calls time to overtake this one
			}
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, e.NewToken.AccessToken())
			return nil
		})
		for i := range 5 {
			go func() { _ = s.SetToken(context.Background(), tokenOf(fmt.Sprint("set-", i), "R", time.Hour)) }()
			synctest.Wait()
		}
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Errorf("RefreshToken: %v", err)
		}
		time.Sleep(time.Minute)
		if s.CurrentToken().AccessToken() != "A1" || !slices.Equal(heard, []string{"set-0", "A1"}) {
			t.Errorf("heard of %q, the session holds %s", heard, tokenNames(s.CurrentToken()))
		}
	})
}

// TestSetTokenInAListenerWithAForeignContext calls SetToken without the listener's
// context. The session cannot know that the call comes from a listener and waits, but
// the call must end.
func TestSetTokenInAListenerWithAForeignContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, nil, func(o *spotipie.Options) { o.RefreshTimeout = 3 * time.Second })
		var calls atomic.Int32
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
			if calls.Add(1) > 1000 {
				return nil
			}
			return s.SetToken(context.Background(), tokenOf("A1", "R1", time.Hour))
		})
		started := time.Now()
		err := s.SetToken(t.Context(), tokenOf("A0", "R0", time.Hour))
		var listenerErr *spotipie.ListenerError
		if !errors.As(err, &listenerErr) {
			t.Errorf("SetToken: %v, want a ListenerError", err)
		}
		if waited := time.Since(started); waited > 10*time.Second || calls.Load() > 10 {
			t.Errorf("SetToken took %s and %d calls", waited, calls.Load())
		}
		time.Sleep(time.Minute)
		expectTokens(t, s, nil, "A1", "R1")
	})
}

func TestEventsWithoutATokenAreLogged(t *testing.T) {
	s := offline(t, &services{}, nil, nil)
	var b bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		b.Reset()
		log := slog.New(handler)
		log.Info("x", "event", spotipie.TokenUpdated{Session: s, NewToken: tokenOf("A0", "R0", time.Hour)})
		log.Info("x", "event", spotipie.TokenUpdated{})
		log.Info("x", "event", spotipie.TokenExpired{})
		if text := b.String(); strings.Contains(strings.ToLower(text), "panic") || !strings.Contains(text, "none") {
			t.Errorf("logged as %s", text)
		}
	}
}

// TestThousandCallsInTheSecondOfAFailure checks that only the first call asks Spotify
// and calls the listeners.
func TestThousandCallsInTheSecondOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusInternalServerError, ""), nil
		}}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		events := 0
		s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { events++; return nil })
		time.Sleep(2 * time.Hour)
		for range 1000 {
			var answer *spotipie.TokenEndpointError
			if _, err := s.Token(t.Context()); !errors.As(err, &answer) {
				t.Errorf("got error %v, want that of the one request", err)
			}
		}
		expectRequests(t, spotify, 1)
		if events != 1 {
			t.Errorf("%d token-expired events, want 1", events)
		}
	})
}

// TestNoSecondEventForATokenThatIsReplaced lets another caller renew the token each
// time that Token reads the clock.
func TestNoSecondEventForATokenThatIsReplaced(t *testing.T) {
	for reading := 1; reading <= 8; reading++ {
		synctest.Test(t, func(t *testing.T) {
			spotify := &services{}
			var wall clock
			s := offline(t, spotify, nil, func(o *spotipie.Options) { o.Now = wall.now })
			set(t, s, time.Hour)
			var events atomic.Int32
			s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { events.Add(1); return nil })
			wall.ahead(time.Hour)
			wall.atReading(reading, func() { meanwhile(func() { _, _ = s.Token(context.Background()) }) })
			if tok := token(t, s); tok.AccessToken() != "A1" {
				t.Errorf("reading %d: got %s", reading, tokenNames(tok))
			}
			synctest.Wait()
			if events.Load() != 1 || spotify.requests() != 1 {
				t.Errorf("reading %d: %d events and %d requests for one expired token", reading, events.Load(), spotify.requests())
			}
		})
	}
}
