package spotipie_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestListenersOfSessionsThatSetEachOthersTokens lets listeners set the tokens of
// other sessions in a ring. They pass on their context, so no session waits for
// itself.
func TestListenersOfSessionsThatSetEachOthersTokens(t *testing.T) {
	for _, n := range []int{2, 3, 5} {
		for way, set := range map[string]func(context.Context, spotipie.Session, *spotipie.Token) error{
			"SetToken": func(ctx context.Context, s spotipie.Session, tok *spotipie.Token) error { return s.SetToken(ctx, tok) },
			"SetToken with a context made of it": func(ctx context.Context, s spotipie.Session, tok *spotipie.Token) error {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
				defer cancel()
				return s.SetToken(ctx, tok)
			},
			"RefreshToken": func(ctx context.Context, s spotipie.Session, _ *spotipie.Token) error { return refresh(ctx, s) },
		} {
			t.Run(fmt.Sprintf("%d sessions by %s", n, way), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{}
					sessions, heard := make([]spotipie.Session, n), make([]hearing, n)
					for i := range sessions {
						sessions[i] = offline(t, spotify, nil, nil)
						if err := sessions[i].SetToken(t.Context(), tokenOf("B", "R", time.Hour)); err != nil {
							t.Fatal(err)
						}
					}
					rounds := 0
					for i, s := range sessions {
						s.OnTokenUpdated(heard[i].updated)
						s.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
							if rounds++; rounds > n {
								return nil // the ring is complete
							}
							return set(ctx, sessions[(i+1)%n], tokenOf(fmt.Sprint("C", rounds), "R", time.Hour))
						})
					}
					started := time.Now()
					if err := sessions[0].SetToken(t.Context(), tokenOf("C0", "R", time.Hour)); err != nil {
						t.Errorf("SetToken: %v", err)
					}
					if waited := time.Since(started); waited > time.Second {
						t.Errorf("a session waited for itself for %s", waited)
					}
					synctest.Wait()
					for i := range heard {
						want := []string{sessions[i].CurrentToken().AccessToken()}
						if i == 0 {
							want = []string{"C0", want[0]}
						}
						expectHeard(t, &heard[i], want...)
					}
				})
			})
		}
	}
}

// TestSessionsThatMirrorEachOther lets two sessions set each other's tokens when they
// differ.
func TestSessionsThatMirrorEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := offline(t, &services{}, nil, nil), offline(t, &services{}, nil, nil)
		mirror := func(to spotipie.Session) func(context.Context, spotipie.TokenUpdated) error {
			return func(ctx context.Context, e spotipie.TokenUpdated) error {
				if e.NewToken.Equal(to.CurrentToken()) {
					return nil
				}
				return to.SetToken(ctx, e.NewToken)
			}
		}
		a.OnTokenUpdated(mirror(b))
		b.OnTokenUpdated(mirror(a))
		for i, s := range []spotipie.Session{a, b, a} {
			started := time.Now()
			tok := tokenOf(fmt.Sprint("C", i), "R", time.Hour)
			if err := s.SetToken(t.Context(), tok); err != nil || time.Since(started) > time.Second {
				t.Errorf("SetToken: %v after %s", err, time.Since(started))
			}
			if !a.CurrentToken().Equal(tok) || !b.CurrentToken().Equal(tok) {
				t.Errorf("%s and %s, want both to hold %s", tokenNames(a.CurrentToken()), tokenNames(b.CurrentToken()), tok.AccessToken())
			}
		}
	})
}

// TestExpiredListenerThatNeedsItsSessionByWayOfAnother lets a token-expired listener of
// a session change another session, whose listener uses the first one. Calls that would
// wait for the listener must fail at once.
func TestExpiredListenerThatNeedsItsSessionByWayOfAnother(t *testing.T) {
	for name, use := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession) error{
		"Token": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Token(ctx)
			return err
		},
		"a request": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			resp, err := s.Request(ctx, http.MethodGet, "/v1/me", nil)
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		},
		"RefreshToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error { return refresh(ctx, s) },
		"SetToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(ctx, tokenOf("C", "R", time.Hour))
		},
		"Load": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Load(ctx)
			return err
		},
	} {
		for event, begin := range map[string]func(ctx context.Context, a, b spotipie.Session) error{
			"b's token is set": func(ctx context.Context, _, b spotipie.Session) error {
				return b.SetToken(ctx, tokenOf("B", "R", time.Hour))
			},
			"b's token is renewed": func(ctx context.Context, _, b spotipie.Session) error { return refresh(ctx, b) },
		} {
			t.Run(name+" when "+event, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, b := offline(t, &services{}, nil, nil), offline(t, &services{}, nil, nil)
					set(t, a, time.Hour)
					set(t, b, 9*time.Hour)
					a.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error { return begin(ctx, a, b) })
					b.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { return use(ctx, a) })
					time.Sleep(2 * time.Hour)
					started := time.Now()
					if tok, err := a.Token(t.Context()); err != nil || tok.AccessToken() == "A0" {
						t.Errorf("a.Token: %s, %v", tokenNames(tok), err)
					}
					if waited := time.Since(started); waited > time.Second {
						t.Errorf("a.Token waited for itself for %s", waited)
					}
				})
			})
		}
	}
}

// TestListenersOfAnotherSessionMayCloseTheFirst closes a session from a listener of
// another session, which the first one's listener has called. Nothing may wait for
// itself.
func TestListenersOfAnotherSessionMayCloseTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := offline(t, &services{}, nil, nil), offline(t, &services{}, nil, nil)
		a.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error { return b.SetToken(ctx, e.NewToken) })
		b.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { return a.Close(ctx) })
		started := time.Now()
		err := a.SetToken(t.Context(), tokenOf("C", "R", time.Hour))
		if waited := time.Since(started); err != nil || waited > time.Second {
			t.Errorf("SetToken: %v after %s", err, waited)
		}
	})
}

// TestListenersOfTwoSessionsAtOnce lets the listeners of two sessions run at the same
// time, and use the other session. None may wait for the other until its time is up.
func TestListenersOfTwoSessionsAtOnce(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	updated := func(use func(context.Context, session) error) func(session, session) {
		return func(from, to session) {
			from.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
				time.Sleep(time.Millisecond)
				if e.NewToken.AccessToken() != "first" {
					return nil
				}
				return use(ctx, to)
			})
		}
	}
	expired := func(use func(context.Context, session) error) func(session, session) {
		return func(from, to session) {
			from.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error {
				time.Sleep(time.Millisecond)
				return use(ctx, to)
			})
		}
	}
	setToken := func(ctx context.Context, s session) error { return s.SetToken(ctx, tokenOf("second", "R", time.Hour)) }
	needToken := func(ctx context.Context, s session) error { _, err := s.Token(ctx); return err }
	first := func(ctx context.Context, s session) error { return s.SetToken(ctx, tokenOf("first", "R", time.Hour)) }
	for name, test := range map[string]struct {
		listen func(from, to session)
		begin  func(context.Context, session) error
	}{
		"set each other's token":                 {updated(setToken), first},
		"log each other out":                     {updated(func(ctx context.Context, s session) error { return s.Logout(ctx) }), first},
		"need each other's token":                {updated(needToken), first},
		"need each other's token when they end":  {expired(needToken), needToken},
		"set each other's token when they end":   {expired(setToken), needToken},
		"renew each other's token when they end": {expired(func(ctx context.Context, s session) error { _, err := s.RefreshToken(ctx); return err }), needToken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reported errorLog
				report := func(o *spotipie.Options) { o.OnError = reported.add }
				a, b := offline(t, &services{}, nil, report), offline(t, &services{}, nil, report)
				set(t, a, time.Hour)
				set(t, b, time.Hour)
				test.listen(a, b)
				test.listen(b, a)
				time.Sleep(2 * time.Hour)
				var group sync.WaitGroup
				for _, s := range []session{a, b} {
					group.Go(func() {
						began := time.Now()
						if err := test.begin(t.Context(), s); err != nil || time.Since(began) > time.Second {
							t.Errorf("%v after %s", err, time.Since(began))
						}
					})
				}
				group.Wait()
				time.Sleep(time.Minute)
				if heard := reported.all(); len(heard) > 0 {
					t.Errorf("OnError heard %v", heard)
				}
			})
		})
	}
}
