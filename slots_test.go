package spotipie

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// herd is a token endpoint that takes its time, and notes who is there when.
type herd struct {
	takes time.Duration

	mu     sync.Mutex
	now    int
	most   int
	starts []time.Time
}

func (h *herd) RoundTrip(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.now++
	h.most = max(h.most, h.now)
	h.starts = append(h.starts, time.Now())
	n := len(h.starts)
	h.mu.Unlock()
	time.Sleep(h.takes)
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	body := fmt.Sprintf(`{"access_token":"A%d","token_type":"Bearer","expires_in":3600}`, n)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// TestTokenRequestsOfAnAppAreLimited: many users of one app are due at the same
// moment. All get a token, few are asked for at a time, and not in step.
func TestTokenRequestsOfAnAppAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 500
		endpoint := &herd{takes: 200 * time.Millisecond}
		a, err := newApp(Credentials{ClientID: "id", ClientSecret: "app-secret", RedirectURI: "http://127.0.0.1/callback"},
			&Options{Transport: endpoint})
		if err != nil {
			t.Fatal(err)
		}
		sessions := make([]*AuthorizationCodeSession, users)
		for i := range sessions {
			s := &AuthorizationCodeSession{}
			s.initFor(s, a, fmt.Sprint("user-", i), true)
			token, err := NewToken(TokenFields{AccessToken: "A", RefreshToken: fmt.Sprint("R", i), ExpiresIn: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetToken(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			sessions[i] = s
		}
		time.Sleep(time.Hour)
		started := time.Now()
		var wg sync.WaitGroup
		for _, s := range sessions {
			wg.Go(func() {
				if _, err := s.Token(t.Context()); err != nil {
					t.Errorf("Token: %v", err)
				}
			})
		}
		wg.Wait()
		if endpoint.most != defaultTokenRequests {
			t.Errorf("%d token requests at the same time, want %d", endpoint.most, defaultTokenRequests)
		}
		if len(endpoint.starts) != users {
			t.Errorf("%d token requests, want %d", len(endpoint.starts), users)
		}
		if took := time.Since(started); took > 4*time.Second {
			t.Errorf("it took %s", took)
		}
		moments := slices.Compact(slices.Clone(endpoint.starts))
		if len(moments) < users/2 {
			t.Errorf("the requests went off at %d moments only", len(moments))
		}
	})
}

func TestSlotsAreGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		giveBack, err := s.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				giveBack, err := s.take(t.Context())
				if err != nil {
					t.Errorf("take: %v", err)
					return
				}
				order = append(order, i) // one at a time
				giveBack()
			})
			synctest.Wait()
		}
		giveBack()
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 10 {
			t.Errorf("the order was %v", order)
		}
	})
}

// TestWaiterThatLeavesTakesNoSlotAlong, whether it leaves early or just when it
// is let in.
func TestWaiterThatLeavesTakesNoSlotAlong(t *testing.T) {
	for name, leave := range map[string]func(cancel, giveBack func()){
		"before a slot is free": func(cancel, giveBack func()) {
			cancel()
			synctest.Wait()
			giveBack()
		},
		"when a slot is free": func(cancel, giveBack func()) {
			giveBack()
			cancel()
		},
		"at the same moment": func(cancel, giveBack func()) {
			cancel()
			giveBack()
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				synctest.Test(t, func(t *testing.T) {
					s := newSlots(1)
					giveBack, err := s.take(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					go func() {
						giveBack, err := s.take(ctx)
						if err == nil {
							giveBack()
						} else if !errors.Is(err, context.Canceled) {
							t.Errorf("take: %v", err)
						}
					}()
					synctest.Wait()
					leave(cancel, giveBack)
					time.Sleep(time.Second)
					in, stop := context.WithTimeout(t.Context(), time.Second)
					defer stop()
					if _, err := s.take(in); err != nil {
						t.Errorf("the slot is gone: %v", err)
					}
				})
			}
		})
	}
}
