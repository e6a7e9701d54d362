package main

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie/web"
)

// TestSettings checks that the program reports missing and wrong settings before it
// serves anything.
func TestSettings(t *testing.T) {
	good := map[string]string{
		"SPOTIPIE_CLIENT_ID": "app", "SPOTIPIE_CLIENT_SECRET": "its-secret-words", "SPOTIPIE_REDIRECT_URI": "http://127.0.0.1/callback",
		"DATABASE_URL": "", "COOKIE_KEYS": "", "LISTEN_ADDRESS": "",
	}
	for name, test := range map[string]struct {
		change map[string]string
		want   string
	}{
		"no client id":            {map[string]string{"SPOTIPIE_CLIENT_ID": ""}, "SPOTIPIE_CLIENT_ID"},
		"no database":             {nil, "DATABASE_URL is not set"},
		"no address":              {map[string]string{"DATABASE_URL": "nonsense:"}, "DATABASE_URL"},
		"no server there":         {map[string]string{"DATABASE_URL": "postgres://u:hidden-password@127.0.0.1:1/x"}, "failed to connect"},
		"no keys on https":        {map[string]string{"SPOTIPIE_REDIRECT_URI": "https://example.com/callback"}, "openssl rand -base64 32"},
		"a password for a key":    {map[string]string{"COOKIE_KEYS": "hidden-password"}, "32 bytes"},
		"nowhere to listen":       {map[string]string{"SPOTIPIE_REDIRECT_URI": "https://example.com/callback", "COOKIE_KEYS": web.GenerateKey(), "DATABASE_URL": "here"}, "LISTEN_ADDRESS is not set"},
		"a name for this machine": {map[string]string{"SPOTIPIE_REDIRECT_URI": "http://localhost/callback", "DATABASE_URL": "here"}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range good {
				t.Setenv(variable, value)
			}
			for variable, value := range test.change {
				if value == "here" {
					value = newDatabase(t, services.Postgres(t))
				}
				t.Setenv(variable, value)
			}
			err := run(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hidden-password") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestReplicasStartTogether lets many replicas make the tables at the same time.
func TestReplicasStartTogether(t *testing.T) {
	address := newDatabase(t, services.Postgres(t))
	ended := make(chan error)
	for range 8 {
		go func() {
			db, err := openDatabase(t.Context(), address)
			if err == nil {
				db.Close()
			}
			ended <- err
		}()
	}
	for range 8 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
