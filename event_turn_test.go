package spotipie_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// hearing collects the tokens that listeners hear of.
type hearing struct {
	mu   sync.Mutex
	list []string
}

func (h *hearing) add(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, what)
}

func (h *hearing) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// updated is a listener that records the access token.
func (h *hearing) updated(_ context.Context, e spotipie.TokenUpdated) error {
	h.add(e.NewToken.AccessToken())
	return nil
}

func expectHeard(t *testing.T, h *hearing, want ...string) {
	t.Helper()
	if got := h.all(); !slices.Equal(got, want) {
		t.Errorf("heard of %q, want %q", got, want)
	}
}

// TestListenersHearInOrderWhatOneOfThemSets lets a listener set a token. The listeners
// before and after it must hear of the token it was called for, and then of the one
// that it has set.
func TestListenersHearInOrderWhatOneOfThemSets(t *testing.T) {
	for name, test := range map[string]struct {
		act  func(context.Context, *spotipie.AuthorizationCodeSession) error
		want string
	}{
		"SetToken": {func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(ctx, tokenOf("B", "R", time.Hour))
		}, "B"},
		"SetRecord": {func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetRecord(ctx, spotipie.Record{Token: tokenOf("B", "R", time.Hour)})
		}, "B"},
		"RefreshToken": {func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.RefreshToken(ctx)
			return err
		}, "A1"},
		"a login": {func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, state, err := s.AuthorizationURL(nil)
			if err == nil {
				_, err = s.FetchTokenGivenCode(ctx, "code", state)
			}
			return err
		}, "A1"},
		"two in a row": {func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return errors.Join(s.SetToken(ctx, tokenOf("B", "R", time.Hour)), s.SetToken(ctx, tokenOf("C", "R", time.Hour)))
		}, "C"},
	} {
		for _, withStore := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, a store: %t", name, withStore), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var store spotipie.Store
					if withStore {
						store = newHookedStore()
					}
					s := offline(t, &services{}, store, nil)
					var before, after hearing
					s.OnTokenUpdated(before.updated)
					s.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
						if e.NewToken.AccessToken() != "A0" {
							return nil
						}
						return test.act(ctx, s)
					})
					s.OnTokenUpdated(after.updated)
					started := time.Now()
					set(t, s, time.Hour)
					if waited := time.Since(started); waited > time.Second {
						t.Errorf("SetToken took %s", waited)
					}
					expectHeard(t, &before, "A0", test.want) // SetToken has waited for all listeners
					expectHeard(t, &after, "A0", test.want)
				})
			})
		}
	}
}

// TestTokenThatIsReadMeanwhileIsAnnounced lets the session find its new token in the
// store before the save has returned. The listeners must still hear of the token.
func TestTokenThatIsReadMeanwhileIsAnnounced(t *testing.T) {
	for name, begin := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession) error{
		"renewed": func(t *testing.T, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.RefreshToken(t.Context())
			return err
		},
		"set": func(t *testing.T, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(t.Context(), tokenOf("A1", "R1", time.Hour))
		},
		"fetched": func(t *testing.T, s *spotipie.AuthorizationCodeSession) error {
			_, err := login(t, s)
			return err
		},
	} {
		for lost, answer := range map[string]error{"the save is told": nil, "its answer is lost": errStore} {
			t.Run(name+", "+lost, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newHookedStore()
					s := offline(t, &services{}, &lossyStore{store, answer}, nil)
					set(t, s, time.Hour)
					var heard hearing
					s.OnTokenUpdated(heard.updated)
					store.swapped.set(func(rec spotipie.Record) {
						go func() { _, _ = s.Load(context.Background()) }()
						time.Sleep(time.Second)
					})
					if err := begin(t, s); err != nil && answer == nil {
						t.Errorf("got error %v", err)
					}
					time.Sleep(time.Minute)
					expectHeard(t, &heard, "A1")
				})
			})
		}
	}
}

// TestTokenThatIsReadWhileTheListenersAreBusyIsAnnounced lets another process save an
// equal token. It must not count as another token.
func TestTokenThatIsReadWhileTheListenersAreBusyIsAnnounced(t *testing.T) {
	for name, read := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession) error{
		"Load": func(t *testing.T, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Load(t.Context())
			return err
		},
		"Watch": func(t *testing.T, s *spotipie.AuthorizationCodeSession) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_ = s.Watch(ctx)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, store, nil)
				var heard hearing
				s.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
					time.Sleep(5 * time.Second)
					return heard.updated(ctx, e)
				})
				go func() { _ = s.SetToken(context.Background(), tokenOf("B1", "R1", time.Hour)) }()
				time.Sleep(time.Second)
				go func() { _ = s.SetToken(context.Background(), tokenOf("B2", "R2", time.Hour)) }()
				time.Sleep(time.Second)
				change(t, store, func(rec *spotipie.Record) { rec.Token = copyOf(t, rec.Token) })
				go func() {
					if err := read(t, s); err != nil {
						t.Errorf("reading: %v", err)
					}
				}()
				time.Sleep(time.Minute)
				expectHeard(t, &heard, "B1", "B2")
			})
		})
	}
}

// copyOf returns an equal token, like a store that keeps JSON.
func copyOf(t *testing.T, tok *spotipie.Token) *spotipie.Token {
	t.Helper()
	data, err := json.Marshal(tok)
	if err != nil {
		t.Fatal(err)
	}
	var c spotipie.Token
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if !c.Equal(tok) {
		t.Fatal("the copy is not equal")
	}
	return &c
}

// lossyStore is a store that saves a record but returns an error.
type lossyStore struct {
	*hookedStore
	answer error
}

func (l *lossyStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	version, err := l.hookedStore.Swap(ctx, key, version, rec)
	if err == nil && rec.Token.AccessToken() == "A1" {
		err = l.answer
	}
	return version, err
}

// TestNothingIsCalledAfterRemove checks that a removed listener is not called, even
// for a token that was on its way.
func TestNothingIsCalledAfterRemove(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s spotipie.Session, remove func()){
		"remove": func(_ *testing.T, _ spotipie.Session, remove func()) { remove() },
		"Close whose context ends": func(t *testing.T, s spotipie.Session, _ func()) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := offline(t, &services{}, nil, nil)
				slow := func() { time.Sleep(10 * time.Second) }
				s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { slow(); return nil })
				s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { slow(); return nil })
				var heard hearing
				removeUpdated := s.OnTokenUpdated(heard.updated)
				removeExpired := s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { heard.add("expired"); return nil })
				go func() { _ = s.SetToken(context.Background(), tokenOf("B1", "R", time.Second)) }()
				time.Sleep(time.Second)
				go func() { _ = s.SetToken(context.Background(), tokenOf("B2", "R", time.Second)) }()
				time.Sleep(2 * time.Second)
				go func() { _, _ = s.Token(context.Background()) }() // the token is expired
				time.Sleep(time.Second)
				end(t, s, func() { removeUpdated(); removeExpired() })
				time.Sleep(time.Minute)
				expectHeard(t, &heard)
			})
		})
	}
}

// TestListenerThatRemovesAnother checks that a listener that another one removes is
// not called for the same event.
func TestListenerThatRemovesAnother(t *testing.T) {
	s := offline(t, &services{}, nil, nil)
	var heard hearing
	var remove func()
	s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { remove(); return nil })
	remove = s.OnTokenUpdated(heard.updated)
	set(t, s, time.Hour)
	expectHeard(t, &heard)
}

// TestEachListenerHasItsWholeTime checks that earlier listeners and earlier events
// do not shorten the time that a listener has.
func TestEachListenerHasItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, nil, func(o *spotipie.Options) { o.RefreshTimeout = 15 * time.Second })
		var mu sync.Mutex
		var left []time.Duration
		slow := func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			mu.Lock()
			left = append(left, time.Until(deadline))
			mu.Unlock()
			time.Sleep(14 * time.Second)
			return ctx.Err()
		}
		for range 3 {
			s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { return slow(ctx) })
			s.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error { return slow(ctx) })
		}
		if err := s.SetToken(t.Context(), tokenOf("B1", "R", 30*time.Second)); err != nil {
			t.Errorf("SetToken: %v", err)
		}
		for i := range 3 { // the second and third calls wait for the first
			go func() { _ = s.SetToken(context.Background(), tokenOf(fmt.Sprint("C", i), "R", 30*time.Second)) }()
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Minute)
		if _, err := s.Token(t.Context()); err != nil {
			t.Errorf("Token: %v", err)
		}
		time.Sleep(3 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for i, d := range left {
			if d != 15*time.Second {
				t.Errorf("call %d had %s, want 15 s", i+1, d)
			}
		}
		if len(left) < 15 {
			t.Errorf("%d calls of listeners", len(left))
		}
	})
}
