package settings

import (
	"cmp"
	"net/url"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// services are the addresses of the accounts service and the Web API.
type services struct{ accounts, api string }

func (s *Settings) Services() services { return services{s.AccountsURL.Value, s.APIURL.Value} }

// ServicesOf are those that a profile was signed in at.
func ServicesOf(of config.Settings) services {
	found := services{
		accounts: cmp.Or(of.AccountsURL, spotipie.DefaultAccountsURL), api: cmp.Or(of.APIURL, of.AccountsURL, spotipie.DefaultAPIURL),
	}
	if found.api == spotipie.DefaultAccountsURL {
		found.api = spotipie.DefaultAPIURL
	}
	return found
}

// ServiceName is the services in words.
func ServiceName(of services) string {
	switch {
	case of == services{spotipie.DefaultAccountsURL, spotipie.DefaultAPIURL}:
		return "Spotify"
	case of.accounts == of.api:
		return of.accounts
	}
	return of.accounts + " with " + of.api
}

// IsPractice reports whether services are on this machine.
func IsPractice(of services) bool {
	u, err := url.Parse(of.accounts)
	return err == nil && isThisMachine(u.Hostname())
}

// NotSpotifyName is the services in words if they are not Spotify's.
func NotSpotifyName(of services) string {
	if name := ServiceName(of); name != "Spotify" {
		return name
	}
	return ""
}

// NotSpotify is notSpotifyName with what that means.
func NotSpotify(of services) string {
	switch name := NotSpotifyName(of); {
	case name == "":
		return ""
	case IsPractice(of):
		return name + " (a service on this machine, not Spotify)"
	default:
		return name + " (not Spotify)"
	}
}
