package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"syscall"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/login"
)

// toldError is an error of the library in words for a user of the tool, who has
// commands and flags and no Go program.
type toldError struct {
	text string
	err  error
}

func (e *toldError) Error() string { return e.text }
func (e *toldError) Unwrap() error { return e.err }

// explain puts an error of a session into words that say what to do next. Those
// that say so already it leaves as they are.
func (s *settings) explain(err error) error {
	var (
		wrong    *usageError
		told     *toldError
		absent   *notSignedInError
		mismatch *spotipie.RecordMismatchError
		stored   *spotipie.StoreError
		refused  *spotipie.TokenEndpointError
		redirect *spotipie.RedirectURIError
		less     *spotipie.InsufficientScopeError
		offline  net.Error
	)
	tell := func(format string, args ...any) error {
		return &toldError{text: fmt.Sprintf(format, args...), err: err}
	}
	if limited := limitOf(err); limited != nil && !errors.As(err, &told) {
		if text := s.explainLimit(limited, 0); text != "" {
			return tell("%s", text)
		}
	}
	switch {
	case err == nil, errors.As(err, &wrong), errors.As(err, &told), errors.As(err, &absent):
		return err
	case s.secretless != "" && signInNeeded(err): // which would not help
		return s.secretMissing()
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		return tell("Spotify renews the login of profile %q no more%s: run '%s'", s.Profile.value, wordsOf(err), s.loginCommand())
	case errors.Is(err, spotipie.ErrNoRefreshToken),
		errors.Is(err, spotipie.ErrTokenExpired) && s.Flow.value == string(spotipie.FlowImplicitGrant):
		return tell("the login of profile %q has no refresh token, so it cannot be renewed: run '%s'",
			s.Profile.value, s.loginCommand())
	case errors.Is(err, spotipie.ErrTokenExpired):
		return tell("the access token of profile %q is expired, and no other is to be had: check the clock, or run '%s'",
			s.Profile.value, s.loginCommand())
	case errors.Is(err, spotipie.ErrNotAuthorized): // somebody has signed out just now
		return &notSignedInError{profile: s.Profile.value, login: s.loginCommand()}
	case errors.As(err, &mismatch):
		return tell("%s; signing in again replaces it: run '%s'", plain(err), s.loginCommand())
	case errors.As(err, &stored) && stored.Op == "save":
		return tell("%v: the renewed login is not saved: mend that and run it again, and if Spotify refuses then, '%s'",
			s.storeFailed(doing(stored.Op), stored.Err), s.loginCommand())
	case errors.As(err, &stored):
		return s.storeFailed(doing(stored.Op), stored.Err)
	case errors.As(err, &redirect):
		return usage(s.cmd, err)
	case errors.As(err, &less):
		return tell("the login is kept, but it is not granted the scope %s: what needs that will not work; "+
			"to ask for it again, run the same command again", less.Missing)
	case errors.Is(err, spotipie.ErrClosed) && s.cmd.Context().Err() != nil:
		return context.Cause(s.cmd.Context())
	case errors.As(err, &refused):
		return s.explainRefusal(refused, tell)
	case s.explainLogin(err) != nil:
		return tell("%s", s.explainLogin(err))
	case errors.As(err, &offline):
		if request := innermost(err); request != nil && isPractice(s.services()) && errors.Is(err, syscall.ECONNREFUSED) {
			return tell("no answer from %s: %v: profile %q is for a service on this machine that does not run: start it again, or if Spotify "+
				"is meant, run '%s --accounts-url %s'", hostOf(request.URL), request.Err, s.Profile.value, s.loginCommand(), spotipie.DefaultAccountsURL)
		} else if request != nil {
			return tell("no answer from %s: %v: check the connection; --debug shows the requests", hostOf(request.URL), request.Err)
		}
	}
	return err
}

// innermost returns the request that failed: one for a token may be within one
// of the Web API.
func innermost(err error) *url.Error {
	var found, next *url.Error
	for errors.As(err, &next) {
		found, err = next, next.Err
	}
	return found
}

// doing is what an operation of a store does to it.
func doing(op string) string {
	switch op {
	case "load":
		return "reading"
	case "save":
		return "saving in"
	}
	return op + "ing"
}

// wordsOf returns the accounts service's own words, in parentheses.
func wordsOf(err error) string {
	var refused *spotipie.TokenEndpointError
	if !errors.As(err, &refused) || refused.Description == "" {
		return ""
	}
	return " (" + refused.Description + ")"
}

func (s *settings) explainRefusal(refused *spotipie.TokenEndpointError, tell func(string, ...any) error) error {
	var format *spotipie.TokenFormatError
	switch {
	case errors.As(refused, &format):
		return tell("%s (%s) does not answer as an accounts service does: check that it is one, and that nothing answers in its place",
			s.AccountsURL.value, s.AccountsURL.origin())
	case refused.Temporary():
		return tell("%s: nothing is lost, try again later", plain(refused))
	case refused.Code == "invalid_client" && s.secret.value == "" && s.confidential:
		return usage(s.cmd, tell("profile %q was signed in with the client secret of the app, and Spotify renews it with that only: set %s",
			s.Profile.value, s.variable("CLIENT_SECRET")))
	case refused.Code == "invalid_client" && s.secret.value == "":
		return usage(s.cmd, tell("%s: check the client id (%s), and if the app has a client secret, set %s",
			plain(refused), s.ClientID.origin(), s.variable("CLIENT_SECRET")))
	case refused.Code == "invalid_client":
		return usage(s.cmd, tell("%s: check the client id (%s) and the client secret (%s)",
			plain(refused), s.ClientID.origin(), s.secret.origin()))
	}
	return refused
}

// explainLogin puts what ends a login into the tool's words, or returns nil.
func (s *settings) explainLogin(err error) error {
	var timeout *login.TimeoutError
	var port *login.PortError
	switch {
	case errors.As(err, &timeout):
		return fmt.Errorf("nobody agreed within %s: run it again, with a longer --timeout if need be; if Spotify complained "+
			"about the redirect URI, register %s at https://developer.spotify.com/dashboard", timeout.After, timeout.RedirectURI)
	case errors.As(err, &port):
		return s.explainPort(port)
	case errors.Is(err, login.ErrNoTerminal):
		return errors.New("there is no terminal to paste the answer into: run it in one, or without --paste " +
			"where a browser can reach this machine")
	}
	return nil
}

// explainPort says what to do about a port that cannot be had.
func (s *settings) explainPort(e *login.PortError) error {
	bind, _ := s.cmd.Flags().GetString("bind")
	_, bindPort, _ := cli.SplitAddress(bind) // was checked
	redirect, err := url.Parse(e.RedirectURI)
	advice := "choose another with --port, or leave out --port, for any free one will do"
	switch {
	case slices.Equal(e.Ports, []int{0}):
		return fmt.Errorf("cannot listen on %s: %w: choose an address of this machine with --bind", e.Host, e.Err)
	case bindPort != 0:
		advice = "choose another with --bind"
	case err == nil && redirect.Port() != "":
		advice = "end the program that has it, or use a redirect URI without a port, such as " + login.DefaultRedirectURI +
			", which works with any free one"
	case bind != "":
		advice += "; and --bind has to be an address of this machine"
	}
	return fmt.Errorf("cannot listen on %s, port %s: %w: %s%s", e.Host, ports(e.Ports), e.Err, advice, kept(e.Err))
}

// kept tells of ports that only privileged programs may listen on.
func kept(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return " (those below 1024 are mostly kept for privileged programs)"
	}
	return ""
}

func ports(numbers []int) string {
	text := ""
	for _, n := range numbers {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	return text
}

// hostOf is where a request went, without what stands in the query.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the service"
	}
	return u.Scheme + "://" + u.Host
}
