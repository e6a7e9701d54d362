package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// heldSession is a login of the app itself whose client secret is not set: its
// token works until it expires, and cannot be renewed.
type heldSession struct {
	*spotipie.ImplicitGrantSession
	missing string // what is missing to get another token
}

// Flow implements spotipie.Session.
func (heldSession) Flow() spotipie.Flow { return spotipie.FlowClientCredentials }

// Missing says what is missing to renew the token of a session that still
// works, or returns "".
func Missing(session spotipie.Session) string {
	held, _ := session.(heldSession)
	return held.missing
}

// hold returns a session for the rest of a token's lifetime. If the token has
// expired, its error says what is missing to get another.
func hold(ctx context.Context, s *settings.Settings, rec spotipie.Record) (spotipie.Session, error) {
	left := time.Duration(0)
	if rec.Token != nil && !rec.Token.IsExpired(spotipie.DefaultExpiryMargin) {
		left = time.Until(rec.Token.ExpiresAt())
	}
	if left <= 0 {
		return nil, secretMissing(s)
	}
	missing := fmt.Sprintf("the client secret is not set, so this token, which is valid for %s, cannot be renewed: set %s or --client-secret-file",
		cli.Span(left), s.Variable("CLIENT_SECRET"))
	session, err := ForStored(s, spotipie.FlowImplicitGrant, nil)
	if err != nil {
		return nil, err
	}
	held := heldSession{session.(*spotipie.ImplicitGrantSession), missing}
	rec.Flow = "" // this session calls the flow by another name
	return held, held.SetRecord(ctx, rec)
}

func secretMissing(s *settings.Settings) error {
	return failure.Usage(s.Cmd, fmt.Errorf("profile %q uses the client_credentials flow, which needs the app's client secret: "+
		"set %s or --client-secret-file", s.Profile.Value, s.Variable("CLIENT_SECRET")))
}

// Explain is explain.Error for an error of a session.
func Explain(s *settings.Settings, session spotipie.Session, err error) error {
	explained := explain.Error(s, err)
	var wrong *failure.UsageError
	var told *failure.ToldError
	var absent *failure.NotSignedInError
	switch {
	case Missing(session) == "" || !failure.SignInNeeded(err):
	case errors.As(err, &wrong), errors.As(err, &told), errors.As(err, &absent):
	default: // signing in would not help
		return secretMissing(s)
	}
	return explained
}
