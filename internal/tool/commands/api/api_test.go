//go:build unix

package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/api"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// limited answers the first requests with 429.
func limited(times int64, retryAfter string) http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) <= times {
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error":{"status":429,"message":"API rate limit exceeded"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"id":"ada"}`)
	}
}

func TestAPIRateLimits(t *testing.T) {
	for name, test := range map[string]struct {
		handler        http.HandlerFunc
		args           []string
		code           int
		stdout, stderr string
	}{
		"waited for": {limited(2, "0"), nil, failure.ExitOK, `{"id":"ada"}`, ""},
		"POST too":   {limited(1, "0"), []string{"-f", "a=b"}, failure.ExitOK, `{"id":"ada"}`, ""},
		"for hours": {limited(1, "19056"), nil, failure.ExitFailure, "",
			"spotipie: api: too many requests: Spotify asks for a pause until DATE (5h 17m from now), longer than --max-wait 30s\n"},
		"longer than wanted": {limited(1, "2"), []string{"--max-wait", "1s"}, failure.ExitFailure, "",
			"spotipie: api: too many requests: Spotify asks for a pause until DATE (2s from now), longer than --max-wait 1s\n"},
		"no waiting": {limited(1, "0"), []string{"--max-wait", "0"}, failure.ExitFailure,
			"{\"error\":{\"status\":429,\"message\":\"API rate limit exceeded\"}}\n",
			"spotipie: api: the Web API answered 429 Too Many Requests: API rate limit exceeded\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.SignedIn(t, test.handler)
			stdout, stderr, code := tooltest.Run(t.Context(), api.New(), append([]string{"api", "POST", "/v1/x"}, test.args...)...)
			stderr = dates.ReplaceAllString(stderr, "until DATE")
			if stdout != test.stdout || stderr != test.stderr || code != test.code {
				t.Errorf("got  %q, %q, exit code %d\nwant %q, %q, exit code %d", stdout, stderr, code, test.stdout, test.stderr, test.code)
			}
		})
	}
}

// TestAPIThatThePracticeServiceDoesNotHave: an endpoint that Spotify has and the
// practice service has not must not look like a wrong path.
func TestAPIThatThePracticeServiceDoesNotHave(t *testing.T) {
	server, _ := tooltest.SignedInAsAda(t)
	_, stderr, code := tooltest.Run(t.Context(), api.New(), "api", "me/top/tracks")
	want := "spotipie: api: the Web API answered 404 Not Found: Service not found: check the path; a practice service has only a part of the Web API, " +
		"which the page at " + server.URL + "/ lists\n"
	if code != failure.ExitFailure || stderr != want {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	stdout, _, code := tooltest.Run(t.Context(), api.New(), "api", server.URL+"/")
	if code != failure.ExitOK || !strings.Contains(stdout, "/v1/me/tracks") {
		t.Errorf("exit code %d, and the page does not list them: %q", code, stdout)
	}
}

// dates are the times until which no request may be sent.
var dates = regexp.MustCompile(`until \d+ [A-Z][a-z]+ 20\d\d \d\d:\d\d`)

// Ctrl-C ends the wait at once.
func TestAPIInterrupted(t *testing.T) {
	asked := make(chan struct{}, 1)
	tooltest.SignedIn(t, func(w http.ResponseWriter, r *http.Request) {
		limited(1, "25")(w, r)
		asked <- struct{}{}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	stdout, stderr, code := tooltest.Run(ctx, api.New(), "api", "me")
	if stdout != "" || stderr != "spotipie: interrupted\n" || code != failure.ExitInterrupted {
		t.Errorf("got %q, %q, exit code %d", stdout, stderr, code)
	}
}

// A terminal shows the progress of a long run, and nothing of it stays.
func TestAPIProgress(t *testing.T) {
	var asked atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if n == 2 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		next := "null"
		if n < 4 {
			next = fmt.Sprintf(`"/v1/x?offset=%d"`, n)
		}
		fmt.Fprintf(w, `{"items":[1,2],"total":6,"next":%s}`, next)
	}
	for name, test := range map[string]struct {
		args   []string
		stdout bool // stdout is a terminal too
		want   string
	}{
		"pages": {[]string{"--paginate", "--slurp"}, false,
			"\r\x1b[K2 of 6 items\r\x1b[Ktoo many requests: waiting 0s, as Spotify asks …\r\x1b[K4 of 6 items\r\x1b[K6 of 6 items\r\x1b[K"},
		"beside results": {[]string{"--paginate", "-q", ".items[0]"}, true,
			"1\r\n\r\x1b[Ktoo many requests: waiting 0s, as Spotify asks …\r\x1b[K1\r\n1\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			tooltest.SignedIn(t, handler)
			tty, shown := tooltest.Terminal(t)
			var stdout io.Writer = &strings.Builder{}
			if test.stdout {
				stdout = tty
			}
			code := tooltest.RunOn(t.Context(), api.New(), stdout, tty, append([]string{"api", "x"}, test.args...)...)
			if got := shown(); got != test.want || code != failure.ExitOK {
				t.Errorf("got  %q, exit code %d\nwant %q", got, code, test.want)
			}
		})
	}
}
