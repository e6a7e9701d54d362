package e2e

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/spotifytest"
)

// startWebApp builds examples/webapp and runs it as a person would, with its own
// accounts service and database.
func startWebApp(t *testing.T) (url string, spotify *spotifytest.Server) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "webapp")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "examples", "webapp")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	redirectURIs := []string{"http://127.0.0.1/callback"}
	spotify = spotifytest.NewWith(t, &accounts.Options{Apps: []accounts.App{
		{ClientID: "app", ClientSecret: "its-secret-words", Name: appName, RedirectURIs: redirectURIs},
		{ClientID: "player", RedirectURIs: redirectURIs},
	}})
	creds := spotify.Credentials()
	app := exec.CommandContext(context.WithoutCancel(t.Context()), program) // ends by itself
	app.Env = append(os.Environ(), "DATABASE_URL="+testservices.PostgresDSN(testservices.StartPostgres(t).Address),
		"SPOTIPIE_CLIENT_ID="+creds.ClientID, "SPOTIPIE_CLIENT_SECRET="+creds.ClientSecret, "SPOTIPIE_REDIRECT_URI=http://127.0.0.1/callback",
		"SPOTIPIE_ACCOUNTS_URL="+spotify.URL, "SPOTIPIE_API_URL="+spotify.URL)
	var stderr strings.Builder
	app.Stderr = &stderr
	stdout, err := app.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	t.Cleanup(func() {
		_ = app.Process.Signal(os.Interrupt)
		for lines.Scan() {
			t.Errorf("unexpected output: %s", lines.Text())
		}
		if err := app.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("the app ended with %v: %s", err, stderr.String())
		}
	})
	if !lines.Scan() {
		t.Fatal("the app prints nothing")
	}
	url, found := strings.CutSuffix(strings.TrimPrefix(lines.Text(), "Open "), "/ (Ctrl-C ends it)")
	if !found {
		t.Fatalf("the app prints %q", lines.Text())
	}
	return url, spotify
}

// TestWebAppExample opens every page of examples/webapp and does everything that a
// user can do there.
func TestWebAppExample(t *testing.T) {
	b := newTab(t)
	url, spotify := startWebApp(t)
	play(t, spotify)
	b.visit(url)
	b.heading("Your music, in one place")
	b.check("webapp-welcome")
	b.click("#sign-in")
	b.heading(appName + " asks for access")
	b.click(agree)
	b.heading("Hello, Ada")
	b.check("webapp-home")

	b.click("a[href='/tracks']")
	b.heading(appName + " asks for access") // for another scope
	b.click(agree)
	b.heading("Saved tracks")
	b.check("webapp-tracks")
	b.click("#earlier")
	b.heading("Saved tracks")
	if text := b.text(); !strings.Contains(text, "Page 2 of 12") {
		t.Errorf("the page says: %s", text)
	}
	b.click("a[href='/playing']")
	b.heading(appName + " asks for access")
	b.click(agree)
	b.heading("Silver Road")
	b.check("webapp-playing")
	b.click("header a[href='/account']")
	b.heading("Ada")
	b.check("webapp-account")

	b.click("#sign-out")
	b.heading("Your music, in one place")
	b.click("#sign-in")
	b.heading("Hello, Ada") // without the consent page: Ada has agreed before
	b.click("header a[href='/account']")
	b.click("#delete")
	b.heading("Delete my data")
	b.check("webapp-delete")
	b.click("#confirm")
	b.heading("Your data is deleted")
	b.check("webapp-deleted")
	b.visit(url + "/account") // signs in again
	b.heading("Ada")
	b.visit(url + "/nowhere")
	b.heading("There is nothing here")
	b.check("webapp-not-found")
	b.expectNothingFromElsewhere(url, spotify.URL)
	b.visit(url + "/account")
	b.expectSafe("its-secret-words")
}

// play makes Ada play a track, with another app.
func play(t *testing.T, spotify *spotifytest.Server) {
	t.Helper()
	session, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{ClientID: "player", RedirectURI: "http://127.0.0.1/callback"}, spotify.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	spotify.LoginAs(t, session, "ada")
	resp, err := session.Request(t.Context(), http.MethodPut, "/v1/me/player/play", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := spotipie.CheckResponse(resp); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
