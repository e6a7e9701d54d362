package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestCodeOfFromSpotipy: the code blocks of from-spotipy.md compile.
func TestCodeOfFromSpotipy(t *testing.T) { testCode(t, "from-spotipy.md", 1) }

// TestNamesOfFromSpotipy: what the table names in Go exists.
func TestNamesOfFromSpotipy(t *testing.T) {
	text, err := os.ReadFile("from-spotipy.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		for _, name := range regexp.MustCompile("`([a-z]+\\.[A-Z][\\w.]*)`").FindAllStringSubmatch(line, -1) {
			names[name[1]] = true
		}
	}
	if len(names) < 30 {
		t.Fatalf("the table has %d names", len(names))
	}
	for name := range names {
		t.Run(name, func(t *testing.T) {
			folder, symbol, _ := strings.Cut(name, ".")
			if folder == "spotipie" {
				folder = ""
			}
			cmd := exec.CommandContext(t.Context(), "go", "doc", "./"+filepath.Join("..", folder), symbol)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestCacheOfSpotipy: a session takes over the file that spotipy keeps a token in.
func TestCacheOfSpotipy(t *testing.T) {
	server := spotifytest.New(t)
	old := server.Session(t).CurrentToken()
	path := filepath.Join(t.TempDir(), ".cache")
	cache := `{"access_token": "` + old.AccessToken() + `", "token_type": "Bearer", "expires_in": 3600, "scope": "user-library-read", ` +
		`"expires_at": 1700000000, "refresh_token": "` + old.RefreshToken() + `"}`
	if err := os.WriteFile(path, []byte(cache), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPOTIPY_CLIENT_ID", server.Credentials().ClientID)
	t.Setenv("SPOTIPY_CLIENT_SECRET", server.Credentials().ClientSecret)
	t.Setenv("SPOTIPY_REDIRECT_URI", "http://localhost:8888/callback")
	creds, err := spotipie.CredentialsFromEnv("SPOTIPY")
	if err != nil {
		t.Fatal(err)
	}
	creds.RedirectURI = "http://127.0.0.1/callback"
	opts := server.Options()
	opts.Scope, opts.Store, opts.Profile = nil, spotipie.NewMemoryStore(), "me"
	session, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	token, err := spotipie.ReadTokenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.SetToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if user, err := spotipie.CurrentUser(t.Context(), session); err != nil || user.ID != "ada" {
		t.Errorf("user %v, error %v", user, err)
	}
}
