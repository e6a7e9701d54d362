// Package api makes a request of the Web API.
package api

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/pauses"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/webapi"
)

type flags struct {
	method   string
	fields   []string
	typed    []string
	input    string
	headers  []string
	include  bool
	jq       string
	paginate bool
	slurp    bool
	maxWait  time.Duration
	ignore   bool // pauses of earlier runs

	has  spotipie.Scopes // of the token
	flow spotipie.Flow   // that it came from
}

// New returns the command api.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "api [METHOD] PATH [flags]",
		Short: "Make a request of the Web API",
		Long: `Makes a request with the profile's access token, renewed if need be, and prints
the answer. PATH is relative to the Web API: me, /me and /v1/me are the same. A
request to another server is sent without the token. METHOD is GET by default.

In a GET, HEAD or OPTIONS request, and with --input, fields are sent as the
query. In other requests they are sent as a JSON object in the body. A key may
name a place in the object: -f 'offset[position]=5', -f 'uris[]=A' -f
'uris[]=B'. In a query, lists are joined by commas. -F converts true, false,
null and whole numbers, and reads @FILE, or @- from stdin; -f sends every value
as text.

--paginate follows an answer's "next" and prints each page as a JSON value; --jq
filters one page at a time. With --slurp it prints one array with the items of
all pages, and --jq filters that.

After an answer 429 (too many requests) the command waits as long as Spotify
says and repeats the request, if that is not longer than --max-wait. A longer
pause is remembered: until it ends, requests are not sent and fail at once. If
the server fails, requests that are safe to repeat are tried a few times.

JSON is indented if stdout is a terminal, and printed unchanged otherwise. After
a status of 400 or above the answer is printed, its message goes to stderr, and
the exit code is 1. With --jq such an answer goes to stderr too, so that stdout
has only results.`,
		Example: `  spotipie api me
  spotipie api search -f q=radiohead -f type=artist -q '.artists.items[].name'
  spotipie api me/tracks --paginate -q '.items[].track.name'
  spotipie api me/tracks --paginate --slurp > tracks.json
  spotipie api PUT me/player/play -f 'uris[]=spotify:track:11dFghVXANMlKmJXsNCbNl'
  echo '{"position_ms": 0}' | spotipie api -X PUT me/player/play --input -`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.method, "method", "X", "", "`METHOD`, as in curl: the same as METHOD before the path")
	_ = cmd.RegisterFlagCompletionFunc("method", completeMethods)
	flags.StringArrayVarP(&f.fields, "raw-field", "f", nil, "`KEY=VALUE` to send as text; repeatable")
	flags.StringArrayVarP(&f.typed, "field", "F", nil, "`KEY=VALUE` to send as a number, true, false, null or file; repeatable")
	flags.StringVar(&f.input, "input", "", "`FILE` to send as the body; - is stdin")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "`NAME:VALUE` of a header to send; repeatable")
	flags.BoolVarP(&f.include, "include", "i", false, "print status and headers as well")
	flags.StringVarP(&f.jq, "jq", "q", "", "jq `EXPRESSION` that filters the answer")
	flags.BoolVar(&f.paginate, "paginate", false, "get all pages of a list")
	flags.BoolVar(&f.slurp, "slurp", false, "with --paginate, print one array of all items")
	flags.DurationVar(&f.maxWait, "max-wait", 30*time.Second, "longest `DURATION` to wait when Spotify asks for a pause; 0: do not wait")
	flags.BoolVar(&f.ignore, "ignore-pause", false, "send the request even if Spotify has asked for a pause, which may prolong it")
	settings.AddFlags(cmd)
	cmd.ValidArgsFunction = commandline.CompleteFirst(completeMethods)
	return cmd
}

func (f *flags) run(cmd *cobra.Command, args []string) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	call, err := f.call(cmd, args)
	if err != nil {
		return failure.Usage(cmd, err)
	}
	progress := newProgress(cmd.ErrOrStderr(), !call.Terminal || f.slurp)
	call.OnPage = progress.items
	call.Out = progress.Before(cmd.OutOrStdout())
	if call.Filter != nil {
		call.Refusal = progress.Before(cmd.ErrOrStderr())
		call.RefusalTerminal = cli.IsTerminal(cmd.ErrOrStderr())
	}
	ctx := cmd.Context()
	err = sessions.Use(ctx, s, func(session spotipie.Session) error {
		if err := f.mount(s, session, progress); err != nil {
			return err
		}
		err := call.Do(ctx, session)
		f.has, f.flow = session.Scope(), session.Flow()
		return err
	})
	progress.Clear()
	if errors.Is(err, syscall.EPIPE) { // the reader of the results has closed the pipe
		return nil
	}
	return f.explain(s, call, err)
}

// mount makes the session repeat requests where that helps, and send none while
// the service asks for a pause. The library itself handles token requests.
func (f *flags) mount(s *settings.Settings, session spotipie.Session, progress *progress) error {
	opts := &adapter.RetryOptions{MaxRetries: maxTries, MaxWait: f.maxWait}
	if f.maxWait == 0 {
		opts.MaxRetries = -1
	}
	retry := adapter.NewRetry(shownPauses{pauses.New(s).Transport(f.ignore), progress, f.maxWait}, opts)
	token := interrupt.Awaitable(s.Cmd.Context(), s.Transport())
	return errors.Join(session.Mount("https://", retry), session.Mount("http://", retry),
		session.Mount(s.AccountsURL.Value+"/api/token", token))
}

// maxTries is how often a request is tried. It is low because a user is
// waiting.
const maxTries = 4

// shownPauses tells the user of each pause while it waits.
type shownPauses struct {
	base     http.RoundTripper
	progress *progress
	max      time.Duration
}

// RoundTrip implements http.RoundTripper.
func (p shownPauses) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := p.base.RoundTrip(req)
	pause, ok := time.Duration(0), false
	if limited := explain.LimitOf(err); limited != nil {
		pause, ok = limited.RetryAfter, !limited.QuotaExceeded()
	} else if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		pause, ok = spotipie.ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	if ok && pause <= p.max {
		p.progress.pause(pause)
	}
	return resp, err
}

// explain adds to an error of the Web API what to do about it.
func (f *flags) explain(s *settings.Settings, call *webapi.Call, err error) error {
	var refused *spotipie.APIError
	if limited := explain.LimitOf(err); limited != nil {
		if text := explain.Limit(limited, f.maxWait); text != "" {
			return failure.Tell(err, "%s", text)
		}
	}
	if errors.As(err, &refused) {
		if problem, fix, ok := webapi.Refusal(refused, call.Method, call.Path()); ok {
			return failure.Tell(err, "%s: %s: %s", failure.Plain(err), problem, fix)
		}
	}
	switch {
	case errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound && refused.Message == "Service not found" && s.Services().IsPractice():
		return failure.Tell(err, "%s: check the path; a practice service has only a part of the Web API, which the page at %s/ lists",
			failure.Plain(err), s.APIURL.Value)
	case errors.As(err, &refused) && refused.StatusCode == http.StatusForbidden && strings.Contains(refused.Message, "scope"):
		return failure.Tell(err, "%s: %s", failure.Plain(err), scopeAdvice(s, webapi.ScopesFor(call.Method, call.Path()), f.has))
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized && f.flow == spotipie.FlowClientCredentials:
		return failure.Tell(err, "%s: profile %q is the app itself, and this needs a user: sign one in with 'spotipie login --profile NAME --flow %s'",
			failure.Plain(err), s.Profile.Value, spotipie.FlowAuthorizationCode)
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized && explain.LacksSecret(s):
		return explain.SecretMissing(s, err)
	case sentWithToken(s, call):
		err = explain.TokenRefused(s, err)
	}
	return explain.Error(s, err)
}

// sentWithToken reports whether a request goes to the Web API, and so with the
// token.
func sentWithToken(s *settings.Settings, call *webapi.Call) bool {
	return strings.HasPrefix(call.Target, "/") || strings.HasPrefix(call.Target, s.APIURL.Value+"/")
}
