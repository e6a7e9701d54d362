package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spotipie/spotipie"
)

// visitor is the user who makes a request. The zero value means that nobody is
// signed in.
type visitor struct {
	auth    *Auth
	user    string
	session *spotipie.AuthorizationCodeSession
	// trouble is why the user's authorization cannot be used.
	trouble error
}

// scope returns the scopes that the visitor has granted.
func (v *visitor) scope() spotipie.Scopes {
	if v.session == nil {
		return nil
	}
	return v.session.Scope()
}

type visitorKey struct{}

func visitorFrom(ctx context.Context) *visitor {
	v, _ := ctx.Value(visitorKey{}).(*visitor)
	return v
}

// SessionFrom returns the session of the signed-in user, or nil. ctx is the
// context of a request that came through [Auth.Middleware] or [Auth.Require].
// Behind Require the session is never nil. Do not keep it after the request.
func SessionFrom(ctx context.Context) *spotipie.AuthorizationCodeSession {
	if v := visitorFrom(ctx); v != nil {
		return v.session
	}
	return nil
}

// UserFrom returns the key of the signed-in user ([spotipie.User].Key), or "".
// See [SessionFrom].
func UserFrom(ctx context.Context) string {
	if v := visitorFrom(ctx); v != nil {
		return v.user
	}
	return ""
}

// visitor finds out who makes a request. It returns an error if this is not
// possible at the moment.
func (a *Auth) visitor(r *http.Request) (*visitor, error) {
	if v := visitorFrom(r.Context()); v != nil && v.auth == a {
		return v, nil
	}
	unavailable := func(err error) (*visitor, error) {
		return nil, &Error{Page: pageUnavailable, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: err}
	}
	user, err := a.sessions.User(r)
	if err != nil {
		return unavailable(fmt.Errorf("asking Options.Sessions who is signed in: %w", err))
	}
	if user == "" {
		return &visitor{auth: a}, nil
	}
	session, err := a.pool.Session(r.Context(), user)
	if err == nil && !session.IsAuthorized() { // they may have signed in at another process
		_, err = session.Load(r.Context())
	}
	var mismatch *spotipie.RecordMismatchError
	switch {
	case errors.Is(err, spotipie.ErrUnreadableRecord):
		return nil, &Error{Page: pageUnreadable, Status: http.StatusServiceUnavailable, Err: err}
	case errors.As(err, &mismatch):
		return &visitor{auth: a, trouble: err}, nil
	case err != nil:
		return unavailable(fmt.Errorf("loading the user's session: %w", err))
	case !session.IsAuthorized():
		return &visitor{auth: a}, nil
	}
	return &visitor{auth: a, user: user, session: session}, nil
}

// withVisitor returns the request with its visitor. Shared caches must not keep
// the answer.
func (a *Auth) withVisitor(w http.ResponseWriter, r *http.Request, v *visitor) *http.Request {
	if visitorFrom(r.Context()) == v {
		return r
	}
	w.Header().Add("Vary", "Cookie")
	if v.user != "" && w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "private")
	}
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}
