// Package doctor checks everything that a login needs.
package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/doctor"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/pauses"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// New returns the command doctor.
func New() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Check everything a login needs, and say how to fix it",
		Long: `Checks the settings, the redirect URI against Spotify's rules, whether a login
can listen and open a browser, the clock against the accounts service's, the
app's registration and client secret, the store, whether Spotify accepts the
token, and which mode the app is in. Each line is marked ✓, or ✗ with what to
do.

It renews an expired token, and makes the store's folder if it is missing; it
changes nothing else. It leaves out checks that the profile's flow does not
need.

The exit code is 0 if all checks pass, and 1 otherwise. With --json it prints
one line, a JSON object with the keys ok and checks, an array of objects with
the keys name, ok, detail and fix (only if not ok).`,
		Example: `  spotipie doctor
  spotipie doctor --json --profile work`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as one line of JSON")
	settings.AddFlags(cmd)
	return cmd
}

// report is what doctor --json prints. Its keys do not change.
type report struct {
	OK     bool            `json:"ok"`
	Checks []doctor.Result `json:"checks"`
}

func run(cmd *cobra.Command, asJSON bool) error {
	ctx := cmd.Context()
	var results []doctor.Result
	s, err := settings.Read(cmd)
	if err == nil {
		results = examine(ctx, s)
	} else if broken := configProblem(); broken != nil {
		results = []doctor.Result{*broken}
	} else {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	found := report{OK: true, Checks: results}
	failed := 0
	for _, result := range results {
		if !result.OK {
			found.OK = false
			failed++
		}
	}
	if asJSON {
		err = output.WriteJSON(cmd, found)
	} else {
		err = output.Write(cmd, checkList(results, cmd.OutOrStdout()))
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d checks failed", failed, len(results))
	}
	return err
}

// configProblem is what is wrong with the config file. Without the file nothing
// else can be checked.
func configProblem() *doctor.Result {
	path, err := config.DefaultPath()
	if err == nil {
		_, err = config.Read(path)
	}
	if err == nil || path == "" { // without a folder there is no file
		return nil
	}
	return &doctor.Result{Name: "config file", Detail: failure.Plain(err), Fix: "correct it, or move it away; 'spotipie help settings' shows what it may contain"}
}

// examine runs the checks that the profile's flow needs.
func examine(ctx context.Context, s *settings.Settings) []doctor.Result {
	store := doctor.Store(ctx, storeInWords(s), func(ctx context.Context, use func(spotipie.Store) error) error {
		return stores.Brief(s, failure.WithoutHint(stores.Use(ctx, s, use)))
	}, s.Key())
	hasLogin := store.OK && useStored(ctx, s)
	flow := spotipie.Flow(s.Flow.Value)
	transport := s.Transport()
	results := []doctor.Result{doctor.Environment(doctor.App{
		ClientID: s.ClientID.Value, ClientIDFrom: s.ClientID.From,
		Secret: s.Secret.Value, SecretFrom: s.Secret.From,
		EnvPrefix: s.EnvPrefix, Flow: flow, Confidential: s.Confidential, Spotify: s.AccountsURL.Value == spotipie.DefaultAccountsURL,
	}, os.Environ())}
	service := doctor.Result{Name: "service", OK: true, Detail: s.Services().NotSpotify() + ", " + s.AccountsURL.Origin()}
	if problem, fix := s.ForeignService(); problem != "" && hasLogin {
		service = doctor.Result{Name: "service", Detail: problem, Fix: fix}
	}
	token, withSession := doctor.Blocked("token", store), withExaminedSession(s)
	switch {
	case store.OK && !service.OK:
		token = doctor.Blocked("token", service)
	case store.OK:
		token = doctor.Token(ctx, withSession, s.LoginCommand(), time.Now)
	}
	clock := doctor.Clock(ctx, transport, s.AccountsURL.Value, runtime.GOOS, time.Now)
	if clock.Unanswered() && hasLogin && !token.OK {
		token = doctor.NoAnswer("token", clock)
	}
	if flow != spotipie.FlowClientCredentials {
		uri := s.RedirectURI.Value
		machine := doctor.Machine{OS: runtime.GOOS, Getenv: os.Getenv, Find: exec.LookPath}
		redirect := doctor.RedirectURI(uri)
		port := doctor.Blocked("port", redirect)
		if redirect.OK {
			port = doctor.Port(ctx, uri)
		}
		results = append(results, redirect, port, doctor.Browser(machine, token.OK || hasLogin && clock.Unanswered()))
	}
	if s.Services().NotSpotify() != "" || !service.OK {
		results = append(results, service)
	}
	results = append(results, clock)
	if service.OK {
		results = append(results, app(ctx, s, flow, clock)...)
	}
	results = append(results, store, token)
	if token.OK {
		if mode, known := doctor.Mode(ctx, withSession); known {
			results = append(results, mode)
		}
	}
	return results
}

// useStored takes the client id and the flow of the login from the store if they
// are not set elsewhere. It reports whether there is a login that can be renewed.
func useStored(ctx context.Context, s *settings.Settings) (usable bool) {
	_ = stores.Use(ctx, s, func(store spotipie.Store) error { // the check of the token reports what is wrong
		if err := sessions.ResolveClientID(ctx, s, store); err != nil {
			return err
		}
		rec, found, err := store.Load(ctx, s.Key())
		if err == nil && found {
			s.Flow.Value = string(sessions.FlowOf(s, rec))
			usable = rec.Rejected == ""
		}
		return err
	})
	return usable
}

// app checks the app's registration and secret with the accounts service, if the
// flow needs them and the credentials are enough.
func app(ctx context.Context, s *settings.Settings, flow spotipie.Flow, clock doctor.Result) (results []doctor.Result) {
	ask := func(name string, check func() doctor.Result) {
		if clock.Unanswered() {
			results = append(results, doctor.NoAnswer(name, clock))
			return
		}
		results = append(results, check())
	}
	if checker := checkerOf(s, flow); checker != nil {
		ask("app", func() doctor.Result {
			return doctor.Registration(ctx, checker, s.RedirectURI.Value, s.Services().PracticeApp())
		})
	}
	if s.Secret.Value != "" && s.ClientID.Value != "" {
		session, err := sessions.New(s, spotipie.FlowClientCredentials, nil, nil)
		if app, ok := session.(*spotipie.ClientCredentialsSession); err == nil && ok {
			ask("secret", func() doctor.Result { return doctor.Secret(ctx, app, s.Secret.From, s.Services().PracticeApp()) })
		}
	}
	return results
}

// withExaminedSession returns sessions.UseQuietly for sessions that respect
// pauses, and whose errors do not point to the help of flags.
func withExaminedSession(s *settings.Settings) func(context.Context, func(spotipie.Session) error) error {
	paused := pauses.New(s)
	return func(ctx context.Context, use func(spotipie.Session) error) error {
		return failure.WithoutHint(sessions.UseQuietly(ctx, s, func(session spotipie.Session) error {
			if err := paused.Mount(session); err != nil {
				return err
			}
			return use(session)
		}))
	}
}

// checkerOf returns what checks the app's registration, or nil if the
// credentials are not enough for that or the flow does not need it.
func checkerOf(s *settings.Settings, flow spotipie.Flow) doctor.Checker {
	if s.ClientID.Value == "" || flow == spotipie.FlowClientCredentials {
		return nil
	}
	session, err := sessions.New(s, flow, nil, nil)
	if err != nil {
		return nil
	}
	checker, _ := session.(doctor.Checker)
	return checker
}

func storeInWords(s *settings.Settings) string {
	if s.Store.From == "" {
		return s.StoreName() + " (the default)"
	}
	return fmt.Sprintf("%s (%s)", s.StoreName(), s.Store.From)
}

// checkList is the results as text, formatted for w.
func checkList(results []doctor.Result, w io.Writer) string {
	const indent = "    "
	style := cli.StyleFor(w)
	fit := func(text string) string { return text }
	if cli.IsTerminal(w) {
		fit = func(text string) string {
			return strings.ReplaceAll(cli.Wrap(text, cli.Width(w)-len(indent)), "\n", "\n"+indent)
		}
	}
	var b strings.Builder
	for _, r := range results {
		mark := style.Good("✓")
		if !r.OK {
			mark = style.Bad("✗")
		}
		rest, _ := strings.CutPrefix(fit(r.Name+": "+r.Detail), r.Name)
		fmt.Fprintf(&b, "%s %s%s\n", mark, style.Heading(r.Name), rest)
		if r.Fix != "" {
			fmt.Fprintf(&b, "%s%s\n", indent, fit(r.Fix))
		}
	}
	return b.String()
}
