package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func expectClosed(t *testing.T, s *spotipie.AuthorizationCodeSession) {
	t.Helper()
	if _, err := s.Token(context.Background()); !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("Token after Close: %v, want ErrClosed", err)
	}
}

func TestClosedSessionStaysClosed(t *testing.T) {
	for name, then := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *hookedStore){
		"automatic refreshing switched on": func(_ *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) { s.EnableAutoRefresh() },
		"off and on": func(_ *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) {
			s.DisableAutoRefresh()
			s.EnableAutoRefresh()
		},
		"another process saves a token": func(t *testing.T, s *spotipie.AuthorizationCodeSession, store *hookedStore) {
			change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("other", "R-other", time.Hour) })
			_, _ = s.Load(t.Context())
		},
		"closed once more": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) { _ = s.Close(t.Context()) },
		"time passes":      func(*testing.T, *spotipie.AuthorizationCodeSession, *hookedStore) { time.Sleep(58 * time.Minute) },
	} {
		for _, unsaved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, unsaved token %t", name, unsaved), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newHookedStore()
					s := offline(t, &services{}, store, nil)
					set(t, s, time.Hour)
					if unsaved {
						store.swap.set(fails)
						_, _ = s.RefreshToken(t.Context())
					}
					if err := s.Close(t.Context()); errors.Is(err, errStore) != unsaved {
						t.Errorf("Close: %v", err)
					}
					expectClosed(t, s)
					then(t, s, store)
					expectClosed(t, s)
					synctest.Wait()
					expectClosed(t, s)
				})
			})
		}
	}
}

// TestCloseInTheMiddleOfToken closes the session each time that Token reads the
// clock. That call may return a token; no later call may.
func TestCloseInTheMiddleOfToken(t *testing.T) {
	for name, elapsed := range map[string]time.Duration{"fresh": time.Minute, "stale": 57 * time.Minute, "expired": 2 * time.Hour} {
		for _, disabled := range []bool{false, true} {
			for reading := 1; reading <= 8; reading++ {
				synctest.Test(t, func(t *testing.T) {
					var wall clock
					s := offline(t, &services{}, nil, func(o *spotipie.Options) {
						o.Now = wall.now
						o.DisableAutoRefresh = disabled
					})
					set(t, s, time.Hour)
					wall.ahead(elapsed)
					looked := false
					wall.atReading(reading, func() {
						looked = true
						ctx, cancel := context.WithCancel(context.Background())
						cancel() // Close would wait for this renewal
						meanwhile(func() { _ = s.Close(ctx) })
					})
					_, _ = s.Token(t.Context())
					synctest.Wait()
					if !looked {
						return // Token does not read the clock so often
					}
					if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
						t.Errorf("%s, closed at reading %d of the clock: %v, want ErrClosed", name, reading, err)
					}
				})
			}
		}
	}
}

// TestCloseWhileATokenIsFetched checks that a token that arrives after Close is
// saved, and that the session stays closed.
func TestCloseWhileATokenIsFetched(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	login := func(ctx context.Context, s session) error {
		_, state, err := s.AuthorizationURL(nil)
		if err == nil {
			_, err = s.FetchTokenGivenCode(ctx, "code", state)
		}
		return err
	}
	refresh := func(ctx context.Context, s session) error { _, err := s.RefreshToken(ctx); return err }
	for name, fetch := range map[string]func(context.Context, session) error{"login": login, "refresh": refresh} {
		for _, while := range []string{"asked for", "saved"} {
			t.Run(name+" "+while, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					closed := make(chan error, 1)
					closes := func() {
						go func() { closed <- s.Close(t.Context()) }()
						time.Sleep(time.Second)
					}
					if while == "saved" {
						store.swap.set(once(closes))
					} else {
						spotify.before = func(int) { closes() }
					}
					if err := fetch(t.Context(), s); err != nil {
						t.Errorf("got error %v", err)
					}
					if err := <-closed; err != nil {
						t.Errorf("Close: %v", err)
					}
					expectTokens(t, s, store, "A1", "R1")
					expectClosed(t, s)
				})
			})
		}
	}
}

func TestCloseObeysItsContextWhileSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := unsavedRenewal(t, &services{})
		store.swap.set(hangs)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want that of its context", err)
		}
		if waited := time.Since(started); waited != time.Second {
			t.Errorf("Close took %s, want the second it was given", waited)
		}
		started = time.Now()
		if err := s.Close(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want a timeout", err)
		}
		if waited := time.Since(started); waited != 10*time.Second {
			t.Errorf("Close without a limit took %s, want the 10 s that saving may take", waited)
		}
	})
}

func TestListenersMayCloseTheSession(t *testing.T) {
	for _, event := range []string{"token updated", "token expired"} {
		t.Run(event, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := offline(t, &services{}, nil, nil)
				set(t, s, time.Hour)
				closed := errors.New("not called")
				if event == "token updated" {
					s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { closed = s.Close(ctx); return nil })
				} else {
					s.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error { closed = s.Close(ctx); return nil })
				}
				time.Sleep(2 * time.Hour)
				started := time.Now()
				_, _ = s.Token(t.Context())
				if waited := time.Since(started); waited != 0 || closed != nil {
					t.Errorf("Close in a listener took %s, error %v", waited, closed)
				}
				expectClosed(t, s)
			})
		})
	}
}

func TestCloseWaitsForTheTokenExpiredListeners(t *testing.T) {
	for _, withheld := range []bool{false, true} {
		t.Run(fmt.Sprintf("withheld %t", withheld), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := offline(t, &services{}, nil, nil)
				set(t, s, time.Hour)
				returned := false
				s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error {
					time.Sleep(time.Second)
					returned = true
					return nil
				})
				time.Sleep(2 * time.Hour)
				go func() {
					resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", &spotipie.RequestOptions{WithholdToken: withheld})
					if err == nil {
						_ = resp.Body.Close()
					}
				}()
				synctest.Wait()
				if err := s.Close(t.Context()); err != nil || !returned {
					t.Errorf("Close: %v; the listener had returned: %t", err, returned)
				}
			})
		})
	}
}

func TestClosedSessionAnnouncesNoExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, nil, nil)
		set(t, s, time.Hour)
		s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error {
			t.Error("a token-expired event after Close")
			return nil
		})
		time.Sleep(2 * time.Hour)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		expectClosed(t, s)
		if resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", &spotipie.RequestOptions{WithholdToken: true}); err == nil {
			_ = resp.Body.Close()
		}
	})
}

// TestOnErrorMayUseTheSession checks that OnError is called when no caller waits any
// more.
func TestOnErrorMayUseTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusInternalServerError, ""), nil
		}}
		var s *spotipie.AuthorizationCodeSession
		s = offline(t, spotify, nil, func(o *spotipie.Options) {
			o.OnError = func(error) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				_, _ = s.Token(ctx)
			}
		})
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		started := time.Now()
		_, err := s.Token(t.Context())
		var answer *spotipie.TokenEndpointError
		if waited := time.Since(started); waited != 0 || !errors.As(err, &answer) {
			t.Errorf("Token took %s: %v", waited, err)
		}
		expectRequests(t, spotify, 1)
	})
}

// TestCloseWaitsForOnError checks that a short program learns of its errors before it
// ends.
func TestCloseWaitsForOnError(t *testing.T) {
	for name, test := range map[string]struct {
		takes, most time.Duration
		heard       bool
	}{
		"a quick one":       {takes: 50 * time.Millisecond, most: 50 * time.Millisecond, heard: true},
		"one that is stuck": {takes: time.Hour, most: 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				var heard atomic.Bool
				var called atomic.Pointer[time.Time]
				s := offline(t, spotify, store, func(o *spotipie.Options) {
					o.OnError = func(error) {
						now := time.Now()
						called.Store(&now)
						time.Sleep(test.takes)
						heard.Store(true)
					}
				})
				set(t, s, time.Hour)
				store.unlock.set(fails)
				_, _ = s.RefreshToken(t.Context())
				_ = s.Close(t.Context()) // waits for the unlocking
				if called.Load() == nil {
					t.Fatal("OnError was not called before Close returned")
				}
				if waited := time.Since(*called.Load()); waited > test.most || heard.Load() != test.heard {
					t.Errorf("Close has waited %s, %s at most; OnError was done: %t, want %t", waited, test.most, heard.Load(), test.heard)
				}
				time.Sleep(test.takes)
			})
		})
	}
}

// TestOnErrorMayCloseTheSession closes the session from OnError, while different
// things go on.
func TestOnErrorMayCloseTheSession(t *testing.T) {
	for name, act := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession, *hookedStore, *services){
		"saving in the background": func(ctx context.Context, s *spotipie.AuthorizationCodeSession, store *hookedStore, _ *services) {
			store.swap.set(fails)
			_, _ = s.RefreshToken(ctx)
		},
		"unlocking": func(ctx context.Context, s *spotipie.AuthorizationCodeSession, store *hookedStore, _ *services) {
			store.unlock.set(fails)
			_, _ = s.RefreshToken(ctx)
		},
		"a login whose caller has left": func(ctx context.Context, s *spotipie.AuthorizationCodeSession, _ *hookedStore, spotify *services) {
			spotify.before = func(int) { time.Sleep(2 * time.Second) }
			spotify.token = status(500)
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if _, state, err := s.AuthorizationURL(nil); err == nil {
				_, _ = s.FetchTokenGivenCode(ctx, "code", state)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				closed := make(chan struct{})
				var s *spotipie.AuthorizationCodeSession
				s = offline(t, spotify, store, func(o *spotipie.Options) {
					o.OnError = func(error) {
						_ = s.Close(context.Background())
						select {
						case <-closed:
						default:
							close(closed)
						}
					}
				})
				set(t, s, time.Hour)
				act(t.Context(), s, store, spotify)
				<-closed
				expectClosed(t, s)
			})
		})
	}
}

// TestOnErrorMayRenew calls RefreshToken from OnError. The error comes from a renewal
// that is still running; nothing may wait for OnError then.
func TestOnErrorMayRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, heard := newHookedStore(), make(chan struct{}, 100)
		var s *spotipie.AuthorizationCodeSession
		s = offline(t, &services{}, store, func(o *spotipie.Options) {
			o.OnError = func(error) {
				_, _ = s.RefreshToken(context.Background())
				heard <- struct{}{}
			}
		})
		set(t, s, time.Hour)
		change(t, store, func(rec *spotipie.Record) { // the store has fallen back
			rec.Consent, rec.Token = 1<<20, tokenOf("older", "R-older", time.Hour)
		})
		store.swap.set(fails)
		_, _ = s.RefreshToken(t.Context())
		<-heard
		store.swap.set(nil) // otherwise saving goes on after the end of the test
		time.Sleep(time.Minute)
	})
}

// TestCloseObeysItsContextWhileObserveHangs lets Observe hang during a save in the
// background.
func TestCloseObeysItsContextWhileObserveHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, release := newHookedStore(), make(chan struct{})
		var saves atomic.Int32
		s := offline(t, &services{}, store, func(o *spotipie.Options) {
			o.Observe = func(_ context.Context, o spotipie.Observation) {
				if o.Op == "save" && o.Err != nil && saves.Add(1) == 3 {
					<-release
				}
			}
		})
		set(t, s, time.Hour)
		store.swap.set(fails)
		_, _ = s.RefreshToken(t.Context())
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != time.Second {
			t.Errorf("Close took %s: %v", time.Since(started), err)
		}
		close(release)
	})
}

// TestCloseSavesWhileAListenerIsSlow checks that what a renewal could not save is tried
// again while Close waits for the renewal's listener: another process must not get the
// lock before, and send the old refresh token again.
func TestCloseSavesWhileAListenerIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		spotify := &services{token: func(n int, req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return respond(req, http.StatusOK, renewed(n)), nil
		}}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
			time.Sleep(10 * time.Second)
			return nil
		})
		var saves atomic.Int32
		store.swap.set(func(context.Context) error {
			if saves.Add(1) <= 2 {
				return errStore
			}
			return nil
		})
		go func() { _, _ = s.RefreshToken(t.Context()) }()
		time.Sleep(time.Second / 2)
		closed := make(chan error, 1)
		go func() { closed <- s.Close(t.Context()) }()
		time.Sleep(2 * time.Second)
		expectTokens(t, s, store, "A1", "R1")
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// TestAnswerAfterCloseIsSaved checks that a new refresh token is saved even if Close did
// not wait for it, and the store fails at first: the old refresh token may be used up, and
// another session may need the new one.
func TestAnswerAfterCloseIsSaved(t *testing.T) {
	for name, test := range map[string]struct {
		answer, close time.Duration // how long the answer takes, and when the session is closed
	}{
		"Close has no time to wait":                  {5 * time.Second, time.Second},
		"the answer comes after the time limit":      {20 * time.Second, 16 * time.Second},
		"the answer comes long after the time limit": {5 * time.Minute, 16 * time.Second},
	} {
		for failures, saved := range map[int32]bool{0: true, 5: true, 1000: false} {
			t.Run(fmt.Sprintf("%s, %d saves fail", name, failures), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{before: func(int) { time.Sleep(test.answer) }}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					go func() { _, _ = s.RefreshToken(context.Background()) }()
					time.Sleep(test.close)
					var saves atomic.Int32
					store.swap.set(func(context.Context) error {
						if saves.Add(1) <= failures {
							return errStore
						}
						return nil
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					_ = s.Close(ctx)
					time.Sleep(test.answer + time.Minute)
					if saved {
						expectTokens(t, s, store, "A1", "R1")
					}
					if n := saves.Load(); n == 0 || n > 100 {
						t.Errorf("%d saves", n)
					}
				})
			})
		}
	}
}

// TestCloseWaitsForADecisionWhoseCallerHasLeft sets a token with a context that ends while
// a listener is busy. When the listener has failed, OnError must hear of that before Close
// returns.
func TestCloseWaitsForADecisionWhoseCallerHasLeft(t *testing.T) {
	for try := range 50 {
		synctest.Test(t, func(t *testing.T) {
			reported := errorLog{}
			s := offline(t, &services{}, newHookedStore(), func(o *spotipie.Options) { o.OnError = reported.add })
			s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
				time.Sleep(3 * time.Second)
				return errStore
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := s.SetToken(ctx, tokenOf("A1", "R1", time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("SetToken: %v", err)
			}
			if err := s.Close(t.Context()); !errors.Is(err, errStore) {
				t.Errorf("Close: %v", err)
			}
			if heard := reported.all(); len(heard) == 0 {
				t.Fatalf("try %d: when Close returns, OnError has heard of nothing", try)
			}
		})
	}
}
