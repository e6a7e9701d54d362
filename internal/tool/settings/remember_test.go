package settings

import (
	"testing"

	"github.com/spotipie/spotipie/internal/config"
)

func TestKeptStore(t *testing.T) {
	const full, bare = "redis://u:hush@h/0", "redis://u@h/0"
	for name, test := range map[string]struct {
		store Setting
		of    config.Settings
		want  string
		lacks bool
	}{
		"given":                         {Setting{full, "SPOTIPIE_STORE", inEnvironment}, config.Settings{}, bare, true},
		"given, without a password":     {Setting{bare, "--store", OnCommandLine}, config.Settings{}, bare, false},
		"given, as before":              {Setting{full, "--store", OnCommandLine}, config.Settings{Store: bare, StorePassword: true}, bare, true},
		"given, as the user's own":      {Setting{full, "--store", OnCommandLine}, config.Settings{Store: full}, full, false},
		"given, in place of another":    {Setting{full, "--store", OnCommandLine}, config.Settings{Store: "file:a"}, bare, true},
		"the user's own":                {Setting{full, "the config file", InProfile}, config.Settings{Store: full}, full, false},
		"the profile's, relative":       {Setting{"file:/config/a", "the config file", InProfile}, config.Settings{Store: "file:a"}, "file:a", false},
		"that of all":                   {Setting{full, "the config file", inConfig}, config.Settings{}, "", false},
		"that of all, without password": {Setting{bare, "the config file", inConfig}, config.Settings{}, bare, false},
		"the default":                   {Setting{}, config.Settings{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Settings{Store: test.store}
			if got, lacks := s.keptStore(test.of); got != test.want || lacks != test.lacks {
				t.Errorf("got %q, %t, want %q, %t", got, lacks, test.want, test.lacks)
			}
		})
	}
}
