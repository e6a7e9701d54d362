package settings

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// Services are the addresses of the accounts service and the Web API.
type Services struct{ accounts, api string }

// Services returns the services that are set.
func (s *Settings) Services() Services { return Services{s.AccountsURL.Value, s.APIURL.Value} }

// ServicesOf returns the services that a profile was signed in at.
func ServicesOf(of config.Settings) Services {
	accounts, api := canonical(of.AccountsURL), canonical(of.APIURL)
	found := Services{
		accounts: cmp.Or(accounts, spotipie.DefaultAccountsURL), api: cmp.Or(api, accounts, spotipie.DefaultAPIURL),
	}
	if found.api == spotipie.DefaultAccountsURL {
		found.api = spotipie.DefaultAPIURL
	}
	return found
}

// canonical returns the one form of a service's address in which it can be compared:
// its host in small letters, and without the default port and a slash at the end.
func canonical(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	u.Host = strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		u.Host = strings.TrimSuffix(u.Host, ":443")
	case "http":
		u.Host = strings.TrimSuffix(u.Host, ":80")
	}
	return strings.TrimRight(u.String(), "/")
}

// Name returns the services as text.
func (of Services) Name() string {
	switch {
	case of == Services{spotipie.DefaultAccountsURL, spotipie.DefaultAPIURL}:
		return "Spotify"
	case of.accounts == of.api:
		return of.accounts
	}
	return of.accounts + " with " + of.api
}

// IsPractice reports whether services are on this machine.
func (of Services) IsPractice() bool {
	u, err := url.Parse(of.accounts)
	return err == nil && isThisMachine(u.Hostname())
}

// PracticeApp says where the app of services on this machine is shown. For other
// services it returns "".
func (of Services) PracticeApp() string {
	if !of.IsPractice() {
		return ""
	}
	return "what 'spotipie serve' has printed last (it has another app after each start)"
}

// NotSpotifyName returns the services as text if they are not Spotify's, and ""
// otherwise.
func (of Services) NotSpotifyName() string {
	if name := of.Name(); name != "Spotify" {
		return name
	}
	return ""
}

// NotSpotify is NotSpotifyName with an explanation.
func (of Services) NotSpotify() string {
	switch name := of.NotSpotifyName(); {
	case name == "":
		return ""
	case of.IsPractice():
		return name + " (a service on this machine, not Spotify)"
	default:
		return name + " (not Spotify)"
	}
}

// ForeignService says what is wrong, and what to do, if the services that are set
// are not those that the profile was signed in at: they must not get its tokens.
// Otherwise both texts are empty. A service on this machine may move to another
// port.
func (s *Settings) ForeignService() (problem, fix string) {
	of := s.Config.Profiles[s.Profile.Value]
	own, set := ServicesOf(of), s.Services()
	if of.Flow == "" || of.ClientID != s.ClientID.Value || own == set || own.IsPractice() && set.IsPractice() {
		return "", ""
	}
	cause := s.AccountsURL
	if own.accounts == set.accounts || cause.From == "" {
		cause = s.APIURL
	}
	remove := "remove that"
	switch cause.Place {
	case OnCommandLine:
		remove = "leave that out"
	case inEnvironment:
		remove = "unset that"
	}
	return fmt.Sprintf("profile %q was signed in at %s, and %s sets %s, which must not get its tokens", s.Profile.Value, own.Name(), cause.From, set.Name()),
		remove + ", or choose another profile with --profile or " + s.Variable("PROFILE")
}
