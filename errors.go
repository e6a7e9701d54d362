package spotipie

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Errors that have nothing to add to their text. Test for them with
// [errors.Is]; what the package returns may wrap them with more detail.
var (
	// ErrNotAuthorized means that the session has no token yet, neither in
	// memory nor in its store.
	ErrNotAuthorized = errors.New("not authorized yet: fetch or set a token first")

	// ErrTokenExpired means that the token is expired and was not refreshed,
	// because the session cannot refresh it or automatic refreshing is off, and
	// no token-expired listener set a new one.
	ErrTokenExpired = errors.New("the access token is expired: refresh it or authorize again")

	// ErrNoRefreshToken means that RefreshToken was called, but the token has
	// no refresh token. It is still valid. Only the user can get a new one, by
	// authorizing the app again.
	ErrNoRefreshToken = errors.New("the token has no refresh token: authorize again to get a new one")

	// ErrReauthorizationRequired means that Spotify has refused the refresh
	// token for good, because it was revoked or is older than six months. The
	// user must authorize the app again. The error also wraps the
	// [*TokenEndpointError] with what Spotify said.
	ErrReauthorizationRequired = errors.New("the user must authorize this app again")

	// ErrAccessDenied means that the user did not agree, or that the accounts
	// service refused.
	ErrAccessDenied = errors.New("access denied")

	// ErrStateMismatch means that a callback has no state, or one that this
	// session did not make, has used already or has forgotten. The callback may
	// be forged (RFC 6749 section 10.12), so nothing in it is used.
	ErrStateMismatch = errors.New("the state of the callback is not one this session is waiting for: start the login again")

	// ErrClosed means that the session was closed.
	ErrClosed = errors.New("the session is closed")

	// ErrTooManyLogins means that a pool is finishing 256 logins already. The
	// code of the callback was not used: try again in a few seconds.
	ErrTooManyLogins = errors.New("too many logins are being finished at the same time: try again in a few seconds")

	// ErrVersionConflict means that a [Store] refuses a Swap because the record
	// has changed since it was loaded.
	ErrVersionConflict = errors.New("the stored record has changed meanwhile")
)

// MissingVariableError means that an environment variable is not set, or empty.
type MissingVariableError struct {
	Name string // of the variable
}

func (e *MissingVariableError) Error() string {
	return fmt.Sprintf("spotipie: environment variable %s is not set: export it, or fill in Credentials in the program", e.Name)
}

// RedirectURIError means that Spotify would refuse this redirect URI.
type RedirectURIError struct {
	URI        string // as given
	Reason     string // what is wrong with it
	Suggestion string // a URI that Spotify would accept instead; empty if none is known
}

func (e *RedirectURIError) Error() string {
	msg := fmt.Sprintf("spotipie: redirect URI %q: %s", foreignText(e.URI), e.Reason)
	if e.Suggestion != "" {
		msg += fmt.Sprintf(": register and use %s instead", e.Suggestion)
	}
	return msg
}

// AuthorizationError means that the accounts service answered an authorization
// request with an error (RFC 6749 section 4.1.2.1), either on the callback URL
// or, for a request that it must not redirect, on a page of its own.
// errors.Is(err, [ErrAccessDenied]) holds when the code is access_denied.
type AuthorizationError struct {
	Code        string // such as access_denied or INVALID_CLIENT
	Description string // may be empty
}

func (e *AuthorizationError) Error() string {
	msg := "spotipie: authorization failed: " + foreignText(e.Code)
	if e.Description != "" {
		msg += ": " + foreignText(e.Description)
	}
	if e.Code == codeAccessDenied {
		msg += " (the user did not agree; ask again when they want to)"
	}
	return msg
}

// Is makes errors.Is(err, ErrAccessDenied) work.
func (e *AuthorizationError) Is(target error) bool {
	return target == ErrAccessDenied && e.Code == codeAccessDenied
}

const (
	codeAccessDenied  = "access_denied"
	codeInvalidClient = "invalid_client"
	codeInvalidGrant  = "invalid_grant"
)

// CallbackError means that a callback URL cannot be understood. The error does
// not contain the URL, which may hold a code or a token.
type CallbackError struct {
	Reason string
}

func (e *CallbackError) Error() string { return "spotipie: callback URL: " + e.Reason }

// TokenFormatError means that a token, a token file or an answer of the token
// endpoint has the wrong format. The error never contains their values.
type TokenFormatError struct {
	Key    string // the offending key; empty if the whole is wrong
	Reason string
}

func (e *TokenFormatError) Error() string {
	if e.Key == "" {
		return "spotipie: token: " + e.Reason
	}
	return fmt.Sprintf("spotipie: token: %s: %s", foreignText(e.Key), e.Reason)
}

// TokenEndpointError means that the token endpoint answered, but not with a
// token (RFC 6749 section 5.2). If it answered with success but not with a
// valid token, Err is a [*TokenFormatError].
type TokenEndpointError struct {
	StatusCode  int           // HTTP status
	Code        string        // the error field, such as invalid_grant; empty if the answer had none
	Description string        // the error_description field; may be empty
	RetryAfter  time.Duration // how long the server asks to wait; 0 if it does not
	Err         error         // what is wrong with the answer itself; may be nil
}

func (e *TokenEndpointError) Error() string {
	msg := fmt.Sprintf("spotipie: the accounts service answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if e.Code != "" {
		msg += ": " + e.Code
	}
	if e.Description != "" {
		msg += ": " + e.Description
	}
	var format *TokenFormatError
	switch {
	case errors.As(e.Err, &format):
		msg += ", but not with a token: " + strings.TrimPrefix(e.Err.Error(), "spotipie: token: ") +
			": check that no proxy and no login page of the network answers in its place"
	case e.Err != nil:
		msg += ": " + e.Err.Error()
	}
	if e.RetryAfter > 0 {
		msg += fmt.Sprintf(" (try again in %s)", e.RetryAfter)
	}
	if e.Code == codeInvalidClient {
		msg += ": compare Credentials.ClientID and ClientSecret (or the variables that they come from, such as SPOTIPIE_CLIENT_ID " +
			"and SPOTIPIE_CLIENT_SECRET) with the app's page at https://developer.spotify.com/dashboard"
	}
	return msg
}

// Unwrap returns Err.
func (e *TokenEndpointError) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later, because the
// server failed or is busy. The token is still good.
func (e *TokenEndpointError) Temporary() bool {
	return e.StatusCode >= 500 || e.StatusCode == http.StatusTooManyRequests
}

// isFinal reports whether the refresh token is refused for good (RFC 6749
// section 5.2). Other statuses do not count: a server in trouble may say
// anything.
func (e *TokenEndpointError) isFinal() bool {
	return e.Code == codeInvalidGrant && (e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusUnauthorized)
}

// finalWords returns what the accounts service said when it refused a refresh
// token, or nothing for a nil error.
func (e *TokenEndpointError) finalWords() string {
	if e == nil {
		return ""
	}
	return cmp.Or(e.Description, e.Code)
}

// StoreError means that the session's store failed. The token in memory is not
// affected.
type StoreError struct {
	Op  string // load, save, delete, lock, unlock, check or watch
	Key Key
	Err error
}

func (e *StoreError) Error() string {
	msg := fmt.Sprintf("spotipie: store: %s %s: %v", e.Op, e.Key, e.Err)
	switch e.Op {
	case opSave:
		msg += " (the token is in use and saving is tried again)"
	case opDelete:
		msg += " (the session is logged out and deleting is tried again)"
	case opCheck:
		msg += " (no token was requested, because it could not have been saved)"
	}
	return msg
}

// Unwrap returns Err.
func (e *StoreError) Unwrap() error { return e.Err }

// ErrUnreadableRecord means that the store has a record of the user that this
// process cannot read, and that another one may be able to read: for example,
// it is sealed with a key that this process does not have. The record stays as
// it is. Trying again does not help. Do not ask the user to log in because of
// this error: a login would replace the record. A session whose store does not
// seal never replaces a sealed record: a login that it cannot save returns this
// error, until the store is wrapped with package seal and the key. The error is
// wrapped in a [*StoreError] or [*RecordMismatchError].
var ErrUnreadableRecord = errors.New("the record cannot be read here")

// RecordMismatchError means that the store has a record under the session's key
// that this session must not use.
type RecordMismatchError struct {
	Key    Key
	Reason string

	isSealed bool
	isUsers  bool // the record is of a user's login
}

// Is makes errors.Is(err, ErrUnreadableRecord) true for a sealed record in a store
// without keys.
func (e *RecordMismatchError) Is(target error) bool {
	return e.isSealed && target == ErrUnreadableRecord
}

func (e *RecordMismatchError) Error() string {
	return fmt.Sprintf("spotipie: stored record %s: %s", e.Key, e.Reason)
}

// ListenerError means that a listener returned an error, panicked or did not
// return in time. The token is not affected, and the other listeners were
// called.
type ListenerError struct {
	Event string // token_updated, token_expired or logged_out
	Err   error
}

func (e *ListenerError) Error() string {
	return fmt.Sprintf("spotipie: %s listener: %v", e.Event, e.Err)
}

// Unwrap returns Err.
func (e *ListenerError) Unwrap() error { return e.Err }

// InsufficientScopeError means that a request needs scopes that the token does
// not have.
type InsufficientScopeError struct {
	Needed  Scopes
	Current Scopes
	Missing Scopes // of Needed, those not in Current
}

func (e *InsufficientScopeError) Error() string {
	return fmt.Sprintf("spotipie: the token lacks the scope %s (needed: %s; it has: %s): authorize again with it",
		foreignScopes(e.Missing), foreignScopes(e.Needed), cmp.Or(foreignScopes(e.Current), "none"))
}

// BackgroundError is the type of the errors that [Options].OnError gets:
// something went wrong in the background.
type BackgroundError struct {
	Key Key // of the session
	Err error
}

func (e *BackgroundError) Error() string {
	return fmt.Sprintf("spotipie: session %s, in the background: %v", e.Key, e.Err)
}

// Unwrap returns Err.
func (e *BackgroundError) Unwrap() error { return e.Err }
