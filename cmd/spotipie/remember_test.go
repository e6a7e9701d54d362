package main

import (
	"testing"

	"github.com/spotipie/spotipie/internal/config"
)

func TestKeptStore(t *testing.T) {
	const full, bare = "redis://u:hush@h/0", "redis://u@h/0"
	for name, test := range map[string]struct {
		store setting
		of    config.Settings
		want  string
		lacks bool
	}{
		"given":                         {setting{full, "SPOTIPIE_STORE", inEnvironment}, config.Settings{}, bare, true},
		"given, without a password":     {setting{bare, "--store", onCommandLine}, config.Settings{}, bare, false},
		"given, as before":              {setting{full, "--store", onCommandLine}, config.Settings{Store: bare, StorePassword: true}, bare, true},
		"given, as the user's own":      {setting{full, "--store", onCommandLine}, config.Settings{Store: full}, full, false},
		"given, in place of another":    {setting{full, "--store", onCommandLine}, config.Settings{Store: "file:a"}, bare, true},
		"the user's own":                {setting{full, "the config file", inProfile}, config.Settings{Store: full}, full, false},
		"the profile's, relative":       {setting{"file:/config/a", "the config file", inProfile}, config.Settings{Store: "file:a"}, "file:a", false},
		"that of all":                   {setting{full, "the config file", inConfig}, config.Settings{}, "", false},
		"that of all, without password": {setting{bare, "the config file", inConfig}, config.Settings{}, bare, false},
		"the default":                   {setting{}, config.Settings{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &settings{Store: test.store}
			if got, lacks := s.keptStore(test.of); got != test.want || lacks != test.lacks {
				t.Errorf("got %q, %t, want %q, %t", got, lacks, test.want, test.lacks)
			}
		})
	}
}
