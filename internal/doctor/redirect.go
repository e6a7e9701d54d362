package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/login"
)

// RedirectURI checks a redirect URI against Spotify's rules
// (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri).
func RedirectURI(uri string) Result {
	const name = "redirect URI"
	var refused *spotipie.RedirectURIError
	if err := spotipie.ValidateRedirectURI(uri); errors.As(err, &refused) {
		suggestion := refused.Suggestion
		if suggestion == "" {
			suggestion = login.DefaultRedirectURI
		}
		return bad(name, fmt.Sprintf("Spotify refuses %s: %s", uri, refused.Reason),
			fmt.Sprintf("register %s at %s, and set it here", suggestion, dashboard))
	}
	return good(name, uri+" keeps to Spotify's rules")
}

// Port checks whether a login can listen at the address of the redirect URI.
func Port(ctx context.Context, uri string) Result {
	const name = "port"
	u, err := url.Parse(uri)
	if err != nil {
		return bad(name, "cannot be checked, because the redirect URI is wrong", "correct the redirect URI first")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || !ip.IsLoopback() {
		return good(name, "none is needed: the redirect URI does not lead to this machine, so the user pastes the answer (login --paste)")
	}
	address := net.JoinHostPort(u.Hostname(), portOf(u))
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return bad(name, fmt.Sprintf("cannot listen on %s: %v", address, reason(err)), portFix(err, u))
	}
	_ = listener.Close()
	if u.Port() == "" {
		return good(name, "any free one on "+u.Hostname()+" will do")
	}
	return good(name, address+" is free")
}

func portOf(u *url.URL) string {
	if u.Port() == "" {
		return "0"
	}
	return u.Port()
}

func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) { // without the address, which the message has already
		return number
	}
	return err
}

func portFix(err error, u *url.URL) string {
	free := *u
	free.Host = "127.0.0.1"
	switch {
	case u.Port() == "":
		return "check that the loopback interface is up, or sign in with --paste"
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("end the program that uses it, or register %s, which works with any free port", &free)
	}
	return fmt.Sprintf("register %s, which works with any free port", &free)
}
