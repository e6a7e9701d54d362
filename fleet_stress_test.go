package spotipie_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
)

// fleet is a group of sessions that share a store and a service. One in four Loads of
// the store fails, except during logins. Refresh tokens are single use: using one
// twice revokes all.
type fleet struct {
	server   *spotifytest.Server
	store    *hookedStore
	sessions []*spotipie.AuthorizationCodeSession
	logins   chan *spotipie.Token // each is set once
}

// loginKey marks the contexts of logins.
type loginKey struct{}

func newFleet(t *testing.T) *fleet {
	f := &fleet{server: spotifytest.NewInMemory(t, rotating()), store: newHookedStore(), logins: make(chan *spotipie.Token, 4)}
	for range cap(f.logins) {
		f.logins <- signedIn(t, f.server, nil).CurrentToken()
	}
	f.server.Login(t, newSession(t, f.server, stored(f.store.MemoryStore)))
	f.store.load.set(func(ctx context.Context) error {
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		if ctx.Value(loginKey{}) == nil && rand.IntN(4) == 0 {
			return errStore
		}
		return nil
	})
	f.store.swap.set(func(context.Context) error {
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		return nil
	})
	for range 4 {
		f.sessions = append(f.sessions, newSession(t, f.server, stored(f.store)))
	}
	return f
}

// act makes a random call of a session.
func (f *fleet) act(t *testing.T, ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
	ask := s.Token
	switch rand.IntN(8) {
	case 0, 1:
		ask = s.RefreshToken
	case 2:
		_, err := s.Load(ctx)
		return err
	case 3:
		ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(5))*time.Millisecond)
		defer cancel()
		return s.Watch(ctx)
	case 4:
		select {
		case login := <-f.logins:
			return s.SetToken(context.WithValue(ctx, loginKey{}, true), login)
		default:
			return nil
		}
	}
	tok, err := ask(ctx)
	if tok == nil && err == nil {
		t.Error("neither a token nor an error")
	}
	return err
}

// round lets all sessions act at once, then closes one and opens another.
func (f *fleet) round(t *testing.T, check func(error)) {
	var wg sync.WaitGroup
	for _, s := range f.sessions {
		for range 3 {
			wg.Go(func() { check(f.act(t, t.Context(), s)) })
		}
	}
	wg.Wait()
	i := rand.IntN(len(f.sessions))
	if f.sessions[i].Close(t.Context()) == nil { // on an error it keeps a token that is not saved yet
		f.sessions[i] = newSession(t, f.server, stored(f.store))
	}
	time.Sleep(time.Duration(1+rand.IntN(70)) * time.Minute)
}

func TestFleetOnAFailingStoreNeverUsesARefreshTokenTwice(t *testing.T) {
	for range 6 {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			for range 25 {
				f.round(t, func(err error) {
					if errors.Is(err, spotipie.ErrReauthorizationRequired) || errors.Is(err, spotipie.ErrNotAuthorized) {
						t.Errorf("the authorization is lost: %v", err)
					}
				})
			}
		})
	}
}

func TestFleetWhoseUserLogsOutNeverPanics(t *testing.T) {
	for range 4 {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			key := spotipie.Key{ClientID: f.server.Credentials().ClientID, Profile: "ada"}
			for range 15 {
				go func() {
					time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
					_ = f.store.Delete(context.Background(), key)
				}()
				f.round(t, func(error) {})
				if rand.IntN(3) == 0 {
					f.server.Login(t, newSession(t, f.server, stored(f.store.MemoryStore)))
				}
			}
		})
	}
}

// TestEverythingAtOnce is for the race detector. It uses real goroutines and a clock
// that is set back and forth.
func TestEverythingAtOnce(t *testing.T) {
	for range 6 {
		store, spotify := newHookedStore(), &services{}
		spotify.before = func(int) { time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond) }
		var wall clock
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var watching sync.WaitGroup
		var sessions []*spotipie.AuthorizationCodeSession
		for range 2 {
			s := offline(t, spotify, store, func(o *spotipie.Options) {
				o.Now = wall.now
				o.OnError = func(error) {}
			})
			sessions = append(sessions, s)
			watching.Go(func() { _ = s.Watch(ctx) })
			s.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				_, _ = e.Session.Token(ctx)
				return nil
			})
			s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { return nil })
			for range 6 {
				wg.Go(func() {
					for range 40 {
						doAnything(t, s, store, &wall)
					}
				})
			}
		}
		wg.Wait()
		for _, s := range sessions {
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		cancel()
		watching.Wait()
	}
}

func doAnything(t *testing.T, s *spotipie.AuthorizationCodeSession, store *hookedStore, wall *clock) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(5))*time.Millisecond)
	defer cancel()
	switch rand.IntN(12) {
	case 0:
		_ = s.SetToken(ctx, tokenOf("set", "R-set", time.Hour))
	case 1:
		_, _ = s.Load(ctx)
	case 2:
		_, _ = s.RefreshToken(ctx)
	case 3:
		wall.ahead(time.Duration(rand.IntN(7200)) * time.Second)
	case 4:
		s.SetAutoRefresh(rand.IntN(2) == 0)
	case 5:
		_ = store.Delete(ctx, adaKey)
	case 6:
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { return nil })()
	case 7:
		if err := s.Mount("https://api.spotify.com/v1", &services{}); err != nil {
			t.Error(err)
		}
	default:
		if resp, err := s.Request(ctx, "GET", "/v1/me", nil); err == nil {
			_ = resp.Body.Close()
		}
	}
}
