// Package main_test builds the example and runs it as a person would.
package main_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/login"
	"github.com/spotipie/spotipie/spotifytest"
)

// program builds the example and returns a function that makes commands to start it.
// The example's browser writes the address that it should open to a file.
func program(t *testing.T, server *spotifytest.Server) (start func() *exec.Cmd, opened string) {
	t.Helper()
	dir := t.TempDir()
	binary, browser, opened := filepath.Join(dir, "desktop"), filepath.Join(dir, "browser"), filepath.Join(dir, "opened")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	script := "#!/bin/sh\nprintf %s \"$1\" > " + opened + ".new\nmv " + opened + ".new " + opened + "\n"
	if err := os.WriteFile(browser, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(os.Environ(), "BROWSER="+browser, "HOME="+dir, "XDG_CONFIG_HOME="+dir,
			"SPOTIPIE_CLIENT_ID="+server.Credentials().ClientID, "SPOTIPIE_CLIENT_SECRET="+server.Credentials().ClientSecret,
			"SPOTIPIE_REDIRECT_URI="+login.DefaultRedirectURI, "SPOTIPIE_ACCOUNTS_URL="+server.URL, "SPOTIPIE_API_URL="+server.URL)
		return cmd
	}, opened
}

// waitFor waits for a file and returns its contents.
func waitFor(t *testing.T, path string) string {
	t.Helper()
	for t.Context().Err() == nil {
		if data, err := os.ReadFile(path); err == nil {
			return string(data)
		}
	}
	t.Fatal("the browser was not opened")
	return ""
}

func TestDesktop(t *testing.T) {
	server := spotifytest.New(t)
	start, opened := program(t, server)

	t.Run("the first time a browser opens", func(t *testing.T) {
		var out, errOut strings.Builder
		cmd := start()
		cmd.Stdout, cmd.Stderr = &out, &errOut
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(waitFor(t, opened))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), `"display_name":"Ada"`) {
			t.Errorf("%v, output %q, %s", err, out.String(), errOut.String())
		}
	})
	t.Run("the second time none is needed", func(t *testing.T) {
		out, err := start().Output()
		if err != nil || !strings.Contains(string(out), `"display_name":"Ada"`) {
			t.Errorf("%v, output %q", err, out)
		}
	})
}

func TestCtrlC(t *testing.T) {
	start, opened := program(t, spotifytest.New(t))
	cmd := start()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, opened)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v, want exit code 130", cmd.ProcessState)
	}
}
