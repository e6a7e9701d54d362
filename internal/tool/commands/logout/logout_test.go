package logout_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commands/logout"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestLogout(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t)
	key := spotipie.Key{ClientID: session.ClientID(), Profile: "default"}
	home, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	store, err := filestore.Open(filepath.Join(home, "spotipie"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, stderr string }{
		{"signed in", "Signed out of profile \"default\".\n"}, // Spotify's page does not apply to a practice service
		{"again", "Profile \"default\" was not signed in.\n"},
	} {
		stdout, stderr, code := tooltest.Run(t.Context(), logout.New(), "logout")
		if code != failure.ExitOK || stdout != "" || stderr != test.stderr {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", test.name, code, stdout, stderr)
		}
		if _, found, err := store.Load(t.Context(), key); err != nil || found {
			t.Errorf("%s: the store has it still: %t, %v", test.name, found, err)
		}
	}
}

// TestLogoutOfTheWrongProfile protects from believing that one has signed out.
func TestLogoutOfTheWrongProfile(t *testing.T) {
	tooltest.SignedInAsAda(t)
	_, stderr, code := tooltest.Run(t.Context(), logout.New(), "logout", "--profile", "work")
	want := "Profile \"work\" was not signed in; to sign out of another one, name it with --profile (there are: default).\n"
	if code != failure.ExitOK || stderr != want {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestLogoutOfSpotify checks the hint that only Spotify's own page removes the
// app's access.
func TestLogoutOfSpotify(t *testing.T) {
	tooltest.SignedInAsAda(t)
	_, stderr, code := tooltest.Run(t.Context(), logout.New(), "logout", "--accounts-url", spotipie.DefaultAccountsURL)
	want := "Signed out of profile \"default\". To end the app's access too, remove it at https://www.spotify.com/account/apps/.\n"
	if code != failure.ExitOK || stderr != want {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestLogoutOfAnotherApp checks that the existing login stays.
func TestLogoutOfAnotherApp(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t)
	_, stderr, code := tooltest.Run(t.Context(), logout.New(), "logout", "--client-id", "other")
	want := "spotipie: logout: profile \"default\" is signed in with another app: use --client-id " + session.ClientID() + "\n"
	if code != failure.ExitFailure || stderr != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr, want)
	}
}
