package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/config"
)

// mayChange asks before a login makes another profile of one that was signed in:
// for another app, another service, with or without the secret. Between services
// for practice it says so and goes on.
func (f *loginFlags) mayChange(ctx context.Context, s *settings, flow spotipie.Flow) error {
	of := s.config.Profiles[s.Profile.value]
	changes := s.changes(of, flow)
	if len(changes) == 0 {
		return nil
	}
	text := fmt.Sprintf("This login changes profile %q: %s.", s.Profile.value, strings.Join(changes, "; "))
	practice := isPractice(servicesOf(of)) && isPractice(s.services())
	switch {
	case f.yes, practice:
		s.sayWrapped("%s", text)
		return nil
	case !cli.CanAsk(s.cmd.InOrStdin(), s.cmd.ErrOrStderr()):
		return usage(s.cmd, fmt.Errorf("this would change profile %q: %s: choose another with --profile NAME, or say --yes to change it",
			s.Profile.value, strings.Join(changes, "; ")))
	}
	s.sayWrapped("%s", text)
	sure, err := cli.Confirm(ctx, s.cmd.InOrStdin(), s.cmd.ErrOrStderr(), "Change it? (--profile NAME makes another)")
	if err == nil && !sure {
		err = errors.New("nothing was changed")
	}
	return err
}

// changes says what a login would change of a profile that was signed in.
func (s *settings) changes(of config.Settings, flow spotipie.Flow) []string {
	if of.Flow == "" {
		return nil
	}
	var changes []string
	differs := func(what, from, to string) {
		if from != to {
			changes = append(changes, fmt.Sprintf("%s from %s to %s", what, from, to))
		}
	}
	differs("the service", serviceName(servicesOf(of)), serviceName(s.services()))
	if of.ClientID != "" {
		differs("the client id", of.ClientID, s.ClientID.value)
	}
	differs("the flow", of.Flow, string(flow))
	switch confidential := s.isConfidential(flow); {
	case flow == spotipie.FlowImplicitGrant || of.Flow == string(spotipie.FlowImplicitGrant):
	case of.Confidential && !confidential:
		changes = append(changes, "it was signed in with the client secret, which is not set now")
	case !of.Confidential && confidential:
		changes = append(changes, "it was signed in without the client secret, which is set now")
	}
	return changes
}

// isConfidential reports whether a login identifies the app by its secret.
func (s *settings) isConfidential(flow spotipie.Flow) bool {
	return s.secret.value != "" && flow != spotipie.FlowImplicitGrant
}

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
