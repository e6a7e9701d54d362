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

// expectLoggedOut checks that neither the session nor its store has a token.
func expectLoggedOut(t *testing.T, s spotipie.Session, store *hookedStore) {
	t.Helper()
	if s.IsAuthorized() {
		t.Error("the session is still authorized")
	}
	if rec, found, err := store.MemoryStore.Load(t.Context(), adaKey); found || err != nil {
		t.Errorf("the deleted record is back: %v, %v", rec, err)
	}
}

func logOut(t *testing.T, store *hookedStore) {
	t.Helper()
	if err := store.Delete(context.Background(), adaKey); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

// TestLogoutDuringARefresh checks that callers who wait for the refresh get
// ErrNotAuthorized, and that the record stays deleted.
func TestLogoutDuringARefresh(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	asks := map[string]func(context.Context, session) (something bool, err error){
		"Token": func(ctx context.Context, s session) (bool, error) {
			tok, err := s.Token(ctx)
			return tok != nil, err
		},
		"RefreshToken": func(ctx context.Context, s session) (bool, error) {
			tok, err := s.RefreshToken(ctx)
			return tok != nil, err
		},
		"Request": func(ctx context.Context, s session) (bool, error) {
			resp, err := s.Request(ctx, http.MethodGet, "/v1/me", nil)
			if resp != nil {
				_ = resp.Body.Close()
			}
			return resp != nil, err
		},
		"TokenSource": func(ctx context.Context, s session) (bool, error) {
			tok, err := s.TokenSource(ctx).Token()
			return tok != nil, err
		},
	}
	for by, learns := range map[string]func(*testing.T, session){
		"nothing": func(*testing.T, session) {},
		"Load": func(t *testing.T, s session) {
			if tok, err := s.Load(t.Context()); tok != nil || err != nil {
				t.Errorf("Load: %s, %v", tokenNames(tok), err)
			}
		},
		"Watch": func(*testing.T, session) { time.Sleep(time.Second) },
	} {
		for name, ask := range asks {
			t.Run(name+", logout noticed by "+by, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					spotify.before = func(int) {
						logOut(t, store)
						learns(t, s)
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if by == "Watch" {
						go func() { _ = s.Watch(ctx) }()
					}
					time.Sleep(2 * time.Hour)
					if something, err := ask(ctx, s); something || !errors.Is(err, spotipie.ErrNotAuthorized) {
						t.Errorf("got something: %t, and error %v; want ErrNotAuthorized", something, err)
					}
					expectLoggedOut(t, s, store)
				})
			})
		}
	}
}

func TestLogoutDuringARefreshInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		old := set(t, s, time.Hour)
		spotify.before = func(int) { logOut(t, store) }
		time.Sleep(57 * time.Minute)
		if token(t, s) != old {
			t.Error("not the stale token")
		}
		synctest.Wait()
		expectLoggedOut(t, s, store)
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
			t.Errorf("got error %v, want ErrNotAuthorized", err)
		}
		expectRequests(t, spotify, 1)
	})
}

func TestLogoutWhileA401IsRecovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		spotify.api = func(req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusUnauthorized, "{}"), nil
		}
		spotify.before = func(int) { logOut(t, store) }
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, want the 401", resp.StatusCode)
		}
		expectLoggedOut(t, s, store)
	})
}

func TestLogoutDuringARefreshThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
			logOut(t, store)
			return respond(req, http.StatusBadRequest, `{"error":"invalid_grant"}`), nil
		}
		if tok, err := s.RefreshToken(t.Context()); tok != nil || err == nil {
			t.Errorf("got %s, %v", tokenNames(tok), err)
		}
		expectLoggedOut(t, s, store)
	})
}

// TestLogoutBeforeARenewalWasSaved checks that a renewal that could not be saved does
// not make a new record after a logout.
func TestLogoutBeforeARenewalWasSaved(t *testing.T) {
	for name, later := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession){
		"saved by Token": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
			_, _ = s.Token(t.Context())
			synctest.Wait()
		},
		"saved by Close": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		},
		"found by Load": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
			if tok, err := s.Load(t.Context()); tok != nil || err != nil {
				t.Errorf("Load: %s, %v", tokenNames(tok), err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				store.swap.set(fails)
				if _, err := s.RefreshToken(t.Context()); !errors.Is(err, errStore) {
					t.Fatalf("RefreshToken: %v, want the store's error", err)
				}
				store.swap.set(nil)
				logOut(t, store)
				time.Sleep(time.Minute)
				later(t, s)
				expectLoggedOut(t, s, store)
			})
		})
	}
}
