//go:build unix

package tool

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/pausefile"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// pausing is a Web API that has asked for a pause, and counts the requests that
// still come.
type pausing struct {
	requests   atomic.Int64
	retryAfter string
	body       string
	paused     atomic.Bool
}

const quotaExceeded = `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`

func newPausing(t *testing.T, retryAfter, body string) *pausing {
	p := &pausing{retryAfter: retryAfter, body: body}
	p.paused.Store(true)
	tooltest.SignedIn(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v1/") { // doctor asks the accounts service
			return
		}
		p.requests.Add(1)
		if p.paused.Load() {
			w.Header().Set("Retry-After", p.retryAfter)
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, p.body)
			return
		}
		_, _ = io.WriteString(w, `{"id":"ada"}`)
	})
	return p
}

// expectRequests fails the test unless the API got that many requests since the
// last call.
func (p *pausing) expectRequests(t *testing.T, want int64) {
	t.Helper()
	if got := p.requests.Swap(0); got != want {
		t.Errorf("%d requests reached the Web API, want %d", got, want)
	}
}

func expectTool(t *testing.T, code int, stdout, stderr string, args ...string) {
	t.Helper()
	out, errs, got := tool(t.Context(), args...)
	flat := strings.Join(strings.Fields(errs), " ")
	if got != code || !strings.Contains(out, stdout) || !strings.Contains(flat, stderr) || stderr == "" && errs != "" {
		t.Errorf("%s: got %q, %q, exit code %d", strings.Join(args, " "), out, errs, got)
	}
}

func pausePath() string {
	return filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "spotipie", pausefile.Name)
}

func TestAPauseIsRemembered(t *testing.T) {
	for name, test := range map[string]struct{ body, told, asked, status string }{
		"quota": {quotaExceeded, "quota exceeded: Spotify (429 Too Many Requests) takes no more requests since ",
			"the request was not sent; the quota is that of the developer's account, and all its apps share it", "the quota is used up"},
		"rate limit": {`{"error":{"status":429,"message":"API rate limit exceeded"}}`, "too many requests: Spotify asks for a pause until ",
			"so the request was not sent", "too many requests"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPausing(t, "48925", test.body)
			expectTool(t, failure.ExitFailure, "", test.told, "api", "me")
			p.expectRequests(t, 1)
			if info, err := os.Stat(pausePath()); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}

			expectTool(t, failure.ExitFailure, "", test.asked, "api", "search", "-f", "q=x")
			expectTool(t, failure.ExitFailure, "", "'spotipie api --ignore-pause' sends it anyway", "api", "me")
			expectTool(t, failure.ExitOK, "Web API        paused until ", "", "status")
			expectTool(t, failure.ExitOK, "(13h 35m from now): "+test.status, "", "status")
			expectTool(t, failure.ExitOK, "paused until ", "", "status", "--offline")
			expectTool(t, failure.ExitOK, `"paused_until":"20`, "", "status", "--json")
			expectTool(t, failure.ExitFailure, `{"name":"token","ok":false`, "checks failed", "doctor", "--json")
			expectTool(t, failure.ExitOK, "access-me", "", "token")
			p.expectRequests(t, 0)

			p.paused.Store(false)
			expectTool(t, failure.ExitFailure, "", "not sent", "api", "me")
			p.expectRequests(t, 0)
			expectTool(t, failure.ExitOK, "ada", "", "api", "me", "--ignore-pause")
			expectTool(t, failure.ExitOK, "ada", "", "api", "me")
			p.expectRequests(t, 2)
			expectTool(t, failure.ExitOK, `"paused_until":null`, "", "status", "--json")
		})
	}
}

// TestIgnoringAPauseThatIsNotOver checks that the pause in the service's new answer
// is saved.
func TestIgnoringAPauseThatIsNotOver(t *testing.T) {
	p := newPausing(t, "48925", quotaExceeded)
	for range 2 {
		expectTool(t, failure.ExitFailure, "", "quota exceeded", "api", "me", "--ignore-pause")
	}
	p.expectRequests(t, 2)
	expectTool(t, failure.ExitFailure, "", "not sent", "api", "me")
	p.expectRequests(t, 0)
}

// TestAPauseIsTheAppsOwn checks that another client id may send requests.
func TestAPauseIsTheAppsOwn(t *testing.T) {
	p := newPausing(t, "48925", quotaExceeded)
	expectTool(t, failure.ExitFailure, "", "quota exceeded", "api", "me")
	store, err := filestore.Open(strings.TrimPrefix(os.Getenv("SPOTIPIE_STORE"), "file:"), nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "other", RefreshToken: "r", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "other", AuthorizedAt: time.Now()}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "other", Profile: "default"}, 0, rec); err != nil {
		t.Fatal(err)
	}
	p.paused.Store(false)
	p.requests.Store(0)
	expectTool(t, failure.ExitOK, "ada", "", "api", "me", "--client-id", "other")
	p.expectRequests(t, 1)
	expectTool(t, failure.ExitFailure, "", "not sent", "api", "me")
	p.expectRequests(t, 0)
}

// TestAShortPauseOfAnEarlierRunIsWaitedFor checks that it is treated like a pause
// of this run.
func TestAShortPauseOfAnEarlierRunIsWaitedFor(t *testing.T) {
	p := newPausing(t, "1", "")
	expectTool(t, failure.ExitFailure, "", "too many requests", "api", "me", "--max-wait", "0")
	p.paused.Store(false)
	begun := time.Now()
	expectTool(t, failure.ExitOK, "ada", "", "api", "me")
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("it was asked after %s", took)
	}
	p.expectRequests(t, 2)
}

func TestABrokenFileOfPausesIsPassedOver(t *testing.T) {
	p := newPausing(t, "48925", quotaExceeded)
	if err := os.MkdirAll(filepath.Dir(pausePath()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pausePath(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.paused.Store(false)
	expectTool(t, failure.ExitOK, "ada", "Note: cannot read which pauses Spotify has asked for earlier: the file of pauses "+pausePath()+" is broken: delete it.", "api", "me")
	p.paused.Store(true)
	expectTool(t, failure.ExitFailure, "", "quota exceeded", "api", "me")
	p.requests.Store(0)
	expectTool(t, failure.ExitFailure, "", "not sent", "api", "me")
	p.expectRequests(t, 0)
}

func TestDevelopmentMode(t *testing.T) {
	const owner = "Active premium subscription required for the owner of the app. When the subscription status changes, " +
		"it can take a few hours before requests are allowed again."
	for name, test := range map[string]struct{ body, api, doctor string }{
		"owner without Premium": {owner, "the owner of the app has no Premium", "renew the Premium of the account that owns the app"},
		"user not on the list":  {"User not registered in the Developer Dashboard", "the user is not on the app's list", "User Management"},
		"endpoint removed": {`{"error":{"status":403,"message":"Forbidden"}}`, "apps in development mode do not have this endpoint",
			"apply for extended quota mode"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.SignedIn(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, test.body)
			})
			expectTool(t, failure.ExitFailure, "", test.api, "api", "me")
			expectTool(t, failure.ExitFailure, test.doctor, "checks failed", "doctor")
		})
	}
}
