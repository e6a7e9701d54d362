package spotipie_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestWindows(t *testing.T) {
	for name, test := range map[string]struct {
		lifetime, early       time.Duration
		freshUntil, staleFrom time.Duration // before the end
		usableUntil, goneFrom time.Duration
	}{
		"an hour: stale in the last 5 min ± 20 %, gone in the last 10 s": {
			time.Hour, 0, 6*time.Minute + 1*time.Second, 4 * time.Minute, 11 * time.Second, 10 * time.Second,
		},
		"a minute: never over a quarter": {
			time.Minute, 0, 16 * time.Second, 14 * time.Second, 11 * time.Second, 10 * time.Second,
		},
		"8 s: never over a quarter for the last seconds either": {
			8 * time.Second, 0, 3 * time.Second, 2 * time.Second, 2500 * time.Millisecond, 2 * time.Second,
		},
		"10 min early when asked for": {
			time.Hour, 10 * time.Minute, 12*time.Minute + time.Second, 8 * time.Minute, 11 * time.Second, 10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, &accounts.Options{AutoApprove: true, TokenLifetime: test.lifetime})
				for range 20 { // the jitter differs from session to session
					checkWindows(t, server, test.early, test.freshUntil, test.staleFrom, test.usableUntil, test.goneFrom)
				}
			})
		})
	}
}

func checkWindows(t *testing.T, server *spotifytest.Server, early, freshUntil, staleFrom, usableUntil, goneFrom time.Duration) {
	t.Helper()
	var offset time.Duration
	s := signedIn(t, server, func(o *spotipie.Options) {
		o.EarlyRefresh = early
		o.Now = func() time.Time { return server.Now().Add(offset) }
	})
	end := s.CurrentToken().ExpiresAt()
	at := func(left time.Duration) { offset = end.Add(-left).Sub(server.Now()) }
	before := server.Stats().TokenRequests.RefreshToken
	refreshes := func() int { synctest.Wait(); return server.Stats().TokenRequests.RefreshToken - before }
	old := s.CurrentToken()

	at(freshUntil)
	if token(t, s); refreshes() != 0 {
		t.Errorf("renewed with %s left", freshUntil)
	}
	// A renewal in the background that fails leaves the token as it is.
	queue(t, server, accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken})
	at(staleFrom)
	if staleFrom > goneFrom {
		if tok := token(t, s); tok != old || refreshes() != 1 {
			t.Errorf("with %s left: %d renewals, want 1 in the background", staleFrom, refreshes())
		}
	}
	at(usableUntil)
	if tok := token(t, s); tok != old {
		t.Errorf("no longer returned with %s left", usableUntil)
	}
	synctest.Wait()
	server.ClearFaults()
	if s.CurrentToken() != old {
		return // the call with usableUntil left has renewed it
	}
	at(goneFrom)
	if tok := token(t, s); tok == old {
		t.Errorf("still returned with %s left", goneFrom)
	}
}

func TestBackgroundFailuresBackOffAndNobodyNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		var reported errorLog
		s := signedIn(t, server, func(o *spotipie.Options) {
			o.EarlyRefresh = 15 * time.Minute
			o.OnError = reported.add
		})
		old := token(t, s)
		queue(t, server, accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken, Every: 1})
		time.Sleep(47 * time.Minute)

		var attempts []time.Time
		for end := time.Now().Add(6 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if token(t, s) != old {
				t.Fatal("not the stale token")
			}
			synctest.Wait()
			if n := server.Stats().TokenRequests.RefreshToken; n > len(attempts) {
				attempts = append(attempts, time.Now())
			}
		}
		want := []time.Duration{5, 10, 20, 40, 60, 60, 60}
		if len(attempts) < 6 {
			t.Fatalf("%d attempts in six minutes", len(attempts))
		}
		for i := 1; i < len(attempts); i++ {
			gap, around := attempts[i].Sub(attempts[i-1]), want[min(i-1, len(want)-1)]*time.Second
			if gap < around*8/10-time.Second/5 || gap > around*12/10+time.Second/5 {
				t.Errorf("attempt %d came %s after the one before, want %s ± 20 %%", i+1, gap, around)
			}
		}
		var answer *spotipie.TokenEndpointError
		if heard := reported.all(); len(heard) != len(attempts) || !errors.As(heard[0], &answer) || !answer.Temporary() {
			t.Errorf("OnError heard of %d failures, want %d; %v", len(heard), len(attempts), heard)
		}
	})
}

func TestRetryAfterOfTheTokenEndpointIsHonoured(t *testing.T) {
	for name, elapsed := range map[string]time.Duration{"stale": 57 * time.Minute, "expired": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, nil)
				s := signedIn(t, server, nil)
				time.Sleep(elapsed)
				queue(t, server, accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetToken, RetryAfter: 90 * time.Second})
				for range 80 {
					_, err := s.Token(t.Context())
					var answer *spotipie.TokenEndpointError
					if name == "expired" && (!errors.As(err, &answer) || answer.RetryAfter != 90*time.Second) {
						t.Fatalf("got error %v, want 429 with its pause", err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				expectRefreshes(t, server, 1)
				time.Sleep(time.Minute)
				token(t, s)
				synctest.Wait()
				expectRefreshes(t, server, 2)
			})
		})
	}
}

func TestExpiredCallersInALoopAreNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := signedIn(t, server, nil)
		time.Sleep(2 * time.Hour)
		queue(t, server, accounts.Fault{Kind: accounts.FaultServerError, Status: 500, Target: accounts.TargetToken, Every: 1})
		for end := time.Now().Add(9500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if _, err := s.Token(t.Context()); err == nil {
				t.Fatal("no error while the accounts service is down")
			}
		}
		expectRefreshes(t, server, 10)
		server.ClearFaults()
		time.Sleep(time.Second)
		token(t, s)
	})
}
