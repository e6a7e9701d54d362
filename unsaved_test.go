package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// unsavedRenewal returns a session that has used up R0 for R1 and could not save R1.
func unsavedRenewal(t *testing.T, spotify *services) (*spotipie.AuthorizationCodeSession, *hookedStore) {
	t.Helper()
	store := newHookedStore()
	s := offline(t, spotify, store, nil)
	set(t, s, time.Hour)
	store.swap.set(fails)
	if tok, err := s.RefreshToken(t.Context()); tok == nil || !errors.Is(err, errStore) {
		t.Fatalf("RefreshToken: %s, %v; want the token and the store's error", tokenNames(tok), err)
	}
	store.swap.set(nil)
	return s, store
}

// TestUnsavedRenewalSurvives lets other processes change the record with the used-up
// refresh token. The session must keep the new refresh token and save it.
func TestUnsavedRenewalSurvives(t *testing.T) {
	for otherwise, act := range map[string]func(*spotipie.Record){
		"marked as rejected": func(rec *spotipie.Record) { rec.Rejected = "Refresh token revoked" },
		"saved once more":    func(*spotipie.Record) {},
	} {
		for name, meet := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession){
			"Token": func(t *testing.T, s *spotipie.AuthorizationCodeSession) { token(t, s) },
			"Load": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
				if _, err := s.Load(t.Context()); err != nil {
					t.Errorf("Load: %v", err)
				}
			},
			"Watch": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = s.Watch(ctx)
			},
			"Close": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
				if err := s.Close(t.Context()); err != nil {
					t.Errorf("Close: %v", err)
				}
			},
		} {
			t.Run(name+" of a record "+otherwise, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{}
					s, store := unsavedRenewal(t, spotify)
					change(t, store, act)
					time.Sleep(10 * time.Second)
					meet(t, s)
					synctest.Wait()
					expectTokens(t, s, nil, "A1", "R1")
					if err := s.Close(t.Context()); err != nil {
						t.Errorf("Close: %v", err)
					}
					expectTokens(t, s, store, "A1", "R1")
					if rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey); rec.Rejected != "" {
						t.Errorf("the new token is marked as rejected: %q", rec.Rejected)
					}
					expectRequests(t, spotify, 1)
				})
			})
		}
	}
}

func TestUnsavedRenewalMakesWayForANewLogin(t *testing.T) {
	for name, moment := range map[string]func(store *hookedStore, login func()){
		"found before saving":     func(_ *hookedStore, login func()) { login() },
		"found only while saving": func(store *hookedStore, login func()) { store.swap.set(once(login)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := unsavedRenewal(t, &services{})
				var events []string
				s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
					events = append(events, tokenNames(e.OldToken)+" to "+tokenNames(e.NewToken))
					return nil
				})
				moment(store, func() {
					change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("login", "R-login", time.Hour) })
				})
				time.Sleep(10 * time.Second)
				token(t, s)
				synctest.Wait()
				expectTokens(t, s, store, "login", "R-login")
				if len(events) != 1 || events[0] != "A1 and R1 to login and R-login" {
					t.Errorf("events: %q, want one of the login", events)
				}
			})
		})
	}
}

// TestRenewalIsKeptOverARejection checks that a session keeps its new token if another
// process was refused the old refresh token.
func TestRenewalIsKeptOverARejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
			change(t, store, func(rec *spotipie.Record) { rec.Rejected = "Refresh token revoked" })
			return respond(req, http.StatusOK, `{"access_token":"new","token_type":"Bearer","expires_in":3600}`), nil
		}
		time.Sleep(2 * time.Hour)
		token(t, s)
		expectTokens(t, s, store, "new", "R0")
		if rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey); rec.Rejected != "" {
			t.Errorf("still marked as rejected: %q", rec.Rejected)
		}
	})
}

// TestSetTokenWhileARenewalIsSaved calls SetToken between the save of a renewal and the
// moment at which the session uses the renewed token.
func TestSetTokenWhileARenewalIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		old := set(t, s, time.Hour)
		done := make(chan error, 1)
		store.swapped.set(func(rec spotipie.Record) {
			if rec.Token.RefreshToken() == "R1" {
				go func() { done <- s.SetToken(context.Background(), old) }()
				time.Sleep(time.Second)
			}
		})
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Errorf("RefreshToken: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("SetToken: %v", err)
		}
		held := s.CurrentToken()
		expectTokens(t, s, store, held.AccessToken(), held.RefreshToken())
	})
}

func TestSavingGoesOnThroughConflicts(t *testing.T) {
	for name, save := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession) error{
		"of a renewal": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.RefreshToken(ctx)
			return err
		},
		"of a token that is set": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(ctx, tokenOf("A1", "R1", time.Hour))
		},
	} {
		for others, edit := range map[string]func(*spotipie.Record){
			"that save the old one again": func(*spotipie.Record) {},
			"that save no token":          func(rec *spotipie.Record) { rec.Token = nil },
			"that save the zero token":    func(rec *spotipie.Record) { rec.Token = &spotipie.Token{} },
			"that save another app's": func(rec *spotipie.Record) {
				*rec = spotipie.Record{ClientID: "other", Token: tokenOf("x", "y", time.Hour), Version: rec.Version}
			},
		} {
			t.Run(name+", with others "+others, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newHookedStore()
					s := offline(t, &services{}, store, nil)
					set(t, s, time.Hour)
					conflicts := 0
					store.swap.set(func(context.Context) error {
						if conflicts < 6 {
							conflicts++
							change(t, store, edit)
						}
						return nil
					})
					if err := save(t.Context(), s); err != nil || conflicts != 6 {
						t.Errorf("error %v after %d conflicts", err, conflicts)
					}
					expectTokens(t, s, store, "A1", "R1")
				})
			})
		}
	}
}

func TestSavingThatOthersAlwaysGetAheadOfEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		s := offline(t, &services{}, store, nil)
		set(t, s, time.Hour)
		swaps := 0
		store.swap.set(func(context.Context) error {
			if swaps++; swaps < 1000 {
				change(t, store, func(*spotipie.Record) {})
			}
			return nil
		})
		tok, err := s.RefreshToken(t.Context())
		var storeErr *spotipie.StoreError
		if !errors.As(err, &storeErr) || storeErr.Op != "save" || !errors.Is(err, spotipie.ErrVersionConflict) || swaps > 50 {
			t.Errorf("error %v after %d swaps, want a StoreError that wraps ErrVersionConflict soon", err, swaps)
		}
		if tok == nil || tok.AccessToken() != "A1" {
			t.Errorf("got %s, want the new token all the same", tokenNames(tok))
		}
		store.swap.set(nil)
	})
}

// TestSavingHasALimitOfItsOwn checks that a save may take ten seconds, whatever
// RefreshTimeout is.
func TestSavingHasALimitOfItsOwn(t *testing.T) {
	for name, save := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession) error{
		"of a renewal": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.RefreshToken(ctx)
			return err
		},
		"of a token that is set": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(ctx, tokenOf("A1", "R1", time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, store, func(o *spotipie.Options) { o.RefreshTimeout = time.Second })
				set(t, s, time.Hour)
				store.swap.set(func(context.Context) error { time.Sleep(9 * time.Second); return nil })
				if err := save(t.Context(), s); err != nil {
					t.Errorf("in nine seconds: %v", err)
				}
				store.swap.set(hangs)
				started := time.Now()
				if err := save(t.Context(), s); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want a timeout", err)
				}
				if waited := time.Since(started); waited != 10*time.Second {
					t.Errorf("saving was given up after %s, want 10 s", waited)
				}
			})
		})
	}
}

// A login that is set while R0 is being used up cannot be saved. The store must not keep
// R0 then: the next process would use it a second time.
func TestRotatedTokenIsSavedThoughALoginThatCouldNotBeSavedIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.before = func(int) {
			store.load.set(fails)
			_ = s.SetToken(context.Background(), tokenOf("login", "R-login", time.Hour))
			store.load.set(nil)
		}
		_, _ = s.RefreshToken(t.Context())
		rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey)
		if rec.Token.RefreshToken() == "R0" {
			t.Error("the store still has R0, which is used up; R1 was dropped and R-login not saved")
		}
	})
}

func TestUnsavedLoginIsNotLostToAnOlderRecordWhenItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour) // an older login, saved
		store.load.set(fails)
		if err := s.SetToken(t.Context(), tokenOf("login", "R-login", time.Hour)); err == nil {
			t.Fatal("no StoreError")
		}
		spotify.before = func(int) { store.load.set(nil) } // the store works again while the token is renewed
		tok, err := s.RefreshToken(context.WithoutCancel(t.Context()))
		if tok == nil || tok.AccessToken() != "A1" {
			t.Errorf("RefreshToken: %s, %v", tokenNames(tok), err)
		}
		expectTokens(t, s, store, "A1", "R1")
	})
}
