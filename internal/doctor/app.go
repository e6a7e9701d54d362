package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/spotipie/spotipie"
)

// Checker checks an app's authorization request with the accounts service; a
// [spotipie.AuthorizationCodeSession] is one.
type Checker interface {
	CheckAuthorization(ctx context.Context, opts *spotipie.AuthorizationURLOptions) error
}

// Registration checks whether the accounts service knows the app and its
// redirect URI. Spotify reports some mistakes only after the user has signed
// in.
func Registration(ctx context.Context, app Checker, redirectURI string) Result {
	const name = "app"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := app.CheckAuthorization(ctx, nil)
	var refused *spotipie.AuthorizationError
	switch {
	case err == nil:
		return good(name, "the accounts service accepts its client id and redirect URI")
	case errors.As(err, &refused):
		return bad(name, "the accounts service refuses it: "+plain(err),
			fmt.Sprintf("compare client id and redirect URI (%s) with the app's page at %s", redirectURI, dashboard))
	}
	return bad(name, "cannot be checked: "+networkReason(err), "check the connection, and try again")
}

// Secret checks whether the accounts service accepts the client secret, by
// requesting a token for the app itself, which is not saved. from is where the
// secret is set.
func Secret(ctx context.Context, app *spotipie.ClientCredentialsSession, from string) Result {
	const name = "secret"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, err := app.FetchToken(ctx)
	var refused *spotipie.TokenEndpointError
	switch {
	case err == nil:
		return good(name, "the accounts service accepts it")
	case errors.As(err, &refused) && refused.Code == "invalid_client":
		return bad(name, fmt.Sprintf("the accounts service refuses the client secret (%s)", from),
			`copy it from the app's page at `+dashboard+`, under "View client secret"`)
	}
	return bad(name, "cannot be checked: "+networkReason(err), "check the connection, and try again")
}
