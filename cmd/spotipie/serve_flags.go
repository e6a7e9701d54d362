package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

const (
	defaultRedirectURI = "http://127.0.0.1/callback"
	// maxTokenLifetime is far below what a client may take for nonsense.
	maxTokenLifetime = 365 * 24 * time.Hour
)

// loopbackAddr checks an address to listen on. The service lets anyone in who
// can reach it, so nothing but this machine may.
func loopbackAddr(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("--addr %q is not HOST:PORT, such as 127.0.0.1:8888", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("--addr %q: the port is not a number from 0 to 65535", addr)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() || ip.Zone() != "" {
		return "", fmt.Errorf("--addr %q is not a loopback address, and the service lets in anyone who can reach it: use 127.0.0.1:%s", addr, port)
	}
	return net.JoinHostPort(host, port), nil
}

// app is the app that the flags register. given tells which of them were.
func (f *serveFlags) app(given func(flag string) bool) (accounts.App, error) {
	app := accounts.App{
		ClientID: f.clientID, ClientSecret: f.clientSecret, Name: "Test app", RedirectURIs: f.redirectURIs,
	}
	if !given("client-id") {
		app.ClientID = randomHex()
	}
	if !given("client-secret") {
		app.ClientSecret = randomHex()
	}
	if len(app.RedirectURIs) == 0 {
		app.RedirectURIs = []string{defaultRedirectURI}
	}
	if app.ClientID == "" {
		return app, errors.New("--client-id is empty: leave it out to get a new one")
	}
	if !unreserved(app.ClientID) {
		return app, fmt.Errorf("--client-id %q has other characters than letters, digits and - . _ ~", app.ClientID)
	}
	if !unreserved(app.ClientSecret) {
		return app, errors.New("--client-secret has other characters than letters, digits and - . _ ~")
	}
	for _, uri := range app.RedirectURIs {
		if err := f.checkRedirectURI(uri); err != nil {
			return app, err
		}
	}
	return app, nil
}

// unreserved reports whether text has only the unreserved characters of RFC
// 3986 section 2.3: it means the same in a URL, a header and a shell.
func unreserved(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		letterOrDigit := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letterOrDigit && !strings.ContainsRune("-._~", r)
	})
}

// checkRedirectURI asks the library, whose errors suggest a better URI, and
// with --legacy the service, which then takes more.
func (f *serveFlags) checkRedirectURI(uri string) error {
	if !f.legacy {
		if err := spotipie.ValidateRedirectURI(uri); err != nil {
			return err
		}
	}
	_, err := accounts.New(&accounts.Options{
		Apps: []accounts.App{{ClientID: "any", RedirectURIs: []string{uri}}},
	})
	if reason := errors.Unwrap(err); reason != nil {
		return reason // without the client id, which has no part in it
	}
	return err
}
