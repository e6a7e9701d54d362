package main

import (
	"cmp"
	"net/url"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// services are the addresses of the accounts service and the Web API.
type services struct{ accounts, api string }

func (s *settings) services() services { return services{s.AccountsURL.value, s.APIURL.value} }

// servicesOf are those that a profile was signed in at.
func servicesOf(of config.Settings) services {
	found := services{
		accounts: cmp.Or(of.AccountsURL, spotipie.DefaultAccountsURL), api: cmp.Or(of.APIURL, of.AccountsURL, spotipie.DefaultAPIURL),
	}
	if found.api == spotipie.DefaultAccountsURL {
		found.api = spotipie.DefaultAPIURL
	}
	return found
}

// serviceName is the services in words.
func serviceName(of services) string {
	switch {
	case of == services{spotipie.DefaultAccountsURL, spotipie.DefaultAPIURL}:
		return "Spotify"
	case of.accounts == of.api:
		return of.accounts
	}
	return of.accounts + " with " + of.api
}

// isPractice reports whether services are on this machine.
func isPractice(of services) bool {
	u, err := url.Parse(of.accounts)
	return err == nil && isThisMachine(u.Hostname())
}

// notSpotifyName is the services in words if they are not Spotify's.
func notSpotifyName(of services) string {
	if name := serviceName(of); name != "Spotify" {
		return name
	}
	return ""
}

// notSpotify is notSpotifyName with what that means.
func notSpotify(of services) string {
	switch name := notSpotifyName(of); {
	case name == "":
		return ""
	case isPractice(of):
		return name + " (a service on this machine, not Spotify)"
	default:
		return name + " (not Spotify)"
	}
}
