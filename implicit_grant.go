package spotipie

import (
	"context"
	"time"
)

// ImplicitGrantSession is one user's authorization by the implicit grant flow
// (RFC 6749 section 4.2): the token comes in the fragment of the callback URL
// and cannot be refreshed. When it is expired the app listens for
// [TokenExpired] and authorizes again.
//
// Spotify ended this flow on 2025-11-27
// (https://developer.spotify.com/blog/2025-10-14-reminder-oauth-migration-27-nov-2025)
// and RFC 9700 advises against it: use [AuthorizationCodeSession], which needs
// no client secret either. The session is here for programs that come from the
// Python package and for accounts services that still offer the flow.
type ImplicitGrantSession struct {
	session
}

var _ Session = (*ImplicitGrantSession)(nil)

// NewImplicitGrantSession makes a session without a token. It makes no request.
// The client secret of creds is not used. A redirect URI that Spotify refuses
// is a [*RedirectURIError].
func NewImplicitGrantSession(creds Credentials, opts *Options) (*ImplicitGrantSession, error) {
	s := &ImplicitGrantSession{}
	if err := s.init(s, creds, opts); err != nil {
		return nil, err
	}
	if err := s.app.checkRedirectURI(creds.RedirectURI); err != nil {
		return nil, err
	}
	return s, nil
}

// Flow implements [Session].
func (s *ImplicitGrantSession) Flow() Flow { return FlowImplicitGrant }

// RedirectURI returns the redirect URI of the credentials.
func (s *ImplicitGrantSession) RedirectURI() string { return s.redirectURI() }

// RequestedScope returns the scopes that the user is asked for, sorted. Scope
// returns those that they granted.
func (s *ImplicitGrantSession) RequestedScope() Scopes { return s.requestedScope() }

// AuthorizationURL returns the URL that the user must visit to agree, and the
// state that the callback must carry. The session remembers the state for an
// hour, or [AuthorizationURLOptions].Lifetime, for the latest 100 logins.
func (s *ImplicitGrantSession) AuthorizationURL(opts *AuthorizationURLOptions) (authorizationURL, state string, err error) {
	return s.authorizationURL(opts)
}

// CheckAuthorization asks the accounts service whether it accepts this app's
// authorization request; see [AuthorizationCodeSession.CheckAuthorization].
func (s *ImplicitGrantSession) CheckAuthorization(ctx context.Context, opts *AuthorizationURLOptions) error {
	return s.checkAuthorization(ctx, opts)
}

// ReadTokenFromCallbackURL finishes a login: it reads the token from the
// fragment of the URL that the accounts service sent the user to (RFC 6749
// section 4.2.2), sets the token and returns it. A state works once. Errors:
// [ErrStateMismatch], [*AuthorizationError] (which may be [ErrAccessDenied]),
// [*CallbackError], [*TokenFormatError]. With a [*StoreError], a
// [*ListenerError] or an [*InsufficientScopeError] the token is returned too.
func (s *ImplicitGrantSession) ReadTokenFromCallbackURL(ctx context.Context, callbackURL string) (*Token, error) {
	query, fragment, err := parseCallback(callbackURL)
	if err != nil {
		return nil, err
	}
	if query.Has("code") {
		return nil, &CallbackError{Reason: "it belongs to the authorization code flow, not to this session's implicit grant flow"}
	}
	if err := s.isOpen(); err != nil {
		return nil, err
	}
	values := fragment
	if query.Has("error") { // denials come in the query
		values = query
	}
	params, err := readCallback(values, keyAccessToken, keyTokenType, keyExpiresIn, keyScope)
	if err != nil {
		return nil, err
	}
	if err := callbackError(params); err != nil {
		return nil, s.denied(params["state"], err)
	}
	now := s.app.wallTime()
	login, err := s.logins().take(params["state"], now)
	if err != nil {
		return nil, err
	}
	token, err := tokenFromFragment(params, now)
	if err != nil {
		return nil, err
	}
	return s.authorize(ctx, token, login.scope)
}

// tokenFromFragment makes a token from a fragment's parameters, in which the
// lifetime is text.
func tokenFromFragment(params map[string]string, now time.Time) (*Token, error) {
	answer := map[string]any{
		keyAccessToken: params[keyAccessToken],
		keyTokenType:   params[keyTokenType],
		keyScope:       params[keyScope],
	}
	if text := params[keyExpiresIn]; text != "" {
		answer[keyExpiresIn] = text
	}
	return tokenFromAnswer(answer, now)
}
