package main

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// readServices reads where the accounts service and the Web API are. They belong
// together, so that no token goes to another service than the one it came from:
// who names an accounts service has named its Web API too, at the same address,
// unless they name that as well.
func (s *settings) readServices(of, top config.Settings) error {
	s.AccountsURL = s.pick("accounts-url", "ACCOUNTS_URL", of.AccountsURL, top.AccountsURL, spotipie.DefaultAccountsURL)
	s.APIURL = s.pick("api-url", "API_URL", of.APIURL, top.APIURL, spotipie.DefaultAPIURL)
	if s.AccountsURL.isBefore(s.APIURL) {
		s.APIURL = s.AccountsURL
		if s.AccountsURL.value == spotipie.DefaultAccountsURL {
			s.APIURL.value = spotipie.DefaultAPIURL
		}
	}
	var err error
	s.plainHTTP, err = s.pickBool("allow-plain-http", "ALLOW_PLAIN_HTTP", of.AllowPlainHTTP, top.AllowPlainHTTP)
	return err
}

// pickBool is pick for what is true or false.
func (s *settings) pickBool(flag, variable string, profile, top bool) (setting, error) {
	found := s.pick(flag, variable, boolText(profile), boolText(top), "false")
	if _, err := strconv.ParseBool(found.value); err != nil {
		return setting{}, fmt.Errorf("%s: %q is neither true nor false", found.from, found.value)
	}
	return found, nil
}

// isOn reports whether a setting is true.
func (s setting) isOn() bool {
	on, _ := strconv.ParseBool(s.value)
	return on
}

func boolText(on bool) string {
	if on {
		return "true"
	}
	return ""
}

// isBefore reports whether a setting comes from a place that is looked into
// before that of another.
func (s setting) isBefore(other setting) bool {
	return s.place != byDefault && (other.place == byDefault || s.place < other.place)
}

func (s *settings) checkServices() error {
	for _, base := range []setting{s.AccountsURL, s.APIURL} {
		u, err := url.Parse(base.value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(base.value, "?#") {
			return fmt.Errorf("%s: not the URL of a service, such as %s", base.from, spotipie.DefaultAccountsURL)
		}
		if isExposed(u) && !s.allowsPlainHTTP(base) {
			return fmt.Errorf("%s: %s://%s would send secrets unencrypted over the network: use https, or if the network is private, "+
				"such as that of containers, say --allow-plain-http or set %s=1", base.from, u.Scheme, u.Host, s.variable("ALLOW_PLAIN_HTTP"))
		}
	}
	return nil
}

// allowsPlainHTTP reports whether plain http is allowed for an address. What was
// said of one address is not said of another that comes before it.
func (s *settings) allowsPlainHTTP(address setting) bool {
	return s.plainHTTP.isOn() && !address.isBefore(s.plainHTTP)
}

// needsPlainHTTP reports whether one of the services is reached by plain http
// over the network.
func (s *settings) needsPlainHTTP() bool {
	for _, base := range []setting{s.AccountsURL, s.APIURL} {
		if u, err := url.Parse(base.value); err == nil && isExposed(u) {
			return true
		}
	}
	return false
}

// isExposed reports whether what is sent to u can be read on the network.
func isExposed(u *url.URL) bool {
	return u.Scheme == "http" && !isThisMachine(u.Hostname())
}

func isThisMachine(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
