package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/webapi"
)

// WithSession opens the session of the stored login, calls use with it and
// closes it. It fails with [spotipie.ErrNotAuthorized] if there is no login.
type WithSession func(ctx context.Context, use func(spotipie.Session) error) error

// Token checks whether the login has a valid token, renewing it if necessary,
// whether Spotify still renews it, and whether the Web API accepts it. login is
// the command that signs in.
func Token(ctx context.Context, with WithSession, login string, now func() time.Time) Result {
	const name = "token"
	ctx, cancel := context.WithTimeout(ctx, 2*checkTimeout)
	defer cancel()
	detail, refused := "", ""
	err := with(ctx, func(session spotipie.Session) error {
		token, err := session.Token(ctx)
		if token == nil {
			return err
		}
		if rec, ok := session.Record(); ok && rec.Rejected != "" {
			refused = fmt.Sprintf("valid for %s only: Spotify no longer renews the login (%s)", cli.Span(token.ExpiresAt().Sub(now())), rec.Rejected)
			return nil
		}
		who, err := user(ctx, session)
		if err != nil {
			return err
		}
		detail = fmt.Sprintf("%svalid for %s%s", who, cli.Span(token.ExpiresAt().Sub(now())), again(session))
		return nil
	})
	switch {
	case err == nil && refused != "":
		return bad(name, refused, "run '"+login+"'")
	case err == nil:
		return good(name, detail)
	}
	problem, fix := tokenProblem(err, login)
	return bad(name, problem, fix)
}

// again says when the user has to sign in again.
func again(session spotipie.Session) string {
	by := session.ReauthorizeBy()
	switch {
	case !by.IsZero():
		return "; sign in again by " + by.Local().Format("2 January 2006")
	case session.CurrentToken().RefreshToken() != "":
		return "; it is not known when to sign in again: at the latest six months after the consent"
	}
	return ""
}

// user asks the Web API whose token it is, unless it is the app's.
func user(ctx context.Context, session spotipie.Session) (string, error) {
	if session.Flow() == spotipie.FlowClientCredentials {
		return "of the app itself, ", nil
	}
	user, err := spotipie.CurrentUser(ctx, session)
	if err != nil {
		return "", fmt.Errorf("asking the Web API: %w", err)
	}
	return fmt.Sprintf("of user %q, ", cmp.Or(user.ID, user.AccountID)), nil
}

// limitFix says what to do about a service that refuses requests because of a
// limit.
func limitFix(limited *spotipie.RateLimitError) string {
	if limited.QuotaExceeded() {
		return "wait until then: another app of the same developer does not help; send fewer requests, and cache answers; " +
			"extended quota mode has a higher limit: " + dashboard
	}
	return "wait until then, and send fewer requests"
}

// tokenProblem says what is wrong, and what to do.
func tokenProblem(err error, login string) (problem, fix string) {
	var (
		refused  *spotipie.TokenEndpointError
		api      *spotipie.APIError
		redirect *spotipie.RedirectURIError
		limited  *spotipie.RateLimitError
	)
	signIn := "run '" + login + "'"
	switch {
	case errors.Is(err, spotipie.ErrNotAuthorized):
		return "not signed in", signIn
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		return "Spotify no longer renews the login", signIn
	case errors.Is(err, spotipie.ErrTokenExpired), errors.Is(err, spotipie.ErrNoRefreshToken):
		return "it is expired and has no refresh token", signIn
	case errors.As(err, &redirect):
		return "cannot be checked, because the redirect URI is wrong", "correct the redirect URI first"
	case errors.As(err, &refused) && refused.Code == "invalid_client":
		return "the accounts service refuses the app: " + invalidClient(refused), "check client id and client secret at " + dashboard
	case errors.As(err, &limited):
		return plain(err), limitFix(limited)
	case errors.As(err, &api) && api.StatusCode == http.StatusUnauthorized:
		return plain(err), signIn
	case errors.As(err, &api) && api.StatusCode == http.StatusForbidden:
		if problem, fix, ok := webapi.Refusal(api, http.MethodGet, "/v1/me"); ok {
			return problem + " (403: " + api.Message + ")", fix
		}
		return plain(err), "see the app's page at " + dashboard + ": in development mode only the users listed there may sign in, " +
			"and its owner needs Premium"
	case tooLong(err):
		return "no answer: " + plain(err), "check the connection, and try again"
	}
	return plain(err), "check the connection, and try again; --debug shows the requests"
}

// invalidClient returns the accounts service's words about an app that it refuses.
func invalidClient(refused *spotipie.TokenEndpointError) string {
	if refused.Description == "" {
		return refused.Code
	}
	return refused.Code + ": " + cli.Printable(refused.Description)
}
