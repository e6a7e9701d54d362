//go:build unix

package tool

import (
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/failure"
	library "github.com/spotipie/spotipie/profile"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestALoginOfTheToolIsOpenedByPackageProfile checks that the package reads what
// the tool writes.
func TestALoginOfTheToolIsOpenedByPackageProfile(t *testing.T) {
	server := spotifytest.New(t)
	creds := server.Credentials()
	for name, value := range map[string]string{
		"XDG_CONFIG_HOME": t.TempDir(), "HOME": t.TempDir(), "SPOTIPIE_CLIENT_ID": "", "SPOTIPIE_STORE": "", "SPOTIPIE_PROFILE": "",
		"SPOTIPIE_CLIENT_SECRET": creds.ClientSecret, "SPOTIPIE_ACCOUNTS_URL": "", "SPOTIPIE_API_URL": "",
	} {
		t.Setenv(name, value)
	}
	folder := t.TempDir()
	login := []string{"login", "--flow", "client_credentials", "--client-id", creds.ClientID, "--accounts-url", server.URL}
	for name, more := range map[string][]string{"default": nil, "robot 2": {"--profile", "robot 2", "--store", "file:" + folder + "/tokens"}} {
		if _, stderr, code := tool(t.Context(), append(login, more...)...); code != failure.ExitOK {
			t.Fatal(stderr)
		}
		session, err := library.Open(t.Context(), name, &library.Options{Session: &spotipie.Options{Transport: server.Transport()}})
		if err != nil {
			t.Fatal(err)
		}
		spotifytest.CloseAtEnd(t, session)
		token, err := session.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if stdout, _, _ := tool(t.Context(), "token", "--profile", name); stdout != token.AccessToken()+"\n" {
			t.Errorf("%s: the tool has another token", name)
		}
	}
}
