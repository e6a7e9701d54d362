package spotipie

import (
	"context"
)

// AuthorizationCodeSession is one user's authorization by the authorization
// code flow (RFC 6749 section 4.1), which gives a refresh token. PKCE (RFC
// 7636, S256) is always used, with a client secret or without.
//
//	authorizationURL, _, err := session.AuthorizationURL(nil)
//	// … the user visits it, agrees and is sent to the redirect URI …
//	token, err := session.FetchToken(ctx, callbackURL)
//
// Several logins may be under way at the same time. See [Session] and
// [RefreshableSession] for what it shares with the other sessions.
type AuthorizationCodeSession struct {
	refreshable
}

var _ RefreshableSession = (*AuthorizationCodeSession)(nil)

// NewAuthorizationCodeSession makes a session without a token. It makes no
// request. The error is about the credentials or options: a redirect URI that
// Spotify refuses is a [*RedirectURIError].
func NewAuthorizationCodeSession(creds Credentials, opts *Options) (*AuthorizationCodeSession, error) {
	s := &AuthorizationCodeSession{}
	if err := s.init(s, creds, opts); err != nil {
		return nil, err
	}
	if err := s.app.checkRedirectURI(creds.RedirectURI); err != nil {
		return nil, err
	}
	return s, nil
}

// Flow implements [Session].
func (s *AuthorizationCodeSession) Flow() Flow { return FlowAuthorizationCode }

// RedirectURI returns the redirect URI of the credentials.
func (s *AuthorizationCodeSession) RedirectURI() string { return s.redirectURI() }

// RequestedScope returns the scopes that the user is asked for, sorted. Scope
// returns those that they granted.
func (s *AuthorizationCodeSession) RequestedScope() Scopes { return s.requestedScope() }

// AuthorizationURL returns the URL that the user must visit to agree, and the
// state that the callback must carry. The session remembers the state and the
// PKCE verifier that goes with it for an hour, or
// [AuthorizationURLOptions].Lifetime, for the latest 100 logins.
func (s *AuthorizationCodeSession) AuthorizationURL(opts *AuthorizationURLOptions) (authorizationURL, state string, err error) {
	return s.authorizationURL(opts)
}

// CheckAuthorization asks the accounts service whether it accepts this app's
// authorization request, before a user sees it: whether client id, redirect URI
// and scope are right. A refusal is an [*AuthorizationError]. Spotify reports
// some mistakes only after the user has signed in.
func (s *AuthorizationCodeSession) CheckAuthorization(ctx context.Context, opts *AuthorizationURLOptions) error {
	return s.checkAuthorization(ctx, opts)
}

// FetchToken finishes a login: it reads code and state from the URL that the
// accounts service sent the user to, exchanges the code for a token (RFC 6749
// section 4.1.3), sets the token and returns it. A state works once, but the
// same callback may be tried again if the accounts service could not be reached
// or failed, at once the first time and then after a second. A code also works
// only once, so the exchange continues in the background if ctx ends; a second
// call with the same callback joins it. Errors: [ErrStateMismatch],
// [*AuthorizationError] (which may be [ErrAccessDenied]), [*CallbackError],
// [*TokenEndpointError], those of the network and of ctx. With a [*StoreError],
// a [*ListenerError] or an [*InsufficientScopeError] the token is returned too;
// the last one means that the user has granted less than was asked for.
func (s *AuthorizationCodeSession) FetchToken(ctx context.Context, callbackURL string) (*Token, error) {
	if s.app == nil {
		return nil, errNotMade
	}
	query, fragment, err := parseCallback(callbackURL)
	if err != nil {
		return nil, err
	}
	if fragment.Has(keyAccessToken) {
		return nil, &CallbackError{Reason: "it belongs to the implicit grant flow, not to this session's authorization code flow"}
	}
	params, err := readCallback(query, "code")
	if err != nil {
		return nil, err
	}
	if err := callbackError(params); err != nil {
		return nil, s.denied(params["state"], err)
	}
	return s.exchangeCode(ctx, params["code"], params["state"])
}

// FetchTokenGivenCode is like [AuthorizationCodeSession.FetchToken], for
// programs that read code and state from the callback themselves.
func (s *AuthorizationCodeSession) FetchTokenGivenCode(ctx context.Context, code, state string) (*Token, error) {
	if code == "" {
		return nil, &CallbackError{Reason: "it has no code"}
	}
	return s.exchangeCode(ctx, code, state)
}
