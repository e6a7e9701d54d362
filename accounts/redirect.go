package accounts

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// loopbackBases are the loopback IP literals for which a registered redirect
// URI without a port matches any port
// (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri,
// RFC 8252 section 7.3). Other addresses of 127.0.0.0/8 are not mentioned there
// and are assumed not to count.
var loopbackBases = [...]string{"http://127.0.0.1", "http://[::1]"}

// checkRedirectURI refuses a redirect URI that is not absolute, has a fragment
// (RFC 6749 section 3.1.2), or has characters that no URI may have.
func checkRedirectURI(raw string) error {
	for _, c := range []byte(raw) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>\\^`{|}", c) >= 0 {
			return fmt.Errorf("redirect URI %q has a character that URIs do not allow", raw)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("redirect URI %q: %w", raw, err)
	}
	switch {
	case u.Scheme == "":
		return fmt.Errorf("redirect URI %q is not absolute", raw)
	case strings.Contains(raw, "#"):
		return fmt.Errorf("redirect URI %q has a fragment", raw)
	case (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() == "":
		return fmt.Errorf("redirect URI %q has no host", raw)
	case u.User != nil:
		return errors.New("redirect URI has user information")
	case u.Scheme == "javascript" || u.Scheme == "data":
		return fmt.Errorf("redirect URI %q has a scheme that runs code", raw)
	}
	return nil
}

// registered reports whether the app may redirect to requested: it must be
// registered as the exact string, or as the same loopback literal without a
// port.
func (a *App) registered(requested string) bool {
	for _, uri := range a.RedirectURIs {
		if uri == requested || matchesAnyPort(uri, requested) {
			return true
		}
	}
	return false
}

func matchesAnyPort(registered, requested string) bool {
	for _, base := range loopbackBases {
		rest, ok := strings.CutPrefix(registered, base)
		if !ok || rest != "" && rest[0] != '/' && rest[0] != '?' {
			continue
		}
		withPort, ok := strings.CutPrefix(requested, base+":")
		if !ok {
			continue
		}
		end := strings.IndexFunc(withPort, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(withPort)
		}
		port, err := strconv.ParseUint(withPort[:end], 10, 16)
		return err == nil && port > 0 && withPort[0] != '0' && withPort[end:] == rest
	}
	return false
}

// insecureRedirect reports whether Spotify has refused the URI since 2025: http
// to anything but a loopback literal, and localhost. Custom schemes are still
// allowed, according to the announcement of 2025-02-12.
func insecureRedirect(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return true
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	return u.Scheme == "http" && host != "127.0.0.1" && host != "::1"
}

// withQuery adds parameters to a redirect URI and keeps its own query.
func withQuery(redirectURI string, params ...string) string {
	return redirectURI + joiner(redirectURI) + encode(params)
}

func joiner(uri string) string {
	switch {
	case !strings.Contains(uri, "?"):
		return "?"
	case strings.HasSuffix(uri, "?"), strings.HasSuffix(uri, "&"):
		return ""
	}
	return "&"
}

// encode encodes name, value, name, value... in the given order.
func encode(params []string) string {
	var b strings.Builder
	for i := 0; i+1 < len(params); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(params[i]) + "=" + url.QueryEscape(params[i+1]))
	}
	return b.String()
}
