package spotipie

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ValidateRedirectURI checks, without a request, whether Spotify accepts a
// redirect URI
// (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri):
// https for any host; http only for the loopback addresses 127.0.0.1 and [::1],
// where a URI registered without a port matches any port; never localhost. An
// app's own scheme (com.example.app://callback) is accepted, because Spotify
// documents it as allowed. If Spotify would refuse the URI, the error is a
// [*RedirectURIError], with a corrected URI if there is a clear one.
func ValidateRedirectURI(uri string) error {
	refuse := func(reason, suggestion string) error {
		return &RedirectURIError{URI: uri, Reason: reason, Suggestion: suggestion}
	}
	if uri == "" {
		return refuse("it is empty; set Credentials.RedirectURI to one of those registered for the app", "")
	}
	if trimmed := strings.Trim(uri, " \t\r\n\"'"); trimmed != uri {
		return refuse("it has spaces or quotes around it", trimmed)
	}
	if strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return refuse("it has characters that URIs do not allow", "")
	}
	if host, _, _ := strings.Cut(uri, ":"); isLocalhost(host) || net.ParseIP(host) != nil {
		return refuse("it has no scheme such as http", suggest("http://"+uri))
	}
	u, err := url.Parse(uri)
	if err != nil || !isPort(u.Port()) {
		return refuse("it is not a valid URI", "")
	}
	switch {
	case u.Scheme == "":
		return refuse("it has no scheme such as https", "")
	case u.Fragment != "" || strings.HasSuffix(uri, "#"):
		u.Fragment = ""
		return refuse("it has a fragment (RFC 6749 section 3.1.2)", strings.TrimSuffix(u.String(), "#"))
	case u.User != nil:
		u.User = nil
		return refuse("it has a user name", u.String())
	case u.Scheme != "http" && u.Scheme != "https" && u.Opaque == "" && isAppScheme(u.Scheme):
		return nil
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("apps cannot have this scheme", "")
	case u.Hostname() == "":
		return refuse("it has no host", "")
	case isLocalhost(u.Hostname()):
		return refuse("Spotify no longer accepts localhost, only the loopback address", withHost(u, "http", "127.0.0.1"))
	case u.Scheme == "https", isLoopbackLiteral(u.Hostname()):
		return nil
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && (addr.IsLoopback() || addr.IsUnspecified()) {
		return refuse("of the loopback addresses Spotify documents only 127.0.0.1 and [::1]", withHost(u, "http", "127.0.0.1"))
	}
	return refuse("http is only for the loopback address, everything else needs https", withHost(u, "https", u.Hostname()))
}

// suggest returns uri if Spotify would accept it, and otherwise a similar one
// that it would accept.
func suggest(uri string) string {
	var refused *RedirectURIError
	if errors.As(ValidateRedirectURI(uri), &refused) {
		return refused.Suggestion
	}
	return uri
}

func isPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// isAppScheme reports whether a scheme may belong to an app, and has no other
// meaning for browsers.
func isAppScheme(scheme string) bool {
	switch scheme {
	case "javascript", "vbscript", "data", "file", "blob", "about", "ftp", "ws", "wss":
		return false
	}
	return true
}

func isLocalhost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func isLoopbackLiteral(host string) bool { return host == "127.0.0.1" || host == "::1" }

// withHost returns u with another scheme and host, and its port kept unless it
// is the one the old scheme implies.
func withHost(u *url.URL, scheme, host string) string {
	c := *u
	c.Scheme = scheme
	switch {
	case u.Port() != "" && u.Port() != "80":
		c.Host = net.JoinHostPort(host, u.Port())
	case strings.Contains(host, ":"):
		c.Host = "[" + host + "]"
	default:
		c.Host = host
	}
	return c.String()
}
