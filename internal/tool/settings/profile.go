package settings

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

// maxProfileName is how many bytes the name of a profile may have. It is part
// of keys in stores, which allow only some thousand bytes.
const maxProfileName = 200

// CheckProfileName refuses names that the config file or a store would change.
func CheckProfileName(name string) error {
	shown := name
	if len(name) > maxProfileName {
		shown = strings.ToValidUTF8(name[:40], "") + "…"
	}
	switch {
	case name == "", strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%q cannot be the name of a profile", shown)
	case !utf8.ValidString(name):
		return fmt.Errorf("%q is not valid UTF-8", shown)
	case len(name) > maxProfileName:
		return fmt.Errorf("%q has %d bytes; a profile's name may have at most %d", shown, len(name), maxProfileName)
	}
	return nil
}

// OfProfile returns the settings of a profile that an argument or the list
// names. The profile's own client id and store are used before those of flags
// and environment, which are probably meant for another profile.
func OfProfile(cmd *cobra.Command, name string) (*Settings, error) {
	s, err := readAs(cmd, name)
	if err != nil {
		return nil, err
	}
	own, from := s.Config.Profiles[name], "profile "+name+" in the config file"
	if own.ClientID != "" {
		s.ClientID = Setting{own.ClientID, from, InProfile}
	}
	if own.Store != "" && own.Store != storeaddress.Kept(s.Store.Value) { // otherwise it may contain the password
		s.Store = Setting{own.Store, from, InProfile}
		s.Store.Value = s.absoluteStore()
	}
	if own.AccountsURL != "" || own.APIURL != "" {
		of := ServicesOf(own)
		s.AccountsURL, s.APIURL = Setting{of.accounts, from, InProfile}, Setting{of.api, from, InProfile}
	}
	return s, nil
}

// LoginCommand is what the user has to run to sign in.
func (s *Settings) LoginCommand() string {
	return "spotipie login" + s.ProfileFlag()
}

// ProfileFlag returns the --profile and --env-prefix flags for a suggested
// command, as far as they are not the defaults.
func (s *Settings) ProfileFlag() string {
	flags := ""
	if s.Profile.Value != DefaultProfile {
		flags = " --profile " + cli.QuotedInText(s.Profile.Value)
	}
	return flags + s.prefixFlag()
}

func (s *Settings) prefixFlag() string {
	if s.EnvPrefix == "" || s.EnvPrefix == spotipie.DefaultEnvPrefix {
		return ""
	}
	return " --env-prefix " + s.EnvPrefix
}

// Key returns the key of the authorization in the store. The client id must be
// known.
func (s *Settings) Key() spotipie.Key {
	return spotipie.Key{ClientID: s.ClientID.Value, Profile: s.Profile.Value}
}

// IsConfidential reports whether a login sends the app's secret.
func (s *Settings) IsConfidential(flow spotipie.Flow) bool {
	return s.Secret.Value != "" && flow != spotipie.FlowImplicitGrant
}
