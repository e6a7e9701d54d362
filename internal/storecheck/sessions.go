package storecheck

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// endpoint is a token endpoint that does not answer before hold is closed.
type endpoint struct {
	requests atomic.Int32
	asked    chan struct{} // gets a value for each request
	hold     chan struct{}
}

// RoundTrip implements [http.RoundTripper].
func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	n := e.requests.Add(1)
	e.asked <- struct{}{}
	<-e.hold
	body := fmt.Sprintf(`{"access_token":"renewed-%d","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-%d"}`, n, n)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}, nil
}

// ManySessions lets 5,000 sessions of one key, all with an expired token, ask for a
// token through store. There must be one token request, and no session may fail. All
// together must send fewer than 100 commands, and loading another key must not take
// twice as long as before. commands returns how many commands store has sent.
//
// On a busy machine a round takes longer, so the sessions send more commands. The
// test passes if one of three rounds does.
func ManySessions(t *testing.T, store spotipie.Store, commands func() int) {
	t.Helper()
	for round := 1; ; round++ {
		problem := manySessions(t, store, commands)
		if problem == "" || t.Failed() {
			return
		}
		if round == 3 {
			t.Error(problem)
			return
		}
		t.Log(problem + ": once more")
	}
}

// manySessions runs one round. It returns a problem that may come from a busy
// machine, or "".
func manySessions(t *testing.T, store spotipie.Store, commands func() int) (problem string) {
	t.Helper()
	old := Record(t, "old")
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: "old", RefreshToken: "refresh", ExpiresIn: time.Hour, ExpiresAt: time.Now().Add(-time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	old.Token, old.RequestedScope, old.Rejected = token, nil, ""
	other := spotipie.Key{ClientID: "client", Profile: "grace"}
	for _, key := range []spotipie.Key{Key(), other} {
		if err := store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Swap(t.Context(), key, 0, old); err != nil {
			t.Fatal(err)
		}
	}
	spotify := &endpoint{asked: make(chan struct{}, waiters), hold: make(chan struct{})}
	sessions := make([]*spotipie.AuthorizationCodeSession, waiters)
	for i := range sessions {
		sessions[i] = newSession(t, store, spotify)
	}
	idle := medianLoad(t, store, other)

	start := commands()
	var waiting sync.WaitGroup
	for _, s := range sessions {
		waiting.Go(func() {
			if got, err := s.Token(t.Context()); err != nil || got.AccessToken() != "renewed-1" {
				t.Errorf("a session got %v, %v", got, err)
			}
		})
	}
	<-spotify.asked
	beforeLoads := commands()
	busy := medianLoad(t, store, other) // meanwhile all sessions begin to wait
	loads := commands() - beforeLoads
	close(spotify.hold)
	waiting.Wait()
	made := commands() - start - min(loads, medianOf)

	t.Logf("%d sessions: %d token requests, %d commands; Load of another key: median %s, %s before", waiters, spotify.requests.Load(), made, busy, idle)
	if n := spotify.requests.Load(); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if made >= 100 {
		problem = fmt.Sprintf("they made %d commands, want fewer than 100", made)
	}
	if idle = max(idle, medianLoad(t, store, other)); busy >= 2*idle {
		problem = fmt.Sprintf("loading another key took %s beside them, and %s without them", busy, idle)
	}
	for _, s := range sessions {
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	return problem
}

func newSession(t *testing.T, store spotipie.Store, spotify http.RoundTripper) *spotipie.AuthorizationCodeSession {
	t.Helper()
	key := Key()
	s, err := spotipie.NewAuthorizationCodeSession(
		spotipie.Credentials{ClientID: key.ClientID, RedirectURI: "http://127.0.0.1/callback"},
		&spotipie.Options{Store: store, Profile: key.Profile, Transport: spotify})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
