// Package explain rewords errors of the library for users of the tool, who have
// commands and flags and no Go program.
package explain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// Error rewords an error of a session so that it says what to do next. It does
// not change errors that say so already.
func Error(s *settings.Settings, err error) error {
	var (
		wrong    *failure.UsageError
		told     *failure.ToldError
		absent   *failure.NotSignedInError
		mismatch *spotipie.RecordMismatchError
		stored   *spotipie.StoreError
		refused  *spotipie.TokenEndpointError
		redirect *spotipie.RedirectURIError
		less     *spotipie.InsufficientScopeError
		offline  net.Error
	)
	if limited := LimitOf(err); limited != nil && !errors.As(err, &told) {
		if text := Limit(limited, 0); text != "" {
			return failure.Tell(err, "%s", text)
		}
	}
	switch {
	case err == nil, errors.As(err, &wrong), errors.As(err, &told), errors.As(err, &absent):
		return err
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		return failure.Tell(err, "Spotify no longer renews the login of profile %q%s: run '%s'", s.Profile.Value, WordsOf(err), s.LoginCommand())
	case errors.Is(err, spotipie.ErrNoRefreshToken),
		errors.Is(err, spotipie.ErrTokenExpired) && s.Flow.Value == string(spotipie.FlowImplicitGrant):
		return failure.Tell(err, "the login of profile %q has no refresh token, so it cannot be renewed: run '%s'",
			s.Profile.Value, s.LoginCommand())
	case errors.Is(err, spotipie.ErrTokenExpired):
		return failure.Tell(err, "the access token of profile %q is expired and cannot be renewed: check the clock, or run '%s'",
			s.Profile.Value, s.LoginCommand())
	case errors.Is(err, spotipie.ErrNotAuthorized): // somebody has just signed out
		return &failure.NotSignedInError{Profile: s.Profile.Value, Login: s.LoginCommand()}
	case errors.As(err, &mismatch):
		return failure.Tell(err, "%s; signing in again replaces it: run '%s'", failure.Plain(err), s.LoginCommand())
	case errors.As(err, &stored) && stored.Op == "save":
		return failure.Tell(err, "%v: the renewed login is not saved: correct that and run the command again; if Spotify then refuses, run '%s'",
			stores.Failed(s, doing(stored.Op), stored.Err), s.LoginCommand())
	case errors.As(err, &stored):
		return stores.Failed(s, doing(stored.Op), stored.Err)
	case errors.As(err, &redirect):
		return failure.Usage(s.Cmd, err)
	case errors.As(err, &less):
		return failure.Tell(err, "the login is saved, but the scope %s was not granted, so requests that need it will fail; "+
			"run the same command again to ask for it again", less.Missing)
	case errors.Is(err, spotipie.ErrClosed) && s.Cmd.Context().Err() != nil:
		return context.Cause(s.Cmd.Context())
	case errors.As(err, &refused):
		return refusal(s, err, refused)
	case errors.As(err, &offline):
		if request := innermost(err); request != nil && s.Services().IsPractice() && errors.Is(err, syscall.ECONNREFUSED) {
			return failure.Tell(err, "no answer from %s: %v: profile %q is for a service on this machine that is not running: start it again, or if you mean Spotify, "+
				"run '%s --accounts-url %s'", hostOf(request.URL), request.Err, s.Profile.Value, s.LoginCommand(), spotipie.DefaultAccountsURL)
		} else if request != nil {
			return failure.Tell(err, "no answer from %s: %v: check the connection; --debug shows the requests", hostOf(request.URL), request.Err)
		}
	}
	return err
}

// TokenRefused returns an error which says that the user has to sign in again, if
// err means that the Web API refuses the token of a user. Otherwise it returns err.
// Before such an answer reaches a command, the session has tried a new token, if it
// can get one; only a login helps then.
func TokenRefused(s *settings.Settings, err error) error {
	var refused *spotipie.APIError
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		return err
	}
	words := ""
	if refused.Message != "" {
		words = " (" + cli.Printable(refused.Message) + ")"
	}
	again := ""
	if s.Services().IsPractice() {
		again = "; if the service has been started again, first set the variables that it has printed"
	}
	return failure.Tell(fmt.Errorf("%w: %w", spotipie.ErrReauthorizationRequired, err),
		"the Web API refuses the token of profile %q%s: run '%s'%s", s.Profile.Value, words, s.LoginCommand(), again)
}

// innermost returns the request that failed. A request of the Web API may fail
// because of a token request inside it.
func innermost(err error) *url.Error {
	var found, next *url.Error
	for errors.As(err, &next) {
		found, err = next, next.Err
	}
	return found
}

// doing describes an operation of a store.
func doing(op string) string {
	switch op {
	case "load":
		return "reading"
	case "save":
		return "saving in"
	case "delete":
		return "deleting from"
	}
	return op + "ing"
}

// WordsOf returns the accounts service's own text, in parentheses.
func WordsOf(err error) string {
	var refused *spotipie.TokenEndpointError
	if !errors.As(err, &refused) || refused.Description == "" {
		return ""
	}
	return " (" + refused.Description + ")"
}

func refusal(s *settings.Settings, err error, refused *spotipie.TokenEndpointError) error {
	var format *spotipie.TokenFormatError
	switch {
	case errors.As(refused, &format):
		return failure.Tell(err, "%s (%s) does not answer like an accounts service: check the address, and that no proxy answers in its place",
			s.AccountsURL.Value, s.AccountsURL.Origin())
	case refused.Temporary():
		return failure.Tell(err, "%s: nothing is lost, try again later", failure.Plain(refused))
	case refused.Code == "invalid_client" && LacksSecret(s):
		return SecretMissing(s, err)
	case refused.Code == "invalid_client" && s.Secret.Value == "":
		return failure.Usage(s.Cmd, failure.Tell(err, "the accounts service refuses the app (%s): check the client id (%s), and if the app has a client secret, set %s%s",
			codeAndWords(refused), s.ClientID.Origin(), s.Variable("CLIENT_SECRET"), practiceApp(s)))
	case refused.Code == "invalid_client":
		return failure.Usage(s.Cmd, failure.Tell(err, "the accounts service refuses the app (%s): check the client id (%s) and the client secret (%s)%s",
			codeAndWords(refused), s.ClientID.Origin(), s.Secret.Origin(), practiceApp(s)))
	}
	return refused
}

// practiceApp returns more advice about an app that a practice service does not know.
func practiceApp(s *settings.Settings) string {
	if shownAt := s.Services().PracticeApp(); shownAt != "" {
		return "; compare with " + shownAt
	}
	return ""
}

func codeAndWords(refused *spotipie.TokenEndpointError) string {
	if refused.Description == "" {
		return refused.Code
	}
	return refused.Code + ": " + cli.Printable(refused.Description)
}

// LacksSecret reports whether the profile was signed in with a client secret that
// is not set now.
func LacksSecret(s *settings.Settings) bool { return s.Confidential && s.Secret.Value == "" }

// SecretMissing returns an error which says that Spotify renews the token only
// with the client secret.
func SecretMissing(s *settings.Settings, err error) error {
	return failure.Usage(s.Cmd, failure.Tell(err, "profile %q was signed in with the app's client secret, and Spotify renews it only with that: set %s",
		s.Profile.Value, s.Variable("CLIENT_SECRET")))
}

// hostOf returns where a request went, without its query.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the service"
	}
	return u.Scheme + "://" + u.Host
}
