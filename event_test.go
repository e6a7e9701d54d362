package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func newToken(t *testing.T, access string) *spotipie.Token {
	t.Helper()
	tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: access, RefreshToken: "refresh-" + access, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestTokenUpdatedFiresWheneverATokenIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := newSession(t, server, nil)
		var events []spotipie.TokenUpdated
		remove := s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
			if e.Session.CurrentToken() != e.NewToken {
				t.Error("announced before the session had the token")
			}
			events = append(events, e)
			return nil
		})
		server.Login(t, s)
		first := token(t, s)
		if err := s.SetToken(t.Context(), first); err != nil { // an equal one
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		token(t, s) // renewed
		if len(events) != 3 {
			t.Fatalf("%d events, want 3: fetched, set, renewed", len(events))
		}
		if events[0].OldToken != nil || events[0].NewToken != first || !events[1].OldToken.Equal(events[1].NewToken) ||
			events[2].OldToken != events[1].NewToken || events[2].Session != spotipie.Session(s) {
			t.Errorf("events: %v", events)
		}
		remove()
		remove() // twice is fine
		if err := s.SetToken(t.Context(), first); err != nil || len(events) != 3 {
			t.Errorf("a removed listener was called, or error %v", err)
		}
	})
}

func TestTokenExpiredListenerMaySetAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, func(o *spotipie.Options) { o.DisableAutoRefresh = true })
		other := signedIn(t, server, nil)
		var events []spotipie.TokenExpired
		s.OnTokenExpired(func(ctx context.Context, e spotipie.TokenExpired) error {
			events = append(events, e)
			return s.SetToken(ctx, token(t, other))
		})
		old := s.CurrentToken()
		time.Sleep(2 * time.Hour)
		resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
		if err != nil {
			t.Fatalf("the request did not go on with the listener's token: %v", err)
		}
		_ = resp.Body.Close()
		if len(events) != 1 || events[0].ExpiredToken != old || events[0].WithholdToken || events[0].Session != spotipie.Session(s) {
			t.Errorf("events: %v", events)
		}
	})
}

func TestTokenExpiredComesBeforeTheRenewalAndOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		var calls atomic.Int32
		s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error {
			calls.Add(1)
			time.Sleep(time.Second)
			if n := server.Stats().TokenRequests.RefreshToken; n != 0 {
				t.Errorf("%d refreshes before the listeners had returned", n)
			}
			return nil
		})
		time.Sleep(2 * time.Hour)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { token(t, s) })
		}
		wg.Wait()
		expectRefreshes(t, server, 1)
		if calls.Load() != 1 {
			t.Errorf("the listener was called %d times", calls.Load())
		}
	})
}

func TestTokenExpiredWithoutHelpIsErrTokenExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, func(o *spotipie.Options) { o.DisableAutoRefresh = true })
		boom := errors.New("boom")
		calls := 0
		s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { calls++; return boom })
		time.Sleep(2 * time.Hour)
		for range 3 {
			_, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
			if !errors.Is(err, spotipie.ErrTokenExpired) || !errors.Is(err, boom) {
				t.Errorf("got error %v, want ErrTokenExpired and the listener's", err)
			}
		}
		if calls != 3 {
			t.Errorf("%d events for 3 requests", calls)
		}
	})
}

func TestTokenExpiredForAWithheldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		var withheld bool
		s.OnTokenExpired(func(_ context.Context, e spotipie.TokenExpired) error { withheld = e.WithholdToken; return nil })
		time.Sleep(2 * time.Hour)
		resp := get(t, s, "/v1/me", &spotipie.RequestOptions{WithholdToken: true})
		if resp.StatusCode != http.StatusUnauthorized || !withheld {
			t.Errorf("status %d, event with WithholdToken: %t", resp.StatusCode, withheld)
		}
		expectRefreshes(t, server, 0)
	})
}

func TestListenersThatMisbehave(t *testing.T) {
	boom := errors.New("boom")
	var waited atomic.Bool
	for name, test := range map[string]struct {
		listener func(context.Context, spotipie.TokenUpdated) error
		says     string
	}{
		"return an error":     {func(context.Context, spotipie.TokenUpdated) error { return boom }, "boom"},
		"panic":               {func(context.Context, spotipie.TokenUpdated) error { panic("ouch") }, "panicked: ouch at "},
		"end their goroutine": {func(context.Context, spotipie.TokenUpdated) error { runtime.Goexit(); return nil }, "ended its goroutine"},
		"do not return in time": {func(ctx context.Context, _ spotipie.TokenUpdated) error {
			<-ctx.Done()
			time.Sleep(time.Minute)
			return nil
		}, "did not return in time"},
		"wait for the renewal": {func(_ context.Context, e spotipie.TokenUpdated) error {
			if waited.Swap(true) {
				return nil // only once: otherwise it would go on forever
			}
			return refresh(context.Background(), e.Session)
		}, "did not return in time"},
		"refresh from within":    {func(ctx context.Context, e spotipie.TokenUpdated) error { return refresh(ctx, e.Session) }, "would wait for itself"},
		"set tokens without end": {func(ctx context.Context, e spotipie.TokenUpdated) error { return e.Session.SetToken(ctx, e.NewToken) }, "gave up calling them"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, nil)
				s := signedIn(t, server, nil)
				old := token(t, s)
				var other atomic.Int32
				s.OnTokenUpdated(test.listener)
				s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { other.Add(1); return nil })
				time.Sleep(2 * time.Hour)
				tok, err := s.RefreshToken(t.Context())
				var listenerErr *spotipie.ListenerError
				if !errors.As(err, &listenerErr) || listenerErr.Event != "token_updated" || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got error %v, want a ListenerError that says %q", err, test.says)
				}
				if tok == nil || tok == old || token(t, s) == old {
					t.Error("the token was lost")
				}
				time.Sleep(2 * time.Minute) // until the slow goroutines end
				if other.Load() == 0 {
					t.Error("the other listener was not called")
				}
			})
		})
	}
}

func refresh(ctx context.Context, s spotipie.Session) error {
	_, err := s.(spotipie.RefreshableSession).RefreshToken(ctx)
	return err
}

func TestListenersMayUseTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		used := func(ctx context.Context) error {
			_, err := s.Token(ctx)
			if err == nil {
				var resp *http.Response
				if resp, err = s.Request(ctx, http.MethodGet, "/v1/me", nil); err == nil {
					_ = resp.Body.Close()
				}
			}
			return err
		}
		s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { return used(ctx) })
		s.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error { return used(ctx) }) // waits for the renewal
		time.Sleep(2 * time.Hour)
		started := time.Now()
		token(t, s)
		if waited := time.Since(started); waited > time.Second {
			t.Errorf("waited %s", waited)
		}
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Errorf("RefreshToken: %v", err)
		}
	})
}

func TestListenersAddedAndRemovedDuringEvents(t *testing.T) {
	server := spotifytest.New(t)
	s := signedIn(t, server, nil)
	tok := token(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				remove := s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { return nil })
				if err := s.SetToken(t.Context(), tok); err != nil {
					t.Error(err)
				}
				remove()
			}
		})
	}
	wg.Wait()
}

func TestTokenIsSavedBeforeItIsAnnouncedOrHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := spotipie.NewMemoryStore()
		s := signedIn(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "ada" })
		saved := func() *spotipie.Token {
			rec, _, err := store.Load(t.Context(), spotipie.Key{ClientID: s.ClientID(), Profile: "ada"})
			if err != nil {
				t.Error(err)
			}
			return rec.Token
		}
		calls := 0
		s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
			if calls++; !saved().Equal(e.NewToken) {
				t.Error("announced before it was saved")
			}
			return nil
		})
		time.Sleep(2 * time.Hour)
		if tok := token(t, s); !saved().Equal(tok) || calls != 1 {
			t.Errorf("returned before it was saved, or %d events", calls)
		}
		server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
	})
}

func TestCloseTellsThatTheListenersMissedTheLatestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		full := errors.New("disk full")
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
			if server.Stats().TokenRequests.RefreshToken == 1 {
				return full
			}
			return nil
		})
		time.Sleep(2 * time.Hour)
		token(t, s) // the session still works
		if err := s.Close(t.Context()); !errors.Is(err, full) {
			t.Errorf("Close: %v, want the listener's error", err)
		}

		s = signedIn(t, server, nil)
		fail := true
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
			if fail {
				return full
			}
			return nil
		})
		if err := s.SetToken(t.Context(), s.CurrentToken()); !errors.Is(err, full) {
			t.Errorf("SetToken: %v, want the listener's error", err)
		}
		fail = false
		if err := s.SetToken(t.Context(), s.CurrentToken()); err != nil {
			t.Errorf("SetToken: %v", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close after the listener has the latest token: %v", err)
		}
	})
}

func TestNilListenerIsNone(t *testing.T) {
	s := signedIn(t, spotifytest.New(t), nil)
	s.OnTokenUpdated(nil)()
	s.OnTokenExpired(nil)()
	if err := s.SetToken(t.Context(), s.CurrentToken()); err != nil {
		t.Error(err)
	}
}
