package spotipie

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// DefaultExpiryMargin is the usual margin for [Token.IsExpired], and how much
// earlier ExpiresAt is than the moment the token was received plus its
// lifetime. Both are as in the Python package. A session is more careful: it
// does not use a token in its last ten seconds.
const DefaultExpiryMargin = 2 * time.Second

// maxLifetime is the longest lifetime that is accepted. Spotify's is an hour.
const maxLifetime = 10 * 365 * 24 * time.Hour

// Token is what the accounts service grants: an access token for requests until
// it expires (RFC 6749 section 1.4) and, in most flows, a refresh token to get
// the next one.
//
// A Token never changes once made, so it may be shared between goroutines.
// Printing it with fmt or slog shows no secret, but its JSON does: it is for
// storage (see [Token.MarshalJSON]). The zero Token and a nil one have empty
// parts and count as expired.
type Token struct {
	// A function, so that fmt cannot print them inside an unexported field,
	// where it does not call Format.
	secrets   func() tokenSecrets
	scope     Scopes
	expiresIn time.Duration
	expiresAt int64 // nanoseconds of the wall clock: the monotonic one stops while a laptop sleeps
}

type tokenSecrets struct {
	authorization string // the access token after its type and a space, as a request's header wants it
	refresh       string
	state         string
}

// keep returns a function that returns s. Most tokens have no state, and their
// function is smaller.
func (s tokenSecrets) keep() func() tokenSecrets {
	if s.state != "" {
		return func() tokenSecrets { return s }
	}
	authorization, refresh := s.authorization, s.refresh
	return func() tokenSecrets { return tokenSecrets{authorization: authorization, refresh: refresh} }
}

// secret returns the secrets, which are empty in the zero Token and in a nil
// one.
func (t *Token) secret() tokenSecrets {
	if t == nil || t.secrets == nil {
		return tokenSecrets{}
	}
	return t.secrets()
}

func (s tokenSecrets) access() string { return strings.TrimPrefix(s.authorization, tokenType+" ") }

// TokenFields are the parts of a [Token]. Unlike a token they can be changed.
// Printing them shows no secret, except in an unexported field of a struct of
// yours.
type TokenFields struct {
	AccessToken  string        // required, unless there is a refresh token
	ExpiresIn    time.Duration // lifetime when received; zero: until ExpiresAt from now
	Scope        Scopes        // granted; a session adds the scope it asked for if this is empty
	State        string        // of the request that the token answers; usually empty
	TokenType    string        // empty or Bearer, in any case of letters (RFC 6750)
	ExpiresAt    time.Time     // zero: now + ExpiresIn - DefaultExpiryMargin
	RefreshToken string        // empty if the token cannot be refreshed
}

// tokenType is the only type Spotify issues and this package can use.
const tokenType = "Bearer"

// unknownAccessToken stands for the access token of a token that has only a
// refresh token. It is not sent, because that token is expired.
const unknownAccessToken = "unknown"

// NewToken makes a token. With a refresh token alone, and no lifetime, it makes
// one that is expired: a session renews it before the first request. Its
// AccessToken is "unknown".
//
// NewToken returns a [*TokenFormatError] if there is neither an access token nor
// a refresh token alone, if a secret has characters that an HTTP header cannot
// have, if the type is not Bearer, or if the lifetime is negative or more than ten
// years.
func NewToken(f TokenFields) (*Token, error) {
	now := time.Now()
	if f.AccessToken == "" && f.RefreshToken != "" && f.ExpiresIn == 0 && f.ExpiresAt.IsZero() {
		f.AccessToken, f.ExpiresAt = unknownAccessToken, time.Unix(1, 0)
	}
	if f.ExpiresIn == 0 && f.ExpiresAt.After(now) {
		f.ExpiresIn = min(f.ExpiresAt.Sub(now).Round(0), maxLifetime)
	}
	return newToken(f, now)
}

func newToken(f TokenFields, now time.Time) (*Token, error) {
	switch {
	case f.AccessToken == "":
		return nil, &TokenFormatError{Key: keyAccessToken, Reason: "is missing or empty"}
	case !isVisibleASCII(f.AccessToken):
		return nil, &TokenFormatError{Key: keyAccessToken, Reason: "has characters that tokens do not allow"}
	case !isVisibleASCII(f.RefreshToken):
		return nil, &TokenFormatError{Key: keyRefreshToken, Reason: "has characters that tokens do not allow"}
	case f.TokenType != "" && !strings.EqualFold(f.TokenType, tokenType):
		return nil, &TokenFormatError{Key: keyTokenType, Reason: "is not Bearer, the only type that can be used"}
	case f.ExpiresIn < 0:
		return nil, &TokenFormatError{Key: keyExpiresIn, Reason: "is negative"}
	case f.ExpiresIn > maxLifetime:
		return nil, &TokenFormatError{Key: keyExpiresIn, Reason: "is more than ten years"}
	}
	expiresAt := f.ExpiresAt
	if expiresAt.IsZero() {
		expiresAt = now.Add(f.ExpiresIn - DefaultExpiryMargin)
	}
	if year := expiresAt.UTC().Year(); year < 1970 || year > 2200 {
		return nil, &TokenFormatError{Key: keyExpiresAt, Reason: "is not a time in the years 1970 to 2200"}
	}
	return &Token{
		secrets: tokenSecrets{
			authorization: tokenType + " " + f.AccessToken,
			refresh:       f.RefreshToken,
			state:         f.State,
		}.keep(),
		scope:     f.Scope.Normalize(),
		expiresIn: f.ExpiresIn,
		expiresAt: expiresAt.UnixNano(),
	}, nil
}

func (t *Token) orZero() *Token {
	if t == nil {
		return &Token{}
	}
	return t
}

// withRefreshToken returns a copy of the token with another refresh token.
func (t *Token) withRefreshToken(refreshToken string) *Token {
	c, secrets := *t, t.secret()
	secrets.refresh = refreshToken
	c.secrets = secrets.keep()
	return &c
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// AccessToken returns the secret that authorizes requests.
func (t *Token) AccessToken() string { return t.secret().access() }

// RefreshToken returns the secret that gets the next token. It is empty for
// tokens of the client credentials and implicit grant flows.
func (t *Token) RefreshToken() string { return t.secret().refresh }

// State returns the state of the authorization request, if it was kept with the
// token.
func (t *Token) State() string { return t.secret().state }

// Type returns "Bearer".
func (t *Token) Type() string { return tokenType }

// Scope returns the granted scopes, sorted. The caller may change the slice.
func (t *Token) Scope() Scopes { return slices.Clone(t.orZero().scope) }

// ExpiresIn returns the lifetime the token had when it was received.
func (t *Token) ExpiresIn() time.Duration { return t.orZero().expiresIn }

// ExpiresAt returns the moment the token expires, in UTC on the wall clock.
// It is [DefaultExpiryMargin] earlier than the accounts service says.
func (t *Token) ExpiresAt() time.Time { return time.Unix(0, t.orZero().expiresAt).UTC() }

// IsExpired reports whether the token expires within margin from now. Use
// [DefaultExpiryMargin] unless you need another margin.
func (t *Token) IsExpired(margin time.Duration) bool { return t.IsExpiredAt(time.Now(), margin) }

// IsExpiredAt is IsExpired at a moment other than now.
func (t *Token) IsExpiredAt(now time.Time, margin time.Duration) bool {
	return !now.Add(margin).Before(t.ExpiresAt()) // nanoseconds would overflow in 2262
}

// Fields returns a copy of the token's parts, for making a changed token.
func (t *Token) Fields() TokenFields {
	return TokenFields{
		AccessToken:  t.secret().access(),
		ExpiresIn:    t.ExpiresIn(),
		Scope:        t.Scope(),
		State:        t.secret().state,
		TokenType:    tokenType,
		ExpiresAt:    t.ExpiresAt(),
		RefreshToken: t.secret().refresh,
	}
}

// Equal reports whether t and other have the same parts, the expiry to the
// microsecond, which is what JSON keeps. Two nil tokens are equal.
func (t *Token) Equal(other *Token) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.secret() == other.secret() && slices.Equal(t.scope, other.scope) &&
		t.expiresIn == other.expiresIn && t.expiresAt/1000 == other.expiresAt/1000
}

// isSame reports whether two tokens are the same for a session. It ignores a
// lifetime that was only inferred.
func (t *Token) isSame(other *Token) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.secret() == other.secret() && slices.Equal(t.scope, other.scope) && t.expiresAt/1000 == other.expiresAt/1000
}

// String describes the token without its secrets.
func (t Token) String() string {
	if t.secrets == nil {
		return "Token(none)"
	}
	return fmt.Sprintf("Token(access_token %s, refresh_token %s, scope %q, expires_at %s)",
		redacted(t.secret().access()), redacted(t.secret().refresh), t.scope.String(), t.ExpiresAt().Format(time.RFC3339))
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue implements [slog.LogValuer] without the secrets.
func (t Token) LogValue() slog.Value {
	if t.secrets == nil {
		return slog.StringValue("none")
	}
	return slog.GroupValue(
		slog.String(keyAccessToken, redacted(t.secret().access())),
		slog.String(keyRefreshToken, redacted(t.secret().refresh)),
		slog.String(keyScope, t.scope.String()),
		slog.Time(keyExpiresAt, t.ExpiresAt()),
	)
}

// String describes the fields without their secrets.
func (f TokenFields) String() string {
	return fmt.Sprintf("TokenFields(access_token %s, refresh_token %s, scope %q, expires_in %s, expires_at %s)",
		redacted(f.AccessToken), redacted(f.RefreshToken), f.Scope.String(), f.ExpiresIn, f.ExpiresAt.Format(time.RFC3339))
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (f TokenFields) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// LogValue implements [slog.LogValuer] without the secrets.
func (f TokenFields) LogValue() slog.Value { return slog.StringValue(f.String()) }
