//go:build unix

package tool

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

// signedIn makes the tool signed in at a Web API that answers by handler.
func signedIn(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "store")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "access-me", RefreshToken: "refresh-me", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "id", AuthorizedAt: time.Now()}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "id", Profile: "default"}, 0, rec); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"XDG_CONFIG_HOME": t.TempDir(), "HOME": t.TempDir(), "TERM": "xterm", "NO_COLOR": "1",
		"SPOTIPIE_CLIENT_ID": "id", "SPOTIPIE_STORE": "file:" + dir,
		"SPOTIPIE_ACCOUNTS_URL": server.URL, "SPOTIPIE_API_URL": server.URL,
	} {
		t.Setenv(name, value)
	}
}

// tool carries out a command line.
func tool(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = execute(ctx, args, &out, &errs)
	return out.String(), errs.String(), code
}

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
			signedIn(t, test.handler)
			stdout, stderr, code := tool(t.Context(), append([]string{"api", "POST", "/v1/x"}, test.args...)...)
			stderr = dates.ReplaceAllString(stderr, "until DATE")
			if stdout != test.stdout || stderr != test.stderr || code != test.code {
				t.Errorf("got  %q, %q, exit code %d\nwant %q, %q, exit code %d", stdout, stderr, code, test.stdout, test.stderr, test.code)
			}
		})
	}
}

// dates are the moments until which Spotify is not to be asked.
var dates = regexp.MustCompile(`until \d+ [A-Z][a-z]+ 20\d\d \d\d:\d\d`)

// Ctrl-C ends the wait at once.
func TestAPIInterrupted(t *testing.T) {
	asked := make(chan struct{}, 1)
	signedIn(t, func(w http.ResponseWriter, r *http.Request) {
		limited(1, "25")(w, r)
		asked <- struct{}{}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	stdout, stderr, code := tool(ctx, "api", "me")
	if stdout != "" || stderr != "spotipie: interrupted\n" || code != failure.ExitInterrupted {
		t.Errorf("got %q, %q, exit code %d", stdout, stderr, code)
	}
}

// terminal returns a terminal to write to, and what was written when it is
// closed.
func terminal(t *testing.T) (tty *os.File, shown func() string) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	text := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(master) // ends with EIO
		text <- string(data)
	}()
	return tty, func() string {
		_ = tty.Close()
		return <-text
	}
}

// A terminal shows how far a long run is, and nothing of it stays.
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
		stdout bool // a terminal as well
		want   string
	}{
		"pages": {[]string{"--paginate", "--slurp"}, false,
			"\r\x1b[K2 of 6 items\r\x1b[Ktoo many requests: waiting 0s, as Spotify asks …\r\x1b[K4 of 6 items\r\x1b[K6 of 6 items\r\x1b[K"},
		"beside results": {[]string{"--paginate", "-q", ".items[0]"}, true,
			"1\r\n\r\x1b[Ktoo many requests: waiting 0s, as Spotify asks …\r\x1b[K1\r\n1\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			signedIn(t, handler)
			tty, shown := terminal(t)
			var stdout io.Writer = &strings.Builder{}
			if test.stdout {
				stdout = tty
			}
			code := execute(t.Context(), append([]string{"api", "x"}, test.args...), stdout, tty)
			if got := shown(); got != test.want || code != failure.ExitOK {
				t.Errorf("got  %q, exit code %d\nwant %q", got, code, test.want)
			}
		})
	}
}
