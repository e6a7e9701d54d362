package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/debuglog"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/login"
)

const defaultProfile = "default"

// setting is a value and where it comes from, such as "--store",
// "SPOTIPIE_STORE" or "the config file"; from is empty for a default.
type setting struct {
	value, from string
	place       place
}

// place is the kind of place that a setting comes from.
type place int

const (
	byDefault place = iota
	onCommandLine
	inEnvironment
	inProfile // of the config file
	inConfig  // at its top
)

// given is the value if somebody has set it.
func (s setting) given() string {
	if s.place == byDefault {
		return ""
	}
	return s.value
}

// origin is where the setting comes from, in words.
func (s setting) origin() string {
	if s.from == "" {
		return "not set"
	}
	return "from " + s.from
}

// settings are those of one command line, each from the first of the places
// that has it: flag, environment, profile in the config file, top of the config
// file, default.
type settings struct {
	Profile     setting
	ClientID    setting // may be empty; see resolveClientID
	RedirectURI setting
	Flow        setting // empty if nothing tells
	Store       setting // "file:DIR", "keyring:", "redis://…", "postgres://…"; empty means file: in the default folder
	AccountsURL setting
	APIURL      setting

	exposed    setting // whether a file store may be open to others
	plainHTTP  setting // whether http is allowed over the network
	secret     setting
	unreadable error // why the config file was not read, where that does not matter
	// confidential: the profile was signed in with a client secret.
	confidential bool
	envPrefix    string
	configPath   string // empty if there is no config folder
	config       config.File
	debug        *debuglog.Log // nil unless --debug
	cmd          *cobra.Command
}

// newSettings reads flags, environment and config file. Its errors are about
// those and have exit code 2.
func newSettings(cmd *cobra.Command) (*settings, error) { return newSettingsOf(cmd, "") }

// newSettingsOf is newSettings for a profile that is named by an argument.
func newSettingsOf(cmd *cobra.Command, profile string) (*settings, error) {
	s := &settings{cmd: cmd, Profile: setting{profile, "the command line", onCommandLine}}
	if err := s.read(); err != nil {
		return nil, failure.Usage(cmd, err)
	}
	return s, nil
}

func (s *settings) read() error {
	flags := s.cmd.Flags()
	s.envPrefix = spotipie.DefaultEnvPrefix
	if flags.Changed("env-prefix") {
		s.envPrefix, _ = flags.GetString("env-prefix")
	}
	if s.envPrefix == "" || strings.ContainsFunc(s.envPrefix, notInName) {
		return fmt.Errorf("--env-prefix %q is not the beginning of a variable's name, such as SPOTIFY", s.envPrefix)
	}
	if strings.HasSuffix(s.envPrefix, "_") {
		return fmt.Errorf("--env-prefix %q: give it without the _ at its end, for %sCLIENT_ID and so on", s.envPrefix, s.envPrefix)
	}
	if on, _ := flags.GetBool("debug"); on {
		s.debug = debuglog.New(s.cmd.ErrOrStderr())
	}
	var err error
	if s.configPath, err = config.DefaultPath(); err == nil {
		if s.config, err = config.Read(s.configPath); errors.Is(err, fs.ErrPermission) {
			s.unreadable = err
		} else if err != nil {
			return err
		}
	}
	if s.Profile.value == "" {
		s.Profile = s.pick("profile", "PROFILE", "", s.config.Profile, defaultProfile)
	}
	of, top := s.config.Profiles[s.Profile.value], s.config.Settings
	s.ClientID = s.pick("client-id", "CLIENT_ID", of.ClientID, top.ClientID, "")
	s.RedirectURI = s.pick("redirect-uri", "REDIRECT_URI", of.RedirectURI, top.RedirectURI, login.DefaultRedirectURI)
	s.Store = s.pick("store", "STORE", of.Store, top.Store, "")
	s.Store.value = s.absoluteStore()
	if s.exposed, err = s.pickBool("allow-exposed-store", "ALLOW_EXPOSED_STORE", of.AllowExposedStore, top.AllowExposedStore); err != nil {
		return err
	}
	if err := s.readServices(of, top); err != nil {
		return err
	}
	s.Flow = s.pick("flow", "", of.Flow, top.Flow, "")
	s.confidential = of.Confidential
	if s.secret, err = s.readSecret(of.ClientSecret, top.ClientSecret); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	s.show(s.debug)
	return s.checkUnreadable()
}

// pick returns the first value there is. A flag counts as given even if it is
// empty; a variable that is empty counts as not set.
func (s *settings) pick(flag, variable, profile, top, otherwise string) setting {
	if f := s.cmd.Flags().Lookup(flag); f != nil && f.Changed {
		return setting{f.Value.String(), "--" + flag, onCommandLine}
	}
	if variable != "" {
		name := s.variable(variable)
		if value := os.Getenv(name); value != "" {
			return setting{value, name, inEnvironment}
		}
	}
	if profile != "" {
		return setting{profile, "profile " + s.Profile.value + " in the config file", inProfile}
	}
	if top != "" {
		return setting{top, "the config file", inConfig}
	}
	return setting{value: otherwise}
}

func (s *settings) check() error {
	if err := checkProfileName(s.Profile.value); err != nil {
		return fmt.Errorf("%s: %w: leave it out to use %s", s.Profile.from, err, defaultProfile)
	}
	if strings.ContainsFunc(s.ClientID.value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return s.wrong(s.ClientID, "is not a client id", "copy it from https://developer.spotify.com/dashboard")
	}
	if s.Flow.value != "" {
		if _, err := spotipie.ParseFlow(s.Flow.value); err != nil {
			return fmt.Errorf("%s: %s", s.Flow.from, failure.Plain(err))
		}
	}
	if err := s.checkServices(); err != nil {
		return err
	}
	_, err := s.storeKind()
	return err
}

// checkUnreadable passes over a config file that may not be read, as another
// user's or that of a protected folder, if the settings come from elsewhere.
func (s *settings) checkUnreadable() error {
	if s.unreadable == nil {
		return nil
	}
	if s.ClientID.given() == "" && s.Store.given() == "" {
		return fmt.Errorf("%w: let this user read it, or set %s and the like instead", s.unreadable, s.variable("CLIENT_ID"))
	}
	s.sayWrapped("Note: %s; flags and environment count alone.", failure.Plain(s.unreadable))
	return nil
}

func (s *settings) wrong(what setting, problem, advice string) error {
	return fmt.Errorf("%s: %q %s: %s", what.from, what.value, problem, advice)
}

// variable returns the name of an environment variable with the prefix in use.
func (s *settings) variable(name string) string { return s.envPrefix + "_" + name }

func notInName(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// sayWrapped writes a text for people to stderr.
func (s *settings) sayWrapped(format string, args ...any) {
	output.Say(s.cmd.ErrOrStderr(), fmt.Sprintf(format, args...))
}
