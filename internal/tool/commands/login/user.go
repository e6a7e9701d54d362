package login

import (
	"cmp"
	"context"
	"time"

	"github.com/spotipie/spotipie"
)

// userTimeout is how long a login waits for the user's name.
const userTimeout = 3 * time.Second

// nameOf returns the name of the session's user, or "" if it cannot be found
// out. It is only shown, so an error does not matter.
func nameOf(ctx context.Context, session spotipie.Session) string {
	if session.Flow() == spotipie.FlowClientCredentials {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	user, err := spotipie.CurrentUser(ctx, session)
	if err != nil {
		return ""
	}
	return cmp.Or(user.DisplayName, user.ID)
}
