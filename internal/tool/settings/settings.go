// Package settings reads flags, environment and config file, and remembers
// where each setting comes from, so that an error can name the place.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/envsecret"
	"github.com/spotipie/spotipie/internal/tool/debuglog"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/login"
)

// DefaultProfile is the profile that commands use if none is set.
const DefaultProfile = "default"

// Setting is a value and where it comes from, such as "--store",
// "SPOTIPIE_STORE" or "the config file"; From is empty for a default.
type Setting struct {
	Value, From string
	Place       Place
}

// Place is a kind of place that a setting can come from.
type Place int

// The places. All but the first are in order of precedence.
const (
	byDefault Place = iota
	OnCommandLine
	inEnvironment
	InProfile // in the config file
	inConfig  // at the top of the config file
)

// Given returns the value if it was set, and "" for a default.
func (s Setting) Given() string {
	if s.Place == byDefault {
		return ""
	}
	return s.Value
}

// Origin returns where the setting comes from, as text.
func (s Setting) Origin() string {
	if s.From == "" {
		return "not set"
	}
	return "from " + s.From
}

// Settings are the settings of one command line. Each comes from the first
// place that has it: flag, environment, profile in the config file, top of the
// config file, default.
type Settings struct {
	Profile     Setting
	ClientID    Setting // may be empty; see sessions.ResolveClientID
	RedirectURI Setting
	Flow        Setting // empty if not known
	Store       Setting // "file:DIR", "keyring:", "redis://…", "postgres://…"; empty means file: in the default folder
	AccountsURL Setting
	APIURL      Setting

	Exposed    Setting // whether other users may have access to a file store
	plainHTTP  Setting // whether http is allowed over the network
	Secret     Setting
	unreadable error // why the config file was not read, if that does not matter
	// Confidential means that the profile was signed in with a client secret.
	Confidential bool
	EnvPrefix    string
	ConfigPath   string // empty if there is no config folder
	Config       config.File
	Debug        *debuglog.Log  // nil unless --debug
	Cmd          *cobra.Command // the command of this command line
}

// Read reads flags, environment and config file. Its errors have exit code 2.
func Read(cmd *cobra.Command) (*Settings, error) { return readAs(cmd, "") }

// readAs is Read for a profile that an argument names.
func readAs(cmd *cobra.Command, profile string) (*Settings, error) {
	s := &Settings{Cmd: cmd, Profile: Setting{profile, "the command line", OnCommandLine}}
	if err := s.read(); err != nil {
		return nil, failure.Usage(cmd, err)
	}
	return s, nil
}

func (s *Settings) read() error {
	flags := s.Cmd.Flags()
	s.EnvPrefix = spotipie.DefaultEnvPrefix
	if flags.Changed("env-prefix") {
		s.EnvPrefix, _ = flags.GetString("env-prefix")
	}
	if s.EnvPrefix == "" || strings.ContainsFunc(s.EnvPrefix, notInName) {
		return fmt.Errorf("--env-prefix %q cannot be the beginning of a variable's name; use one such as SPOTIFY", s.EnvPrefix)
	}
	if strings.HasSuffix(s.EnvPrefix, "_") {
		return fmt.Errorf("--env-prefix %q: leave out the _ at the end for %sCLIENT_ID and so on", s.EnvPrefix, s.EnvPrefix)
	}
	if on, _ := flags.GetBool("debug"); on {
		s.Debug = debuglog.New(s.Cmd.ErrOrStderr())
	}
	var err error
	if s.ConfigPath, err = config.DefaultPath(); err == nil {
		if s.Config, err = config.Read(s.ConfigPath); errors.Is(err, fs.ErrPermission) {
			s.unreadable = err
		} else if err != nil {
			return err
		}
	}
	if s.Profile.Value == "" {
		s.Profile = s.pick("profile", "PROFILE", "", s.Config.Profile, DefaultProfile)
	}
	of, top := s.Config.Profiles[s.Profile.Value], s.Config.Settings
	s.ClientID = s.pick("client-id", "CLIENT_ID", of.ClientID, top.ClientID, "")
	s.RedirectURI = s.pick("redirect-uri", "REDIRECT_URI", of.RedirectURI, top.RedirectURI, login.DefaultRedirectURI)
	if s.Store, err = s.pickSecret("store", "STORE", of.Store, top.Store); err != nil {
		return err
	}
	s.Store.Value = s.absoluteStore()
	if s.Exposed, err = s.pickBool("allow-exposed-store", "ALLOW_EXPOSED_STORE", of.AllowExposedStore, top.AllowExposedStore); err != nil {
		return err
	}
	if err := s.readServices(of, top); err != nil {
		return err
	}
	s.Flow = s.pick("flow", "", of.Flow, top.Flow, "")
	s.Confidential = of.Confidential
	if s.Secret, err = s.readSecret(of.ClientSecret, top.ClientSecret); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	s.show(s.Debug)
	return s.checkUnreadable()
}

// pick returns the value from the first place that has one. An empty flag
// counts as given; an empty or blank variable counts as not set.
func (s *Settings) pick(flag, variable, profile, top, otherwise string) Setting {
	if f := s.Cmd.Flags().Lookup(flag); f != nil && f.Changed {
		return Setting{f.Value.String(), "--" + flag, OnCommandLine}
	}
	if variable != "" {
		name := s.Variable(variable)
		if value := envsecret.Value(name); value != "" {
			return Setting{value, name, inEnvironment}
		}
	}
	if profile != "" {
		return Setting{profile, "profile " + s.Profile.Value + " in the config file", InProfile}
	}
	if top != "" {
		return Setting{top, "the config file", inConfig}
	}
	return Setting{Value: otherwise}
}

func (s *Settings) check() error {
	if err := CheckProfileName(s.Profile.Value); err != nil {
		return fmt.Errorf("%s: %w: leave it out to use %s", s.Profile.From, err, DefaultProfile)
	}
	if strings.ContainsFunc(s.ClientID.Value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return s.wrong(s.ClientID, "is not a client id", "copy it from https://developer.spotify.com/dashboard")
	}
	if s.Flow.Value != "" {
		if _, err := spotipie.ParseFlow(s.Flow.Value); err != nil {
			return fmt.Errorf("%s: %s", s.Flow.From, failure.Plain(err))
		}
	}
	if err := s.checkServices(); err != nil {
		return err
	}
	_, err := s.StoreKind()
	return err
}

// checkUnreadable ignores a config file that this user may not read, such as
// another user's, if the settings come from elsewhere.
func (s *Settings) checkUnreadable() error {
	if s.unreadable == nil {
		return nil
	}
	if s.ClientID.Given() == "" && s.Store.Given() == "" {
		return fmt.Errorf("%w: let this user read it, or set %s and the like instead", s.unreadable, s.Variable("CLIENT_ID"))
	}
	s.Say("Note: %s; only flags and environment are used.", failure.Plain(s.unreadable))
	return nil
}

func (s *Settings) wrong(what Setting, problem, advice string) error {
	return fmt.Errorf("%s: %q %s: %s", what.From, what.Value, problem, advice)
}

// Variable returns the name of an environment variable with the prefix in use.
func (s *Settings) Variable(name string) string { return s.EnvPrefix + "_" + name }

func notInName(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// Say writes a message to stderr.
func (s *Settings) Say(format string, args ...any) {
	output.Say(s.Cmd.ErrOrStderr(), fmt.Sprintf(format, args...))
}
