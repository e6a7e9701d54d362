package login

import (
	"cmp"
	"context"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// userTimeout is how long a login waits for the user's name, and for other answers that
// it can do without.
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

// isRefused reports whether the Web API refuses the token of the session's user,
// also a new one. If it does not answer, that is not so.
func isRefused(ctx context.Context, s *settings.Settings, session spotipie.Session) bool {
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	_, err := spotipie.CurrentUser(ctx, session)
	return failure.SignInNeeded(explain.TokenRefused(s, err))
}
