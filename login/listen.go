package login

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// checkLoopback returns an error if this program cannot listen at a redirect
// URI.
func checkLoopback(redirectURI string) (*url.URL, error) {
	refuse := func(reason string) error {
		return &spotipie.RedirectURIError{URI: redirectURI, Reason: reason, Suggestion: DefaultRedirectURI}
	}
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil:
		return nil, refuse("it is not a valid URI")
	case !isLoopback(u.Hostname()):
		return nil, refuse("Authorize can only wait at the loopback address (Prompt works with any redirect URI)")
	case u.Scheme != "http":
		return nil, refuse("at the loopback address Authorize speaks http")
	case strings.HasPrefix(u.EscapedPath(), "//"): // beside it, browsers would read it as a host
		return nil, refuse("its path begins with two slashes")
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}

// listen binds the address at which the browser will arrive, and returns the
// redirect URI with the port that was taken.
func listen(ctx context.Context, redirect *url.URL, opts *Options) (net.Listener, string, error) {
	bindHost, bindPort, err := cli.SplitAddress(opts.BindAddress) // was checked
	if err != nil {
		return nil, "", err
	}
	if bindHost == "" {
		bindHost = redirect.Hostname()
	}
	ports := candidatePorts(redirect, opts.Ports, bindPort)
	var config net.ListenConfig
	for _, port := range ports {
		at := port
		if bindPort != 0 {
			at = bindPort
		}
		var l net.Listener
		if l, err = config.Listen(ctx, "tcp", net.JoinHostPort(bindHost, strconv.Itoa(at))); err == nil {
			return l, withPort(redirect, port, l), nil
		}
	}
	if bindPort != 0 {
		ports = []int{bindPort}
	}
	var failed *os.SyscallError
	if errors.As(err, &failed) { // what is around it says the port again
		err = failed.Err
	}
	return nil, "", &PortError{Host: bindHost, Ports: ports, RedirectURI: redirect.String(), Err: err}
}

// candidatePorts are the ports that the redirect URI may have; 0 is any.
func candidatePorts(redirect *url.URL, wanted []int, bindPort int) []int {
	own, _ := strconv.Atoi(redirect.Port())
	switch {
	case len(wanted) > 0 && bindPort != 0:
		return wanted[:1]
	case len(wanted) > 0:
		return wanted
	case own != 0:
		return []int{own}
	}
	return []int{bindPort}
}

func withPort(redirect *url.URL, port int, l net.Listener) string {
	if port == 0 {
		port = l.Addr().(*net.TCPAddr).Port
	}
	if redirect.Port() == strconv.Itoa(port) {
		return redirect.String()
	}
	u := *redirect
	u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port))
	return u.String()
}
