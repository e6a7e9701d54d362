package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
)

// heardLogouts collects the old tokens of a session's logged-out events.
func heardLogouts(s spotipie.Session) func() []string {
	var mu sync.Mutex
	var heard []string
	s.OnLoggedOut(func(_ context.Context, e spotipie.LoggedOut) error {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, tokenNames(e.OldToken))
		return nil
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return heard
	}
}

// TestLogout checks that the token is gone in this session, the store and other
// sessions, and that each session announces it once. A later login must work like the
// first.
func TestLogout(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	for name, test := range map[string]struct {
		before func(*testing.T, session, *hookedStore)
		heard  string
	}{
		"fresh token":   {func(t *testing.T, s session, _ *hookedStore) { set(t, s, time.Hour) }, "[A0 and R0]"},
		"expired token": {func(t *testing.T, s session, _ *hookedStore) { set(t, s, time.Hour); time.Sleep(2 * time.Hour) }, "[A0 and R0]"},
		"token that could not be saved": {func(t *testing.T, s session, store *hookedStore) {
			set(t, s, time.Hour)
			store.swap.set(fails)
			_, _ = s.RefreshToken(t.Context())
			synctest.Wait()
			store.swap.set(nil)
		}, "[A1 and R1]"},
		"token that another process has saved over": {func(t *testing.T, s session, store *hookedStore) {
			set(t, s, time.Hour)
			change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("other", "R-other", time.Hour) })
		}, "[A0 and R0]"},
		"token in the store only": {func(t *testing.T, _ session, store *hookedStore) {
			change(t, store, func(rec *spotipie.Record) {
				rec.ClientID, rec.Token = "id", tokenOf("other", "R-other", time.Hour)
			})
		}, "[]"},
		"no token": {func(*testing.T, session, *hookedStore) {}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s, other := offline(t, &services{}, store, nil), offline(t, &services{}, store, nil)
				heard := heardLogouts(s)
				test.before(t, s, store)
				_, _ = other.Load(t.Context())
				if err := s.Logout(t.Context()); err != nil {
					t.Errorf("Logout: %v", err)
				}
				expectLoggedOut(t, s, store)
				if got := fmt.Sprint(heard()); got != test.heard {
					t.Errorf("heard %s, want %s", got, test.heard)
				}
				if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
					t.Errorf("Token: %v, want ErrNotAuthorized", err)
				}
				elsewhere := heardLogouts(other)
				had := other.IsAuthorized()
				if tok, err := other.Load(t.Context()); tok != nil || err != nil || (len(elsewhere()) == 1) != had {
					t.Errorf("elsewhere: %s, %v; heard %s", tokenNames(tok), err, elsewhere())
				}
				time.Sleep(time.Minute)
				expectLoggedOut(t, s, store)
				if _, err := login(t, s); err != nil {
					t.Errorf("the next login: %v", err)
				}
				tok := s.CurrentToken()
				expectTokens(t, s, store, tok.AccessToken(), tok.RefreshToken())
				if got := fmt.Sprint(heard()); got != test.heard {
					t.Errorf("heard %s after the login, want %s", got, test.heard)
				}
			})
		})
	}
}

// An app that was signed out signs in again by itself, in the same process or another:
// there is no user whose decision it was. A token that was asked for before a logout
// elsewhere does not count.
func TestAppSignsInAfterALogout(t *testing.T) {
	server, store := spotifytest.NewWith(t, nil), newHookedStore()
	session := func() *spotipie.ClientCredentialsSession {
		opts := server.Options()
		opts.Store, opts.Profile = store, "robot"
		s, err := spotipie.NewClientCredentialsSession(server.Credentials(), opts)
		if err != nil {
			t.Fatal(err)
		}
		spotifytest.CloseAtEnd(t, s)
		return s
	}
	signIn := func(s *spotipie.ClientCredentialsSession) {
		t.Helper()
		tok, err := s.FetchToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rec, found, err := store.Load(t.Context(), spotipie.Key{ClientID: s.ClientID(), Profile: "robot"})
		if !found || err != nil || !rec.Token.Equal(tok) {
			t.Errorf("in the store: %v, %t, %v; want %v", rec.Token, found, err, tok)
		}
	}
	logOut := func(s *spotipie.ClientCredentialsSession) {
		t.Helper()
		if err := s.Logout(t.Context()); err != nil {
			t.Error(err)
		}
	}
	first := session()
	for range 2 {
		signIn(first)
		logOut(first)
		signIn(first)
		second := session()
		logOut(second)
		signIn(second)
		logOut(first)
		signIn(session())
		logOut(second)
	}
	key := spotipie.Key{ClientID: first.ClientID(), Profile: "robot"}
	store.swap.set(func(ctx context.Context) error { // while the token is on its way
		store.swap.set(nil)
		_, err := store.Swap(ctx, key, 0, spotipie.Record{Token: tokenOf("other", "", time.Hour)})
		return errors.Join(err, store.Delete(ctx, key))
	})
	if _, err := first.FetchToken(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
		t.Errorf("FetchToken during a logout: %v, want ErrNotAuthorized", err)
	}
}

func TestLogoutWithoutAStore(t *testing.T) {
	s := offline(t, &services{}, nil, nil)
	heard := heardLogouts(s)
	set(t, s, time.Hour)
	for range 2 {
		if err := s.Logout(t.Context()); err != nil || s.IsAuthorized() || len(heard()) != 1 {
			t.Errorf("Logout: %v; heard %s", err, heard())
		}
	}
}

// TestLogoutIsTriedAgain lets the store fail. The session must be logged out at once
// and stay so, and must try the deletion again.
func TestLogoutIsTriedAgain(t *testing.T) {
	for name, fail := range map[string]func(*hookedStore, func(context.Context) error){
		"looking":  func(store *hookedStore, how func(context.Context) error) { store.load.set(how) },
		"deleting": func(store *hookedStore, how func(context.Context) error) { store.remove.set(how) },
	} {
		for how, f := range map[string]func(context.Context) error{"fails": fails, "hangs": hangs} {
			for then, call := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession){
				"nobody calls": func(*testing.T, *spotipie.AuthorizationCodeSession) {},
				"Load":         func(t *testing.T, s *spotipie.AuthorizationCodeSession) { meetings["Load"](t, s) },
				"Close":        func(t *testing.T, s *spotipie.AuthorizationCodeSession) { meetings["Close"](t, s) },
			} {
				t.Run(name+" "+how+", then "+then, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store := newHookedStore()
						s := offline(t, &services{}, store, nil)
						set(t, s, time.Hour)
						fail(store, f)
						err := s.Logout(t.Context())
						var storeErr *spotipie.StoreError
						if !errors.As(err, &storeErr) || storeErr.Op != "delete" || strings.Contains(err.Error(), "in use") {
							t.Errorf("Logout: %v, want a StoreError of deleting", err)
						}
						if s.IsAuthorized() {
							t.Error("still authorized")
						}
						fail(store, nil)
						call(t, s)
						time.Sleep(15 * time.Second)
						expectLoggedOut(t, s, store)
					})
				})
			}
		}
	}
}

// TestLoginOutlivesALogoutThatIsTriedAgain checks this for a login in this session and
// one elsewhere.
func TestLoginOutlivesALogoutThatIsTriedAgain(t *testing.T) {
	for _, where := range []string{"here", "elsewhere"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				store.remove.set(fails)
				_ = s.Logout(t.Context())
				time.Sleep(time.Minute)
				who := s
				if where == "elsewhere" {
					who = offline(t, spotify, store, nil)
				}
				if _, err := login(t, who); err != nil {
					t.Errorf("the login: %v", err)
				}
				store.remove.set(nil)
				time.Sleep(time.Minute)
				expectTokens(t, s, store, "A1", "R1")
				expectTokens(t, who, store, "A1", "R1")
			})
		})
	}
}

// TestLogoutDuringARenewal logs out in this session or another during a renewal. The
// renewed token must be dropped, and callers who wait must get ErrNotAuthorized.
func TestLogoutDuringARenewal(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	for who, choose := range map[string]func(a, b session) session{
		"by the same session": func(a, _ session) session { return a },
		"by another session":  func(_, b session) session { return b },
	} {
		for when, moment := range map[string]func(*services, *hookedStore, func()){
			"while the token is asked for": func(spotify *services, _ *hookedStore, logout func()) {
				spotify.before = func(int) { logout() }
			},
			"while it is saved": func(_ *services, store *hookedStore, logout func()) {
				store.swap.set(once(func() { go logout(); time.Sleep(time.Second) }))
			},
			"just after it is saved": func(_ *services, store *hookedStore, logout func()) {
				first := once(func() { go logout(); time.Sleep(time.Second) })
				store.swapped.set(func(spotipie.Record) { _ = first(context.Background()) })
			},
		} {
			t.Run(who+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					a, b := offline(t, spotify, store, nil), offline(t, spotify, store, nil)
					set(t, a, time.Hour)
					token(t, b)
					time.Sleep(2 * time.Hour)
					moment(spotify, store, func() {
						if err := choose(a, b).Logout(context.Background()); err != nil {
							t.Errorf("Logout: %v", err)
						}
					})
					_, _ = a.RefreshToken(t.Context())
					time.Sleep(time.Minute)
					for _, s := range []session{a, b} {
						if tok, err := s.Load(t.Context()); tok != nil || err != nil {
							t.Errorf("Load: %s, %v", tokenNames(tok), err)
						}
						expectLoggedOut(t, s, store)
					}
				})
			})
		}
	}
}

func TestListenersHearOfLogoutAndLoginInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, newHookedStore(), nil)
		var heard []string
		s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
			heard = append(heard, tokenNames(e.OldToken)+" to "+tokenNames(e.NewToken))
			return nil
		})
		s.OnLoggedOut(func(_ context.Context, e spotipie.LoggedOut) error {
			heard = append(heard, tokenNames(e.OldToken)+" ends")
			return nil
		})
		set(t, s, time.Hour)
		_ = s.Logout(t.Context())
		_, _ = login(t, s)
		want := "[nothing to A0 and R0 A0 and R0 ends nothing to A1 and R1]"
		if got := fmt.Sprint(heard); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	})
}

func TestLogoutOfAClosedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		s := offline(t, &services{}, store, nil)
		set(t, s, time.Hour)
		_ = s.Close(t.Context())
		if err := s.Logout(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("Logout: %v, want ErrClosed", err)
		}
		expectTokens(t, s, store, "A0", "R0")
	})
}

// TestLogoutThatSucceedsIsNotUndoneByAListener lets a listener fail. The logout must
// still count, and only the caller of Logout gets the listener's error.
func TestLogoutThatSucceedsIsNotUndoneByAListener(t *testing.T) {
	store := newHookedStore()
	s := offline(t, &services{}, store, nil)
	set(t, s, time.Hour)
	s.OnLoggedOut(func(context.Context, spotipie.LoggedOut) error { return errStore })
	err := s.Logout(t.Context())
	var listenerErr *spotipie.ListenerError
	if !errors.As(err, &listenerErr) || listenerErr.Event != "logged_out" {
		t.Errorf("Logout: %v, want a ListenerError", err)
	}
	expectLoggedOut(t, s, store)
	if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) || errors.As(err, &listenerErr) {
		t.Errorf("Token: %v, want ErrNotAuthorized alone", err)
	}
	if _, err := s.Load(t.Context()); err != nil {
		t.Errorf("Load: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestKey(t *testing.T) {
	if key := offline(t, &services{}, nil, nil).Key(); key != adaKey {
		t.Errorf("Key: %v, want %v", key, adaKey)
	}
}

// TestDone checks that the channel is closed with the session, whenever Done was
// called.
func TestDone(t *testing.T) {
	for name, before := range map[string]bool{"asked before": true, "asked after": false} {
		t.Run(name, func(t *testing.T) {
			s := offline(t, &services{}, nil, nil)
			var done <-chan struct{}
			if before {
				done = s.Done()
				select {
				case <-done:
					t.Error("Done is closed before the session is")
				default:
				}
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !before {
				done = s.Done()
			}
			select {
			case <-done:
			default:
				t.Error("Done is open after Close")
			}
		})
	}
}

// TestLogoutWhileAListenerIsBusy logs out while a listener is busy with a new token. The
// error must be about the logout.
func TestLogoutWhileAListenerIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, spotipie.NewMemoryStore(), nil)
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
			<-t.Context().Done()
			return nil
		})
		go func() { _ = s.SetToken(t.Context(), tokenOf("A0", "R0", time.Hour)) }()
		synctest.Wait()
		err := s.Logout(t.Context())
		if failed := (*spotipie.ListenerError)(nil); !errors.As(err, &failed) || failed.Event != "logged_out" {
			t.Errorf("Logout returns %v, want a ListenerError of logged_out", err)
		}
	})
}
