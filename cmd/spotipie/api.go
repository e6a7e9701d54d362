package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/internal/cli"
)

type apiFlags struct {
	fields   []string
	typed    []string
	input    string
	headers  []string
	include  bool
	jq       string
	paginate bool
	slurp    bool
	maxWait  time.Duration
}

func newAPI() *cobra.Command {
	var f apiFlags
	cmd := &cobra.Command{
		Use:     "api [METHOD] PATH [flags]",
		GroupID: groupWebAPI,
		Short:   "Make a request of the Web API",
		Long: `Makes a request with the profile's access token, renewed if need be, and prints
the answer. PATH is relative to the Web API: me, /me and /v1/me are the same. A
URL of another server is asked without the token. METHOD is GET unless it is
said.

Fields become the query of a GET, HEAD or OPTIONS request, and a JSON object as
the body of others; with --input they become the query. A key may say where in
the object the value belongs: -f 'offset[position]=5', -f 'uris[]=A' -f
'uris[]=B'. In a query, lists are joined by commas. -F converts true, false,
null and whole numbers, and reads @FILE, or @- from stdin; -f takes all as text.

--paginate follows an answer's "next" and prints page after page, each as JSON
of its own; --jq sees one page at a time. With --slurp there is one array of the
items of all pages, and --jq sees that.

An answer 429 (too many requests) is waited for as long as Spotify says, if that
is not more than --max-wait, and the request is made again. Requests that can be
repeated are tried a few times when the server fails.

JSON is indented if stdout is a terminal, and else printed as it comes. An
answer 400 or above is printed, its message told on stderr, and the exit code is
1. With --jq such an answer is printed on stderr as well, so that stdout has
results only.`,
		Example: `  spotipie api me
  spotipie api search -f q=radiohead -f type=artist -q '.artists.items[].name'
  spotipie api me/tracks --paginate -q '.items[].track.name'
  spotipie api me/tracks --paginate --slurp > tracks.json
  spotipie api PUT me/player/play -f 'uris[]=spotify:track:11dFghVXANMlKmJXsNCbNl'
  spotipie api PUT 'me/player/volume?volume_percent=50'
  spotipie api PUT playlists/ID/images --input cover.b64 -H 'Content-Type: image/jpeg'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.fields, "raw-field", "f", nil, "`KEY=VALUE` to send as text; repeatable")
	flags.StringArrayVarP(&f.typed, "field", "F", nil, "`KEY=VALUE` to send as what the value looks like; repeatable")
	flags.StringVar(&f.input, "input", "", "`FILE` to send as the body; - is stdin")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "`NAME:VALUE` of a header to send; repeatable")
	flags.BoolVarP(&f.include, "include", "i", false, "print status and headers as well")
	flags.StringVarP(&f.jq, "jq", "q", "", "`EXPRESSION` of jq to filter the answer by")
	flags.BoolVar(&f.paginate, "paginate", false, "get all pages of a list")
	flags.BoolVar(&f.slurp, "slurp", false, "with --paginate, print one array of all items")
	flags.DurationVar(&f.maxWait, "max-wait", 30*time.Second, "longest `DURATION` to wait when Spotify asks for a pause; 0 for none")
	addSettingsFlags(cmd)
	cmd.ValidArgsFunction = first(completeMethods)
	return cmd
}

func (f *apiFlags) run(cmd *cobra.Command, args []string) error {
	s, err := newSettings(cmd)
	if err != nil {
		return err
	}
	call, err := f.call(cmd, args)
	if err != nil {
		return usage(cmd, err)
	}
	progress := newProgress(cmd.ErrOrStderr(), !call.Terminal || f.slurp)
	call.OnPage = progress.items
	call.Out = progress.before(cmd.OutOrStdout())
	if call.Filter != nil {
		call.Refusal = progress.before(cmd.ErrOrStderr())
		call.RefusalTerminal = cli.IsTerminal(cmd.ErrOrStderr())
	}
	ctx := cmd.Context()
	err = s.withSession(ctx, func(session spotipie.Session) error {
		if err := f.mountRetry(s, session, progress); err != nil {
			return err
		}
		return call.Do(ctx, session)
	})
	progress.clear()
	if errors.Is(err, syscall.EPIPE) { // who reads the results has enough of them
		return nil
	}
	return f.explain(s, err)
}

// mountRetry lets the session's requests be made again where that helps. Token
// requests are the library's own matter.
func (f *apiFlags) mountRetry(s *settings, session spotipie.Session, progress *progress) error {
	base := http.DefaultTransport
	if s.debug != nil {
		base = s.debug.transport()
	}
	opts := &adapter.RetryOptions{MaxRetries: maxTries, MaxWait: f.maxWait}
	if f.maxWait == 0 {
		opts.MaxRetries = -1
	}
	retry := adapter.NewRetry(pauses{base, progress, f.maxWait}, opts)
	return errors.Join(session.Mount("https://", retry), session.Mount("http://", retry))
}

// maxTries is how often a request is made again. Somebody is waiting.
const maxTries = 4

// pauses tells the user of the pauses that the server asks for.
type pauses struct {
	base     http.RoundTripper
	progress *progress
	max      time.Duration
}

// RoundTrip implements http.RoundTripper.
func (p pauses) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := p.base.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests {
		return resp, err
	}
	if pause, ok := spotipie.ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now()); ok && pause <= p.max {
		p.progress.pause(pause)
	}
	return resp, nil
}

// explain adds what to do about an answer.
func (f *apiFlags) explain(s *settings, err error) error {
	var refused *spotipie.APIError
	var limited *spotipie.RateLimitError
	switch {
	case errors.As(err, &limited) && limited.Limit > 0:
		return &toldError{text: fmt.Sprintf("too many requests: Spotify asks for a pause of %s, longer than --max-wait %s",
			limited.RetryAfter.Round(time.Second), f.maxWait), err: err}
	case errors.As(err, &refused) && refused.StatusCode == http.StatusForbidden && strings.Contains(refused.Message, "scope"):
		return &toldError{text: fmt.Sprintf("%s: run '%s --scope …' with the scope that the endpoint's documentation names",
			plain(err), s.loginCommand()), err: err}
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized && s.Flow.value == string(spotipie.FlowClientCredentials):
		return &toldError{text: fmt.Sprintf("%s: profile %q is the app itself, and this takes a user: sign one in with 'spotipie login --profile NAME --flow %s'",
			plain(err), s.Profile.value, spotipie.FlowAuthorizationCode), err: err}
	}
	return s.explain(err)
}
