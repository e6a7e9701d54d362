package accounts_test

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// newLogged makes a world and a buffer with its log, without times and levels.
func newLogged(t *testing.T, opts accounts.Options) (*world, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, slog.LevelKey, slog.MessageKey:
				return slog.Attr{}
			}
			return a
		},
	}))
	return newWorld(t, opts), &log
}

func TestRequestLog(t *testing.T) {
	w, log := newLogged(t, accounts.Options{})
	token := func(w *world) string { return w.consentAs("grace", "").AccessToken }
	tests := []struct {
		name string
		ask  func()
		want string // the last line
	}{
		{"consent page", func() { w.authorize() }, "method=GET path=/authorize client_id=" + clientID + " status=200"},
		{"error page", func() { w.authorize("client_id", "x") }, `method=GET path=/authorize status=400 error="INVALID_CLIENT: Invalid client"`},
		{"denied", func() { w.DenyNext(1); w.authorize() }, "method=GET path=/authorize client_id=" + clientID + " consent=denied status=302"},
		{"agreed in the page", func() {
			w.do(postForm(t.Context(), values("form_token", formToken(t, w.authorize()), "user", "grace", "decision", "agree")))
		}, "method=POST path=/authorize client_id=" + clientID + " user=grace status=303"},
		{"cancelled in the page", func() {
			w.do(postForm(t.Context(), values("form_token", formToken(t, w.authorize()), "decision", "cancel")))
		}, "method=POST path=/authorize client_id=" + clientID + " consent=denied status=303"},
		{"token", func() { w.appToken() }, "method=POST path=/api/token grant_type=client_credentials client_id=" + clientID + " status=200"},
		{"token refused", func() { w.refresh("AQx") }, "method=POST path=/api/token grant_type=refresh_token client_id=" + clientID + ` status=400 error="invalid_grant: Invalid refresh token"`},
		{"grant type that may be a secret", func() { w.token("grant_type", clientSecret) }, "method=POST path=/api/token status=400 error=unsupported_grant_type"},
		{"unknown client", func() { w.publicToken("grant_type", "refresh_token", "client_id", clientSecret) },
			`method=POST path=/api/token grant_type=refresh_token status=400 error="invalid_client: Invalid client"`},
		{"profile", func() { w.get("/v1/me?x=y", token(w)) }, "method=GET path=/v1/me client_id=" + clientID + " user=grace status=200"},
		{"no token", func() { w.do(httptest.NewRequest("GET", "/v1/me", nil)) }, `method=GET path=/v1/me status=401 error="No token provided"`},
		{"scope", func() { w.get("/v1/me/tracks", token(w)) }, "method=GET path=/v1/me/tracks client_id=" + clientID + ` user=grace status=403 error="Insufficient client scope"`},
		{"fault", func() {
			w.queue(accounts.Fault{Kind: accounts.FaultQuotaExceeded})
			w.get("/v1/me", "x")
		}, `method=GET path=/v1/me fault=quota_exceeded status=429 error="Too many requests: QUOTA_EXCEEDED"`},
		{"a path with a line break", func() { w.do(httptest.NewRequest("GET", "/a%0Amethod=GET", nil)) }, `method=GET path="/a\nmethod=GET" status=404`},
		{"cut", func() {
			w.queue(accounts.Fault{Kind: accounts.FaultCut})
			defer func() { _ = recover() }()
			w.get("/v1/me", "x")
		}, "method=GET path=/v1/me fault=cut status=cut"},
		{"truncated", func() {
			w.queue(accounts.Fault{Kind: accounts.FaultTruncated, Target: accounts.TargetToken})
			defer func() { _ = recover() }()
			w.appToken()
		}, "method=POST path=/api/token fault=truncated grant_type=client_credentials client_id=" + clientID + " status=cut"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.ask()
			lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
			if got := lines[len(lines)-1]; got != test.want {
				t.Errorf("got\n %s\nwant\n %s", got, test.want)
			}
		})
	}
}

func TestRequestLogHasNoSecret(t *testing.T) {
	w, log := newLogged(t, accounts.Options{AutoApprove: true, Control: true})
	code := w.code("state", "very-secret-state", "code_challenge", challenge, "code_challenge_method", "S256")
	exchange := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI, "code_verifier", verifier}
	token := w.token(exchange...).tokens(t)
	w.token(exchange...)
	w.get("/v1/me", token.AccessToken)
	w.get("/v1/me?access_token="+token.AccessToken, "x")
	w.ExpireAccessTokens()
	w.get("/v1/me", token.AccessToken)
	w.get("/v1/search?type="+clientSecret+"&q=a", w.appToken())
	w.refresh(token.RefreshToken)
	w.control("consent", `{"user":"ada","authorization_url":"/authorize?`+authorizeQuery("state", "very-secret-state").Encode()+`"}`)
	w.do(controlRequest("POST", "advance", `{"`+clientSecret+`":1}`))
	if lines := strings.Count(log.String(), "\n"); lines != 11 {
		t.Errorf("%d lines, want 11:\n%s", lines, log)
	}
	for _, secret := range []string{code, token.AccessToken, token.RefreshToken, verifier, clientSecret, "very-secret-state", challenge} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %.6s…", secret)
		}
	}
}
