package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/spotipie/spotipie"
)

// listen listens where the redirect URI points, which is a loopback address,
// and puts the port into the redirect URI.
func listen(creds *spotipie.Credentials) (net.Listener, error) {
	if err := spotipie.ValidateRedirectURI(creds.RedirectURI); err != nil {
		return nil, err
	}
	u, err := url.Parse(creds.RedirectURI)
	if err != nil || u.Scheme != "http" || u.Path != "/callback" {
		return nil, errors.New("SPOTIPIE_REDIRECT_URI must be like http://127.0.0.1:8080/callback for this example")
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), u.Port()))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	u.Host = listener.Addr().String()
	creds.RedirectURI = u.String()
	return listener, nil
}
