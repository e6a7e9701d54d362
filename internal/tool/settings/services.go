package settings

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// readServices reads the addresses of the accounts service and the Web API.
// They belong together, so that no token goes to another service than the one
// that issued it: if a place sets only the accounts service, the Web API is at
// the same address.
func (s *Settings) readServices(of, top config.Settings) error {
	s.AccountsURL = s.pick("accounts-url", "ACCOUNTS_URL", of.AccountsURL, top.AccountsURL, spotipie.DefaultAccountsURL)
	s.APIURL = s.pick("api-url", "API_URL", of.APIURL, top.APIURL, spotipie.DefaultAPIURL)
	s.AccountsURL.Value, s.APIURL.Value = canonical(s.AccountsURL.Value), canonical(s.APIURL.Value)
	if s.AccountsURL.isBefore(s.APIURL) {
		s.APIURL = s.AccountsURL
		if s.AccountsURL.Value == spotipie.DefaultAccountsURL {
			s.APIURL.Value = spotipie.DefaultAPIURL
		}
	}
	var err error
	s.plainHTTP, err = s.pickBool("allow-plain-http", "ALLOW_PLAIN_HTTP", of.AllowPlainHTTP, top.AllowPlainHTTP)
	return err
}

// pickBool is pick for a setting that is true or false.
func (s *Settings) pickBool(flag, variable string, profile, top bool) (Setting, error) {
	found := s.pick(flag, variable, boolText(profile), boolText(top), "false")
	if _, err := strconv.ParseBool(found.Value); err != nil {
		return Setting{}, fmt.Errorf("%s: %q is neither true nor false", found.From, found.Value)
	}
	return found, nil
}

// IsOn reports whether a setting is true.
func (s Setting) IsOn() bool {
	on, _ := strconv.ParseBool(s.Value)
	return on
}

func boolText(on bool) string {
	if on {
		return "true"
	}
	return ""
}

// isBefore reports whether a setting comes from a place with precedence over
// the other's.
func (s Setting) isBefore(other Setting) bool {
	return s.Place != byDefault && (other.Place == byDefault || s.Place < other.Place)
}

func (s *Settings) checkServices() error {
	for _, base := range []Setting{s.AccountsURL, s.APIURL} {
		u, err := url.Parse(base.Value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(base.Value, "?#") {
			return fmt.Errorf("%s: not the URL of a service, such as %s", base.From, spotipie.DefaultAccountsURL)
		}
		if isExposed(u) && !s.allowsPlainHTTP(base) {
			return fmt.Errorf("%s: %s://%s would send secrets unencrypted over the network: use https, or if the network is private, "+
				"such as that of containers, use --allow-plain-http or set %s=1", base.From, u.Scheme, u.Host, s.Variable("ALLOW_PLAIN_HTTP"))
		}
	}
	return nil
}

// allowsPlainHTTP reports whether plain http is allowed for an address. The
// permission does not apply to an address from a place with precedence over the
// permission's.
func (s *Settings) allowsPlainHTTP(address Setting) bool {
	return s.plainHTTP.IsOn() && !address.isBefore(s.plainHTTP)
}

// NeedsPlainHTTP reports whether requests to one of the services use plain http
// over the network.
func (s *Settings) NeedsPlainHTTP() bool {
	for _, base := range []Setting{s.AccountsURL, s.APIURL} {
		if u, err := url.Parse(base.Value); err == nil && isExposed(u) {
			return true
		}
	}
	return false
}

// isExposed reports whether others on the network can read requests to u.
func isExposed(u *url.URL) bool {
	return u.Scheme == "http" && !isThisMachine(u.Hostname())
}

func isThisMachine(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
