package debuglog_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/tool/debuglog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRequestsAreShownWithoutSecrets checks that only known parts are shown, so
// that anything that a later version sends is left out.
func TestRequestsAreShownWithoutSecrets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Cleanup(server.Close)
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {"SECRET"}, "client_id": {"id"}, "client_secret": {"SECRET"},
		"code": {"SECRET"}, "code_verifier": {"SECRET"}, "of_tomorrow": {"SECRET"},
	}
	var shown strings.Builder
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/token?limit=5&state=SECRET", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.URL.User = url.UserPassword("user", "SECRET")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer SECRET")
	resp, err := debuglog.New(&shown).Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want := "debug: > POST " + server.URL + "/api/token?limit=5&state=… " +
		"client_id=id&client_secret=…&code=…&code_verifier=…&grant_type=refresh_token&of_tomorrow=…&refresh_token=…\n" +
		"debug: < 429 Too Many Requests after TIME, Retry-After 7\n"
	if got := regexp.MustCompile(`after \d+m?s`).ReplaceAllString(shown.String(), "after TIME"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFailedRequestIsShown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	if resp, err := debuglog.New(&shown).Transport().RoundTrip(req); err == nil {
		_ = resp.Body.Close()
		t.Fatal("there was an answer")
	}
	if !strings.Contains(shown.String(), "\ndebug: < context canceled after ") {
		t.Errorf("got %q", shown.String())
	}
}

// TestLinesAreFitForATerminal checks that a server's texts cannot control the terminal.
func TestLinesAreFitForATerminal(t *testing.T) {
	var shown strings.Builder
	log := debuglog.New(&shown)
	log.Failed(errors.New("spotipie: a\nb\x1b[2J"))
	if got := shown.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") || !strings.HasPrefix(got, "debug: a; b") {
		t.Errorf("got %q", got)
	}
	(*debuglog.Log)(nil).Printf("nothing")
}
