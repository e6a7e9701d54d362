package spotipie

import (
	"log/slog"
	"time"
)

// TokenUpdated is the event of a new token: fetched, set, renewed by the
// session, or learned from the store because another process renewed it.
//
// Listeners are called one after the other, after the token was saved and
// before callers who wait for it get it. So a listener may save the token
// itself. Listeners hear of each token once, and never of an older one after a
// newer one. If several tokens are set at the same time, they may hear only of
// the last. If a listener fails, the token is still used. SetToken,
// FetchToken and RefreshToken return the [*ListenerError]; Token and Request do
// not, but [Options].OnError is called with it, and Close returns it if it was
// about the latest token.
//
// ctx ends after [Options].RefreshTimeout; the session does not wait longer for
// a listener. Listeners may use the session, and set another token, if they
// pass on the ctx they were given or one derived from it. Otherwise the session
// cannot know that a listener is calling, and waits for that listener to
// return. If a listener sets a token, all listeners hear of it after the one
// before. Printing the event shows no secret.
type TokenUpdated struct {
	Session  Session
	OldToken *Token // nil if there was none
	NewToken *Token
	// ReauthorizeBy is when the user must authorize the app again at the
	// latest; see [Session]. Zero if it is not known.
	ReauthorizeBy time.Time
}

// TokenExpired is the event of an expired token that is needed.
//
// Callers who need the token at the same time share one event and wait until
// all listeners have returned. A listener may set a new token, which the
// callers then get; it should pass on the ctx it was given. If no listener sets
// one, the session renews the token, unless automatic refreshing is off or
// impossible. Each listener has [Options].RefreshTimeout. If one fails, the session
// goes on: the caller gets the [*ListenerError] only if there is no token in the end,
// and otherwise [Options].OnError is called with it. Printing the event shows no
// secret.
type TokenExpired struct {
	Session      Session
	ExpiredToken *Token
	// WithholdToken is true if the event is about a request that is sent
	// without the token. It is sent whatever the listeners do.
	WithholdToken bool
}

// LoggedOut is the event of a logout: by [Session].Logout, or by another
// process that deleted the record, once this session learns of it. It comes in
// order with [TokenUpdated]: listeners hear of a logout before they hear of the
// next login. Printing the event shows no secret.
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
