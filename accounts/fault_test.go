package accounts_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

// The faults' answers at the token endpoint.
func TestTokenFaults(t *testing.T) {
	tests := []struct {
		fault   accounts.Fault
		status  int
		body    string
		headers []string
	}{
		{accounts.Fault{Kind: accounts.FaultRateLimited, RetryAfter: 1500 * time.Millisecond}, 429, `{"error":{"status":429,"message":"API rate limit exceeded"}}`, []string{"Retry-After", "2"}},
		{accounts.Fault{Kind: accounts.FaultRateLimitedPlain}, 429, "Too many requests", []string{"Retry-After", "1", "Content-Type", "", "Content-Length", "17"}},
		{accounts.Fault{Kind: accounts.FaultServerError}, 503, `{"error":"server_error"}`, []string{"Content-Type", "application/json;charset=UTF-8"}},
		{accounts.Fault{Kind: accounts.FaultServerError, Status: 500}, 500, `{"error":"server_error"}`, nil},
		{accounts.Fault{Kind: accounts.FaultHTML}, 200, "<!doctype html><title>Welcome</title><p>Please log in to the network.", []string{"Content-Type", "text/html; charset=utf-8"}},
		{accounts.Fault{Kind: accounts.FaultInvalidJSON}, 200, `{"access_token":`, []string{"Content-Type", "application/json; charset=utf-8"}},
		{accounts.Fault{Kind: accounts.FaultRespond, Status: 418, Body: "tea", Header: http.Header{"X-Pot": {"yes"}}}, 418, "tea", []string{"X-Pot", "yes"}},
		{accounts.Fault{Kind: accounts.FaultRespond}, 200, "", nil},
		{accounts.Fault{Kind: accounts.FaultRevoked}, 400, bodyRevoked, nil},
		{accounts.Fault{Kind: accounts.FaultExpired}, 400, bodyExpired, nil},
	}
	for _, test := range tests {
		t.Run(string(test.fault.Kind), func(t *testing.T) {
			w := newWorld(t, accounts.Options{AutoApprove: true})
			token := w.login("").RefreshToken
			test.fault.Target = accounts.TargetToken
			w.queue(test.fault)
			w.refresh(token).expect(t, test.status, test.body, test.headers...)
			w.refresh(token).tokens(t) // the fault happened once, and nothing was lost
		})
	}
}

func TestFaultQueue(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login("")
	statuses := func(n int) (got []int) {
		for range n {
			got = append(got, w.refresh(token.RefreshToken).status)
		}
		return got
	}
	equal := func(name string, got, want []int) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", name, got, want)
				return
			}
		}
	}
	w.queue(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken, Times: 2})
	w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetToken})
	if a := w.get("/v1/me", token.AccessToken); a.status != 200 {
		t.Errorf("the fault hit another target: %d", a.status)
	}
	equal("queue", statuses(4), []int{503, 503, 429, 200})

	w.queue(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken, Every: 3})
	equal("rate", statuses(7), []int{200, 200, 503, 200, 200, 503, 200})
	w.queue(accounts.Fault{Kind: accounts.FaultRateLimited})
	equal("queue before rate", statuses(1), []int{429})
	w.ClearFaults()
	equal("cleared", statuses(4), []int{200, 200, 200, 200})

	w.queue(accounts.Fault{Kind: accounts.FaultRevoked})
	if a := w.token("grant_type", "client_credentials"); a.status != 200 {
		t.Errorf("revoked hit a grant without a refresh token: %d", a.status)
	}
	equal("revoked waits for a refresh", statuses(2), []int{400, 200})
}

func TestFaultsAreChecked(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	for _, f := range []accounts.Fault{
		{}, {Kind: "flood"}, {Kind: accounts.FaultCut, Target: "moon"},
		{Kind: accounts.FaultRevoked, Target: accounts.TargetAPI},
		{Kind: accounts.FaultExpired, Target: accounts.TargetAuthorize},
		{Kind: accounts.FaultOwnerNotPremium, Target: accounts.TargetToken},
		{Kind: accounts.FaultServerError, Status: 99}, {Kind: accounts.FaultRespond, Status: 100},
		{Kind: accounts.FaultCut, Times: -1}, {Kind: accounts.FaultCut, Every: -1},
		{Kind: accounts.FaultSlow, Delay: -1}, {Kind: accounts.FaultRateLimited, RetryAfter: -1},
	} {
		if err := w.QueueFault(f); err == nil {
			t.Errorf("accepted %+v", f)
		}
	}
}

func TestCutConnection(t *testing.T) {
	w, v := serve(t, accounts.Options{AutoApprove: true})
	token := w.appToken()
	w.queue(accounts.Fault{Kind: accounts.FaultCut, Target: accounts.TargetAPI, Times: 2}) // net/http tries a GET again
	r := v.request("PUT", "/v1/me/player/play", "")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := v.client.Do(r)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("answered %d", resp.StatusCode)
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want EOF", err)
	}
}

// Half of the answer is lost, but the refresh token was rotated: using the old one now
// revokes the grant.
func TestTruncatedAnswer(t *testing.T) {
	w, v := serve(t, accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	token := w.login("").RefreshToken
	w.queue(accounts.Fault{Kind: accounts.FaultTruncated, Target: accounts.TargetToken})
	r := v.request("POST", "/api/token", values("grant_type", "refresh_token", "refresh_token", token).Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(clientID, clientSecret)
	resp, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(body), `{"access_token":"BQ`) {
		t.Errorf("status %d, %d bytes, error %v", resp.StatusCode, len(body), err)
	}
	w.refresh(token).expect(t, 400, bodyRevoked)
	if stats := w.Stats(); stats.Rejected != 1 {
		t.Errorf("rejected %d, want the reuse alone", stats.Rejected)
	}
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, accounts.Options{AutoApprove: true})
		token := w.appToken()
		w.queue(accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetAPI, Delay: time.Minute, Times: 2})
		w.queue(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI, Delay: time.Second})

		begin := time.Now()
		if a := w.get("/v1/search?q=a&type=track", token); a.status != 200 || time.Since(begin) != time.Minute {
			t.Errorf("status %d after %v", a.status, time.Since(begin))
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/v1/me", nil))
		if time.Since(begin) != time.Second {
			t.Errorf("waited %v after the client had disconnected", time.Since(begin))
		}

		begin = time.Now()
		if a := w.get("/v1/me", token); a.status != 503 || time.Since(begin) != time.Second {
			t.Errorf("status %d after %v", a.status, time.Since(begin))
		}
	})
}

// A client that hangs up ends the wait on a real connection too.
func TestSlowEndsWithTheConnection(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer close(done)
		w.ServeHTTP(rw, r)
	}))
	defer server.Close()
	w.queue(accounts.Fault{Kind: accounts.FaultSlow, Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/api/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := server.Client().Do(r); err == nil {
		resp.Body.Close()
		t.Fatal("answered")
	}
	<-done
}
