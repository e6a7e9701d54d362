package doctor

import (
	"cmp"
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
// in. shownAt is where the app is shown; if it is empty, that is Spotify's dashboard.
func Registration(ctx context.Context, app Checker, redirectURI, shownAt string) Result {
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
			fmt.Sprintf("compare client id and redirect URI (%s) with %s", redirectURI, cmp.Or(shownAt, "the app's page at "+dashboard)))
	}
	return bad(name, "cannot be checked: "+networkReason(err), "check the connection, and try again")
}

// Secret checks whether the accounts service accepts the client secret, by
// requesting a token for the app itself, which is not saved. from is where the
// secret is set, and shownAt is as for Registration.
func Secret(ctx context.Context, app *spotipie.ClientCredentialsSession, from, shownAt string) Result {
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
			"copy it from "+cmp.Or(shownAt, `the app's page at `+dashboard+`, under "View client secret"`))
	}
	return bad(name, "cannot be checked: "+networkReason(err), "check the connection, and try again")
}
