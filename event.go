package spotipie

import (
	"log/slog"
	"time"
)

// TokenUpdated is the event of a new token: fetched, set, renewed by the
// session, or learned from the store because another process renewed it.
//
// Listeners are called one after the other, after the token was saved and
// before anybody who waits for it gets it, so a listener may itself be what
// saves it. They hear each token once, and never an older one after a newer
// one; of several tokens that are set at the same time the last may be the only
// one they hear of. If one fails, the token is used all the same: SetToken,
// FetchToken and RefreshToken return the [*ListenerError], Token and Request do
// not, but [Options].OnError hears of it, and so does Close if it was the
// latest token.
//
// ctx ends after [Options].RefreshTimeout, and a listener that has not returned
// by then is not waited for. Listeners may use the session, also to set another
// token, if they pass on the ctx they were given, or one made of it. Without it a
// session cannot tell that one of its listeners is calling, and waits for that
// listener. A token that a listener sets is announced to all after they have
// heard of the one before. Printing the event shows no secret.
type TokenUpdated struct {
	Session  Session
	OldToken *Token // nil if there was none
	NewToken *Token
	// ReauthorizeBy is when the user must have authorized the app again; see
	// [Session]. Zero if that is not known.
	ReauthorizeBy time.Time
}

// TokenExpired is the event of a token being needed that is expired.
//
// Callers who need the token at the same time share one event and wait until
// all listeners have returned. A listener may set a new token, with which the
// callers go on, and should pass on the ctx it was given; if none sets one, the
// session renews it by itself unless automatic refreshing is off or impossible.
// Printing the event shows no secret.
type TokenExpired struct {
	Session      Session
	ExpiredToken *Token
	// WithholdToken is true for a request that goes without the token; it is
	// made whatever the listeners do.
	WithholdToken bool
}

// LoggedOut is the event of an authorization that was given up: by
// [Session].Logout, or by another process that deleted the record, once this
// session learns of it. It is told in order with [TokenUpdated]: nobody
// hears of a new login before the end of the old one. Printing the event shows no
// secret.
type LoggedOut struct {
	Session  Session
	OldToken *Token // the token that is no longer used
}

// LogValue implements [slog.LogValuer] without secrets.
func (e TokenUpdated) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("session", e.Session), slog.Attr{Key: "old_token", Value: logToken(e.OldToken)},
		slog.Attr{Key: "new_token", Value: logToken(e.NewToken)}, slog.Time("reauthorize_by", e.ReauthorizeBy))
}

// LogValue implements [slog.LogValuer] without secrets.
func (e TokenExpired) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("session", e.Session), slog.Attr{Key: "expired_token", Value: logToken(e.ExpiredToken)},
		slog.Bool("withhold_token", e.WithholdToken))
}

// LogValue implements [slog.LogValuer] without secrets.
func (e LoggedOut) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("session", e.Session), slog.Attr{Key: "old_token", Value: logToken(e.OldToken)})
}

func logToken(t *Token) slog.Value {
	if t == nil {
		return slog.StringValue("none")
	}
	return t.LogValue()
}

// Names of the events, as a [ListenerError] has them.
const (
	eventTokenUpdated = "token_updated"
	eventTokenExpired = "token_expired"
	eventLoggedOut    = "logged_out"
)
