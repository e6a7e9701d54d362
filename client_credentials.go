package spotipie

import (
	"context"
	"errors"
)

// ClientCredentialsSession is the app's own authorization, without a user (RFC
// 6749 section 4.4). It gives access to public data, such as search. There is
// no refresh token: the session fetches a new token. With automatic refreshing
// on, it also fetches the first one when it is needed.
type ClientCredentialsSession struct {
	refreshable
}

var _ RefreshableSession = (*ClientCredentialsSession)(nil)

// NewClientCredentialsSession makes a session without a token. It makes no
// request. The redirect URI of creds and [Options].Scope are not used.
func NewClientCredentialsSession(creds Credentials, opts *Options) (*ClientCredentialsSession, error) {
	if creds.ClientSecret == "" {
		return nil, errors.New("spotipie: Credentials.ClientSecret is empty: the client credentials flow needs it")
	}
	s := &ClientCredentialsSession{}
	if err := s.init(s, creds, opts); err != nil {
		return nil, err
	}
	s.app.scope = nil // there is nobody to grant any
	return s, nil
}

// Flow implements [Session].
func (s *ClientCredentialsSession) Flow() Flow { return FlowClientCredentials }

// FetchToken gets a token, sets it and returns it. It is the same as
// [RefreshableSession].RefreshToken.
func (s *ClientCredentialsSession) FetchToken(ctx context.Context) (*Token, error) {
	return s.refreshNow(ctx)
}
