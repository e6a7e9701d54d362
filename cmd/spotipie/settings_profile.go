package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/storeaddress"
)

// maxProfileName is how many bytes the name of a profile may have: it is part of
// keys in stores, which take no more than some thousand.
const maxProfileName = 200

// checkProfileName refuses names that the config file or a store would not give
// back as they are.
func checkProfileName(name string) error {
	shown := name
	if len(name) > maxProfileName {
		shown = strings.ToValidUTF8(name[:40], "") + "…"
	}
	switch {
	case name == "", strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%q is not a name for a profile", shown)
	case !utf8.ValidString(name):
		return fmt.Errorf("%q is not valid UTF-8", shown)
	case len(name) > maxProfileName:
		return fmt.Errorf("%q has %d bytes, and a profile's name has %d at most", shown, len(name), maxProfileName)
	}
	return nil
}

// settingsOfProfile are those of a profile that an argument or the list names.
// Its own client id and store come before those of flags and environment, which
// are likely meant for another.
func settingsOfProfile(cmd *cobra.Command, name string) (*settings, error) {
	s, err := newSettingsOf(cmd, name)
	if err != nil {
		return nil, err
	}
	own, from := s.config.Profiles[name], "profile "+name+" in the config file"
	if own.ClientID != "" {
		s.ClientID = setting{own.ClientID, from, inProfile}
	}
	if own.Store != "" && own.Store != storeaddress.Kept(s.Store.value) { // else that may have its password
		s.Store = setting{own.Store, from, inProfile}
		s.Store.value = s.absoluteStore()
	}
	if own.AccountsURL != "" || own.APIURL != "" {
		of := servicesOf(own)
		s.AccountsURL, s.APIURL = setting{of.accounts, from, inProfile}, setting{of.api, from, inProfile}
	}
	return s, nil
}

// loginCommand is what the user has to run to sign in.
func (s *settings) loginCommand() string {
	if s.Profile.value == defaultProfile {
		return "spotipie login"
	}
	return "spotipie login --profile " + cli.QuotedInText(s.Profile.value)
}

// profileFlag repeats the profile for a command that is suggested.
func (s *settings) profileFlag() string {
	if s.Profile.value == defaultProfile {
		return ""
	}
	return " --profile " + cli.QuotedInText(s.Profile.value)
}

// key returns where the authorization is in the store. The client id must be
// known.
func (s *settings) key() spotipie.Key {
	return spotipie.Key{ClientID: s.ClientID.value, Profile: s.Profile.value}
}

// isConfidential reports whether a login identifies the app by its secret.
func (s *settings) isConfidential(flow spotipie.Flow) bool {
	return s.secret.value != "" && flow != spotipie.FlowImplicitGrant
}
