package spotipie_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestARefreshTokenAlone: a session gets an access token with it before it sends
// anything, or sends nothing.
func TestARefreshTokenAlone(t *testing.T) {
	server := spotifytest.New(t)
	other := signedIn(t, server, nil)
	alone, err := spotipie.NewToken(spotipie.TokenFields{RefreshToken: other.CurrentToken().RefreshToken()})
	if err != nil {
		t.Fatal(err)
	}
	if !alone.IsExpired(0) || alone.AccessToken() != "unknown" {
		t.Errorf("got access token %q, expired %t", alone.AccessToken(), alone.IsExpired(0))
	}
	store := spotipie.NewMemoryStore()
	s := newSession(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "alone" })
	if err := s.SetToken(t.Context(), alone); err != nil {
		t.Fatal(err)
	}
	again := newSession(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "alone" })
	if resp := get(t, again, "/v1/me", nil); resp.StatusCode != 200 {
		t.Errorf("the first request is answered with %s", resp.Status)
	}
	expectRefreshes(t, server, 1)

	withoutRefresh := newSession(t, server, nil)
	withoutRefresh.SetAutoRefresh(false)
	if err := withoutRefresh.SetToken(t.Context(), alone); err != nil {
		t.Fatal(err)
	}
	before := server.Stats().APIRequests
	if _, err := withoutRefresh.Request(t.Context(), "GET", "/v1/me", nil); !errors.Is(err, spotipie.ErrTokenExpired) {
		t.Errorf("error %v", err)
	}
	if after := server.Stats().APIRequests; after != before {
		t.Errorf("%d requests were sent", after-before)
	}
}

func TestFreshTokenIsHandedOutWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		first := token(t, s)
		time.Sleep(50 * time.Minute)
		if token(t, s) != first {
			t.Error("a fresh token was replaced")
		}
		synctest.Wait()
		expectRefreshes(t, server, 0)
		if allocs := testing.AllocsPerRun(100, func() { _, _ = s.Token(t.Context()) }); allocs != 0 {
			t.Errorf("Token allocates %v times", allocs)
		}
	})
}

func TestStaleTokenIsHandedOutWhileOneRenewalRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		old := token(t, s)
		time.Sleep(57 * time.Minute)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: 100 * time.Millisecond})

		started := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if tok, err := s.Token(t.Context()); tok != old || err != nil {
					t.Errorf("got %v, %v; want the stale token", tok, err)
				}
			})
		}
		wg.Wait()
		if waited := time.Since(started); waited != 0 {
			t.Errorf("callers waited %s for a token that is still valid", waited)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if token(t, s) == old {
			t.Error("the token was not renewed")
		}
		expectRefreshes(t, server, 1)
	})
}

func TestExpiredTokenIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		s := signedIn(t, server, nil)
		old := token(t, s)
		time.Sleep(2 * time.Hour)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: 100 * time.Millisecond})

		started := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if tok, err := s.Token(t.Context()); err != nil || tok == old {
					t.Errorf("got %v, %v; want a new token", tok, err)
				}
			})
		}
		wg.Wait()
		if waited := time.Since(started); waited != 100*time.Millisecond {
			t.Errorf("waited %s, want the 100 ms of the one request", waited)
		}
		expectRefreshes(t, server, 1)
	})
}

func TestCancelledCallerLeavesAndTheRefreshGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		s := signedIn(t, server, nil)
		old := token(t, s)
		time.Sleep(2 * time.Hour)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: time.Second})

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		started := time.Now()
		if _, err := s.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want that of the context", err)
		}
		if waited := time.Since(started); waited != 10*time.Millisecond {
			t.Errorf("the caller left after %s", waited)
		}
		if token(t, s) == old {
			t.Error("the refresh did not go on")
		}
		expectRefreshes(t, server, 1)
	})
}

func TestRenewalHasALimitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		time.Sleep(2 * time.Hour)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: time.Hour})
		started := time.Now()
		if _, err := s.Token(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a timeout", err)
		}
		if waited := time.Since(started); waited != 15*time.Second {
			t.Errorf("the renewal ended after %s, want 15 s", waited)
		}
	})
}

func TestRefreshTokenIsKeptOrReplaced(t *testing.T) {
	for name, rotate := range map[string]bool{"kept when the answer has none": false, "replaced when it has one": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: rotate})
				s := signedIn(t, server, nil)
				scope, before := s.Scope(), s.CurrentToken().RefreshToken()
				for range 5 {
					time.Sleep(2 * time.Hour)
					after := token(t, s).RefreshToken()
					if after == "" || (after != before) != rotate {
						t.Fatalf("rotation %t: the refresh token changed: %t", rotate, after != before)
					}
					before = after
				}
				if !s.Scope().Equal(scope) {
					t.Errorf("scope became %s", s.Scope())
				}
			})
		})
	}
}

func TestInvalidGrantIsFinal(t *testing.T) {
	for name, kill := range map[string]struct {
		words string
		do    func(*spotifytest.Server)
	}{
		"revoked by the user": {"Refresh token revoked", func(s *spotifytest.Server) { s.RevokeUser(s.Credentials().ClientID, "ada") }},
		"six months old":      {"Refresh token expired", func(*spotifytest.Server) { time.Sleep(190 * 24 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, nil)
				store := spotipie.NewMemoryStore()
				s := signedIn(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "ada" })
				refreshToken := token(t, s).RefreshToken()
				time.Sleep(2 * time.Hour)
				kill.do(server)
				for range 5 {
					_, err := s.Token(t.Context())
					var answer *spotipie.TokenEndpointError
					if !errors.Is(err, spotipie.ErrReauthorizationRequired) || !errors.As(err, &answer) ||
						answer.Code != "invalid_grant" || !strings.Contains(err.Error(), kill.words) {
						t.Fatalf("got error %v, want ErrReauthorizationRequired with %q", err, kill.words)
					}
					time.Sleep(time.Hour)
				}
				expectRefreshes(t, server, 1)
				key := spotipie.Key{ClientID: s.ClientID(), Profile: "ada"}
				rec, found, err := store.Load(t.Context(), key)
				if err != nil || !found || rec.Rejected != kill.words || rec.Token.RefreshToken() != refreshToken {
					t.Errorf("the stored record: %v, %t, %v; want it marked and its token kept", rec, found, err)
				}
				server.Login(t, s) // a new login helps
				time.Sleep(2 * time.Hour)
				token(t, s)
			})
		})
	}
}

func TestServerTroubleNeverCostsAToken(t *testing.T) {
	for name, fault := range map[string]accounts.Fault{
		"500":            {Kind: accounts.FaultServerError, Status: 500},
		"503":            {Kind: accounts.FaultServerError, Times: 3},
		"429":            {Kind: accounts.FaultRateLimited},
		"429 plain":      {Kind: accounts.FaultRateLimitedPlain},
		"cut connection": {Kind: accounts.FaultCut},
		"HTML":           {Kind: accounts.FaultHTML},
		"not JSON":       {Kind: accounts.FaultInvalidJSON},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, rotating())
				s := signedIn(t, server, nil)
				time.Sleep(2 * time.Hour)
				fault.Target = accounts.TargetToken
				queue(t, server, fault)
				_, err := s.Token(t.Context())
				if err == nil || errors.Is(err, spotipie.ErrReauthorizationRequired) {
					t.Errorf("got error %v, want one that is not final", err)
				}
				time.Sleep(2 * time.Second)
				token(t, s)
			})
		})
	}
}

func TestAuthorizedAtStaysAndTheSixMonthsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		consent := time.Now()
		var announced time.Time
		s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error { announced = e.ReauthorizeBy; return nil })
		for range 3 {
			time.Sleep(40 * 24 * time.Hour)
			token(t, s)
		}
		if !s.AuthorizedAt().Equal(consent) {
			t.Errorf("AuthorizedAt is %s, want %s", s.AuthorizedAt(), consent)
		}
		if want := consent.AddDate(0, 6, 0); !s.ReauthorizeBy().Equal(want) || !announced.Equal(want) {
			t.Errorf("ReauthorizeBy is %s, announced %s, want %s", s.ReauthorizeBy(), announced, want)
		}
	})
}

func TestCloseWaitsForTheRenewalInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := spotipie.NewMemoryStore()
		s := signedIn(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "ada" })
		old := token(t, s)
		time.Sleep(57 * time.Minute)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: 3 * time.Second})
		token(t, s) // starts the renewal
		if err := s.Close(t.Context()); err != nil {
			t.Fatalf("Close: %v", err)
		}
		rec, _, _ := store.Load(t.Context(), spotipie.Key{ClientID: s.ClientID(), Profile: "ada"})
		if rec.Token.RefreshToken() == old.RefreshToken() {
			t.Error("Close returned before the rotated token was saved")
		}
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("Token after Close: %v, want ErrClosed", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

func TestCloseObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		time.Sleep(57 * time.Minute)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: 3 * time.Second})
		token(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want that of its context", err)
		}
	})
}

func TestAutoRefreshOnAndOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, func(o *spotipie.Options) { o.DisableAutoRefresh = true })
		if s.AutoRefresh() {
			t.Error("on although disabled")
		}
		time.Sleep(57 * time.Minute)
		token(t, s)
		synctest.Wait()
		time.Sleep(time.Hour)
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrTokenExpired) {
			t.Errorf("got error %v, want ErrTokenExpired", err)
		}
		expectRefreshes(t, server, 0)
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Errorf("RefreshToken by hand: %v", err)
		}
		s.EnableAutoRefresh()
		if !s.AutoRefresh() {
			t.Error("off although enabled")
		}
		time.Sleep(2 * time.Hour)
		token(t, s)
		expectRefreshes(t, server, 2)
		s.DisableAutoRefresh()
		time.Sleep(2 * time.Hour)
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrTokenExpired) {
			t.Errorf("got error %v, want ErrTokenExpired", err)
		}
		s.SetAutoRefresh(true)
		time.Sleep(time.Second)
		token(t, s)
	})
}

func TestEnablingAutoRefreshInTheStaleWindowRenewsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, func(o *spotipie.Options) { o.DisableAutoRefresh = true })
		time.Sleep(57 * time.Minute)
		token(t, s)
		s.EnableAutoRefresh()
		token(t, s)
		synctest.Wait()
		expectRefreshes(t, server, 1)
	})
}

func TestRefreshTokenCallsAtOnceShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		s := signedIn(t, server, nil)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: time.Second})
		tokens := make(chan *spotipie.Token, 50)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				tok, err := s.RefreshToken(t.Context())
				if err != nil {
					t.Errorf("RefreshToken: %v", err)
				}
				tokens <- tok
			})
		}
		wg.Wait()
		close(tokens)
		for tok := range tokens {
			if tok != s.CurrentToken() {
				t.Error("RefreshToken returned another token than the new one")
			}
		}
		expectRefreshes(t, server, 1)
	})
}

func TestSetTokenDuringARefreshWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		time.Sleep(57 * time.Minute)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: time.Second})
		token(t, s)
		synctest.Wait()
		mine, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "mine", RefreshToken: "other", ExpiresIn: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetToken(t.Context(), mine); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if got := token(t, s).AccessToken(); got != "mine" {
			t.Error("the refresh replaced the token that was set while it ran")
		}
	})
}

func TestRotatedTokenSurvivesSetTokenOfTheOldOne(t *testing.T) {
	for name, store := range map[string]spotipie.Store{"in memory": nil, "with a store": spotipie.NewMemoryStore()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, rotating())
				s := signedIn(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "ada" })
				old := token(t, s)
				time.Sleep(57 * time.Minute)
				queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: time.Second})
				token(t, s)
				synctest.Wait()
				if err := s.SetToken(t.Context(), old); err != nil { // its refresh token is being used up
					t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				token(t, s)
				expectRefreshes(t, server, 2)
			})
		})
	}
}

func TestClientCredentialsFetchTheirFirstTokenThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
		if err != nil {
			t.Fatal(err)
		}
		spotifytest.CloseAtEnd(t, s)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { token(t, s) })
		}
		wg.Wait()
		server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
		time.Sleep(2 * time.Hour)
		token(t, s)
		server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 2})
	})
}

func TestTokenThatExpiredDuringItsRenewalIsNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { time.Sleep(time.Second); return nil })
		expired := 0
		s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { expired++; return nil })
		time.Sleep(57 * time.Minute)
		token(t, s) // stale: a renewal begins
		synctest.Wait()
		server.Advance(2 * time.Hour) // the laptop slept
		if tok := token(t, s); tok.IsExpiredAt(server.Now(), 0) {
			t.Error("an expired token was handed out")
		}
		if expired != 1 {
			t.Errorf("%d token_expired events, want 1", expired)
		}
	})
}
