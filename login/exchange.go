package login

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// How long to wait between two exchanges if the token endpoint does not say.
const (
	firstPause = time.Second
	maxPause   = 15 * time.Second
)

// exchange exchanges the answer for a token. While the token endpoint fails, it
// tries again until the login's timeout, so that the user need not agree again.
func (l *login) exchange(ctx context.Context, callbackURL string) (*spotipie.Token, error) {
	pause := firstPause
	for {
		token, err := l.finish(ctx, callbackURL)
		if token != nil || !isPassing(err) || ctx.Err() != nil {
			return token, l.closedOr(err)
		}
		wait := max(askedPause(err), pause)
		pause = min(2*pause, maxPause)
		if wait >= time.Until(l.deadline) {
			return nil, err
		}
		l.delay(err, wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.session.Done():
			timer.Stop()
			return nil, errSessionClosed()
		case <-ctx.Done():
			timer.Stop()
			return nil, ended(ctx, "waiting for the token endpoint")
		}
	}
}

// delay tells the user in the terminal and the browser that it takes longer.
func (l *login) delay(err error, wait time.Duration) {
	l.user.withdraw()
	text := trouble(err)
	l.user.say("You agreed, but there is no token yet: %s. It is asked again in %s.", text, spoken(wait.Round(time.Second)))
	l.end.delay(text)
}

// trouble says what is wrong with the token endpoint.
func trouble(err error) string {
	var answer *spotipie.TokenEndpointError
	if errors.As(err, &answer) {
		return fmt.Sprintf("the accounts service answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	var dial *net.OpError
	if errors.As(err, &dial) {
		return "the accounts service cannot be reached (" + cli.Printable(dial.Err.Error()) + ")"
	}
	return "the accounts service cannot be reached"
}

// isPassing reports whether the same answer may still lead to a token later.
// Then the session has kept the state.
func isPassing(err error) bool {
	var (
		answer      *spotipie.TokenEndpointError
		limited     *spotipie.RateLimitError
		certificate *tls.CertificateVerificationError
		network     net.Error
	)
	switch {
	case errors.As(err, &answer):
		return answer.Temporary()
	case errors.As(err, &limited):
		return true
	case errors.As(err, &certificate), errors.Is(err, spotipie.ErrClosed):
		return false
	}
	return errors.As(err, &network) // the error of net/http, whatever went wrong
}

// askedPause is how long the token endpoint asks to wait.
func askedPause(err error) time.Duration {
	var answer *spotipie.TokenEndpointError
	var limited *spotipie.RateLimitError
	switch {
	case errors.As(err, &answer):
		return answer.RetryAfter
	case errors.As(err, &limited):
		return limited.RetryAfter
	}
	return 0
}

// errSessionClosed ends a login whose session was closed.
func errSessionClosed() error {
	return fmt.Errorf("login: %w, so nobody can be signed in: start the login again with a new one", spotipie.ErrClosed)
}

// closedOr returns err, or errSessionClosed if the session is closed.
func (l *login) closedOr(err error) error {
	if errors.Is(err, spotipie.ErrClosed) {
		return errSessionClosed()
	}
	return err
}
