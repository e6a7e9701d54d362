package explain_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// kindOf returns how an error was explained: as a wrong command line, in other
// words, as nobody signed in, or not at all.
func kindOf(err error) string {
	var wrong *failure.UsageError
	var told *failure.ToldError
	var absent *failure.NotSignedInError
	switch {
	case errors.As(err, &wrong):
		return "usage"
	case errors.As(err, &told):
		return "told"
	case errors.As(err, &absent):
		return "absent"
	}
	return ""
}

func TestError(t *testing.T) {
	refused := func(status int, code, description string) error {
		return &spotipie.TokenEndpointError{StatusCode: status, Code: code, Description: description}
	}
	offline := &url.Error{Op: "Post", URL: "https://accounts.example/api/token?code=hush", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	const work = "--profile work"
	for name, test := range map[string]struct {
		flags      []string
		err        error
		kind, want string
	}{
		"refused for good": {[]string{"--profile", "work"},
			fmt.Errorf("%w: %w", spotipie.ErrReauthorizationRequired, refused(400, "invalid_grant", "Refresh token revoked")), "told",
			"Spotify no longer renews the login of profile \"work\" (Refresh token revoked): run 'spotipie login " + work + "'"},
		"no refresh token": {nil, spotipie.ErrNoRefreshToken, "told",
			"the login of profile \"default\" has no refresh token, so it cannot be renewed: run 'spotipie login'"},
		"expired": {nil, spotipie.ErrTokenExpired, "told",
			"the access token of profile \"default\" is expired and cannot be renewed: check the clock, or run 'spotipie login'"},
		"signed out meanwhile": {nil, spotipie.ErrNotAuthorized, "absent", "not signed in as profile \"default\": run 'spotipie login'"},
		"not saved": {[]string{"--store", "file:/s"}, &spotipie.StoreError{Op: "save", Err: errors.New("disk full")}, "told",
			"saving in the store (file:/s, from --store): disk full: the renewed login is not saved: correct that and run the command again; if Spotify then refuses, run 'spotipie login'"},
		"not read":            {[]string{"--store", "file:/s"}, &spotipie.StoreError{Op: "load", Err: errors.New("broken")}, "", "reading the store (file:/s, from --store): broken"},
		"not deleted":         {[]string{"--store", "file:/s"}, &spotipie.StoreError{Op: "delete", Err: errors.New("broken")}, "", "deleting from the store (file:/s, from --store): broken"},
		"a wrong client id":   {[]string{"--client-id", "x"}, refused(400, "invalid_client", "Invalid client"), "usage", "the accounts service refuses the app (invalid_client: Invalid client): check the client id (from --client-id), and if the app has a client secret, set SPOTIPIE_CLIENT_SECRET"},
		"a server that fails": {nil, refused(503, "", ""), "told", ": nothing is lost, try again later"},
		"no connection": {nil, fmt.Errorf("renewing: %w", offline), "told",
			"no answer from https://accounts.example: dial: connection refused: check the connection; --debug shows the requests"},
		"practice that is over": {[]string{"--accounts-url", "http://127.0.0.1:8888"}, offline, "told",
			"profile \"default\" is for a service on this machine that is not running: start it again, or if you mean Spotify, run 'spotipie login --accounts-url https://accounts.spotify.com'"},
		"practice that was started again": {[]string{"--accounts-url", "http://127.0.0.1:8888"}, refused(400, "invalid_client", "Invalid client"), "usage",
			"check the client id (not set), and if the app has a client secret, set SPOTIPIE_CLIENT_SECRET; compare with what 'spotipie serve' has printed last (it has another app after each start)"},
		"less than asked for": {nil, &spotipie.InsufficientScopeError{Missing: spotipie.Scopes{"user-top-read"}}, "told",
			"the login is saved, but the scope user-top-read was not granted"},
		"a pause":        {nil, &spotipie.RateLimitError{RetryAfter: 2 * time.Hour}, "told", "too many requests: Spotify asks for a pause until DATE (2h from now)"},
		"told already":   {nil, failure.Tell(spotipie.ErrTokenExpired, "as it is"), "told", "as it is"},
		"something else": {nil, errors.New("something else"), "", "something else"},
		"nothing":        {nil, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, "")
			s, _ := tooltest.Settings(t, test.flags...)
			err := explain.Error(s, test.err)
			if test.err == nil {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			text := dates.ReplaceAllString(err.Error(), "DATE")
			if kindOf(err) != test.kind || !strings.Contains(text, test.want) {
				t.Errorf("got %s (%s)\nwant %s (%s)", text, kindOf(err), test.want, test.kind)
			}
			if failure.SignInNeeded(test.err) != failure.SignInNeeded(err) {
				t.Error("whether to sign in is lost")
			}
		})
	}
}

func TestTokenRefused(t *testing.T) {
	tooltest.Home(t, "")
	refused := &spotipie.APIError{StatusCode: 401, Message: "Invalid access token"}
	for service, want := range map[string]string{
		spotipie.DefaultAccountsURL: "the Web API refuses the token of profile \"default\" (Invalid access token): run 'spotipie login'",
		"http://127.0.0.1:8888": "the Web API refuses the token of profile \"default\" (Invalid access token): run 'spotipie login'; " +
			"if the service has been started again, first set the variables that it has printed",
	} {
		s, _ := tooltest.Settings(t, "--accounts-url", service)
		if err := explain.TokenRefused(s, refused); err.Error() != want || !failure.SignInNeeded(err) {
			t.Errorf("at %s: got %v", service, err)
		}
	}
	s, _ := tooltest.Settings(t)
	if err := explain.TokenRefused(s, spotipie.ErrClosed); err != spotipie.ErrClosed {
		t.Errorf("another error: got %v", err)
	}
}

var dates = regexp.MustCompile(`\d+ [A-Z][a-z]+ 20\d\d \d\d:\d\d`)

// TestClosedByAnInterruption checks that an error is not reported if an
// interruption has closed something.
func TestClosedByAnInterruption(t *testing.T) {
	tooltest.Home(t, "")
	s, _ := tooltest.Settings(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Cmd.SetContext(ctx)
	if err := explain.Error(s, spotipie.ErrClosed); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLimit(t *testing.T) {
	for name, test := range map[string]struct {
		err  spotipie.RateLimitError
		want string
	}{
		"no pause is named":     {spotipie.RateLimitError{}, ""},
		"asked for now":         {spotipie.RateLimitError{RetryAfter: time.Minute}, "too many requests: Spotify asks for a pause until DATE (1m from now)"},
		"longer than the limit": {spotipie.RateLimitError{RetryAfter: time.Minute, Limit: 1}, "too many requests: Spotify asks for a pause until DATE (1m from now), longer than --max-wait 30s"},
		"asked for earlier": {spotipie.RateLimitError{RetryAfter: time.Minute, NotSent: true},
			"too many requests: Spotify has asked for a pause until DATE (1m from now), so the request was not sent; 'spotipie api --ignore-pause' sends it anyway"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := dates.ReplaceAllString(explain.Limit(&test.err, 30*time.Second), "DATE"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
