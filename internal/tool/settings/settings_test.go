package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// TestTheFirstPlaceCounts checks the order: flag, environment, profile, top of the
// config file, default.
func TestTheFirstPlaceCounts(t *testing.T) {
	const (
		top     = `"client_id": "top"`
		profile = `"profiles": {"default": {"client_id": "profile"}}`
	)
	for name, test := range map[string]struct {
		config, variable string
		args             []string
		want, origin     string
	}{
		"nothing":                 {`{}`, "", nil, "", "not set"},
		"the top":                 {`{` + top + `}`, "", nil, "top", "from the config file"},
		"the profile":             {`{` + top + `,` + profile + `}`, "", nil, "profile", "from profile default in the config file"},
		"the environment":         {`{` + top + `,` + profile + `}`, "variable", nil, "variable", "from SPOTIPIE_CLIENT_ID"},
		"one with a line end":     {`{` + top + `,` + profile + `}`, "variable\r\n", nil, "variable", "from SPOTIPIE_CLIENT_ID"},
		"a blank one":             {`{` + top + `,` + profile + `}`, " ", nil, "profile", "from profile default in the config file"},
		"the flag":                {`{` + top + `,` + profile + `}`, "variable", []string{"--client-id", "flag"}, "flag", "from --client-id"},
		"an empty flag":           {`{` + top + `,` + profile + `}`, "variable", []string{"--client-id", ""}, "", "from --client-id"},
		"the variable of another": {`{}`, "variable", []string{"--env-prefix", "SPOTIPY"}, "", "not set"},
		"that of another profile": {`{` + top + `,` + profile + `}`, "", []string{"--profile", "work"}, "top", "from the config file"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, test.config)
			t.Setenv("SPOTIPIE_CLIENT_ID", test.variable)
			s, stderr := tooltest.Settings(t, test.args...)
			if got := s.ClientID; got.Value != test.want || got.Origin() != test.origin {
				t.Errorf("got %q %s, want %q %s", got.Value, got.Origin(), test.want, test.origin)
			}
			if stderr.String() != "" {
				t.Errorf("stderr: %s", stderr)
			}
		})
	}
}

// TestTheServicesBelongTogether checks that a token goes only to the service that
// it came from.
func TestTheServicesBelongTogether(t *testing.T) {
	const mine, other = "https://accounts.example", "https://api.example"
	for name, test := range map[string]struct {
		config             string
		args               []string
		accounts, api, say string
	}{
		"Spotify": {`{}`, nil, spotipie.DefaultAccountsURL, spotipie.DefaultAPIURL, "Spotify"},
		"accounts alone": {`{}`, []string{"--accounts-url", mine}, mine, mine,
			mine + " (not Spotify)"},
		"accounts before a leftover": {`{"api_url": "` + other + `"}`, []string{"--accounts-url", mine}, mine, mine, mine + " (not Spotify)"},
		"Spotify before a leftover": {`{"accounts_url": "` + mine + `", "api_url": "` + other + `"}`,
			[]string{"--accounts-url", spotipie.DefaultAccountsURL}, spotipie.DefaultAccountsURL, spotipie.DefaultAPIURL, "Spotify"},
		"both":                    {`{"accounts_url": "` + mine + `", "api_url": "` + other + `"}`, nil, mine, other, mine + " with " + other + " (not Spotify)"},
		"Spotify in another form": {`{"accounts_url": "HTTPS://Accounts.Spotify.com:443/"}`, nil, spotipie.DefaultAccountsURL, spotipie.DefaultAPIURL, "Spotify"},
		"practice":                {`{"accounts_url": "http://127.0.0.1:8888"}`, nil, "http://127.0.0.1:8888", "http://127.0.0.1:8888", "http://127.0.0.1:8888 (a service on this machine, not Spotify)"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, test.config)
			s, _ := tooltest.Settings(t, test.args...)
			if s.AccountsURL.Value != test.accounts || s.APIURL.Value != test.api {
				t.Errorf("got %s and %s", s.AccountsURL.Value, s.APIURL.Value)
			}
			said := s.Services().NotSpotify()
			if said == "" {
				said = s.Services().Name()
			}
			if said != test.say {
				t.Errorf("in words: %q, want %q", said, test.say)
			}
		})
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		args   []string
		want   string
	}{
		"a store of no kind":      {`{}`, []string{"--store", "mysql://h"}, "--store: not a store: use file:DIR, keyring:, redis://HOST:PORT/DB or postgres://USER@HOST/DATABASE"},
		"a client id with spaces": {`{}`, []string{"--client-id", "a b"}, `--client-id: "a b" is not a client id: copy it from`},
		"http over the network":   {`{"accounts_url": "http://accounts.example"}`, nil, "the config file: http://accounts.example would send secrets unencrypted over the network"},
		"no URL":                  {`{}`, []string{"--accounts-url", "accounts"}, "--accounts-url: not the URL of a service"},
		"a flow of no kind":       {`{"flow": "password"}`, nil, "the config file: "},
		"no beginning of a name":  {`{}`, []string{"--env-prefix", "A-B"}, `--env-prefix "A-B" cannot be the beginning of a variable's name`},
		"a name with its end":     {`{}`, []string{"--env-prefix", "SPOTIPY_"}, "leave out the _ at the end for SPOTIPY_CLIENT_ID"},
		"a profile's name":        {`{"profile": "a\tb"}`, nil, `the config file: "a\tb" cannot be the name of a profile: leave it out to use default`},
		"a broken config file":    {`{`, nil, "config.json"},
		"a secret that is empty":  {`{}`, []string{"--client-secret-file", os.DevNull}, "--client-secret-file: the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, test.config)
			read := &cobra.Command{Use: "x", RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := settings.Read(cmd)
				return err
			}}
			settings.AddFlags(read)
			_, stderr, code := tooltest.Run(t.Context(), read, append([]string{"x"}, test.args...)...)
			if code != 2 || !strings.HasPrefix(stderr, "spotipie: x: ") || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, stderr %s", code, stderr)
			}
		})
	}
}

// TestFolderOfTheStore checks that the folder is an absolute path, because later
// commands may run in another folder.
func TestFolderOfTheStore(t *testing.T) {
	home := tooltest.Home(t, `{"store": "file:beside"}`)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for store, want := range map[string]string{
		"":           filepath.Join(home, "beside"), // relative to the config file
		"file:here":  filepath.Join(here, "here"),
		"file:~/far": filepath.Join(os.Getenv("HOME"), "far"),
		"file:":      "",
	} {
		var args []string
		if store != "" {
			args = []string{"--store", store}
		}
		if s, _ := tooltest.Settings(t, args...); s.StoreDir() != want {
			t.Errorf("%q: got %s, want %s", store, s.StoreDir(), want)
		}
	}
}

// TestOfProfile checks that a profile's own settings come before settings that are
// probably meant for another profile.
func TestOfProfile(t *testing.T) {
	tooltest.Home(t, `{"profiles": {"work": {"client_id": "own", "accounts_url": "https://accounts.example"}, "bare": {}}}`)
	cmd, _ := tooltest.Command(t, "--client-id", "flag")
	for profile, want := range map[string]string{"work": "own", "bare": "flag"} {
		s, err := settings.OfProfile(cmd, profile)
		if err != nil || s.ClientID.Value != want || s.Profile.Value != profile {
			t.Errorf("%s: got %v, %v", profile, s, err)
		}
		if isOwn := s.AccountsURL.Value == "https://accounts.example" && s.APIURL.Value == "https://accounts.example"; isOwn != (profile == "work") {
			t.Errorf("%s: services %s and %s", profile, s.AccountsURL.Value, s.APIURL.Value)
		}
	}
}

// TestRemember checks that later commands need no settings, and that secrets and
// passwords are not saved.
func TestRemember(t *testing.T) {
	home := tooltest.Home(t, "")
	t.Setenv("SPOTIPIE_CLIENT_SECRET", "hush")
	s, stderr := tooltest.Settings(t, "--profile", "work", "--client-id", "app", "--store", "redis://u:hush@127.0.0.1/0")
	s.Remember(t.Context(), spotipie.FlowAuthorizationCode, "Ada", true)
	text, err := os.ReadFile(filepath.Join(home, "config.json"))
	if err != nil || strings.Contains(string(text), "hush") {
		t.Errorf("the config file: %s, %v", text, err)
	}
	for _, note := range []string{"the store's password is not saved: later commands need SPOTIPIE_STORE", "the client secret is not saved: later commands need SPOTIPIE_CLIENT_SECRET"} {
		if !strings.Contains(strings.Join(strings.Fields(stderr.String()), " "), note) {
			t.Errorf("no note that %s:\n%s", note, stderr)
		}
	}
	file, err := config.Read(filepath.Join(home, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Settings{
		Flow: "authorization_code", ClientID: "app", User: "Ada", Confidential: true, Store: "redis://u@127.0.0.1/0", StorePassword: true,
	}
	if got := file.Profiles["work"]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCommandsThatAreAdvised(t *testing.T) {
	for profile, want := range map[string]string{
		"default": "spotipie login", "work": "spotipie login --profile work",
		"at home": `spotipie login --profile "at home"`, `it's`: `spotipie login --profile 'it'\''s'`,
	} {
		tooltest.Home(t, "")
		if s, _ := tooltest.Settings(t, "--profile", profile); s.LoginCommand() != want {
			t.Errorf("%s: got %s, want %s", profile, s.LoginCommand(), want)
		}
		if s, _ := tooltest.Settings(t, "--profile", profile, "--env-prefix", "SPOTIPY"); s.LoginCommand() != want+" --env-prefix SPOTIPY" {
			t.Errorf("%s: got %s, want the prefix too", profile, s.LoginCommand())
		}
	}
}
