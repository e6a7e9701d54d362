//go:build unix

// Package tooltest runs single commands of the tool in tests, with an
// authorization to use and on a terminal.
package tooltest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commandline"
)

// Run carries out a command line that begins with the name of cmd, the only
// command that there is.
func Run(ctx context.Context, cmd *cobra.Command, args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = RunOn(ctx, cmd, &out, &errs, args...)
	return out.String(), errs.String(), code
}

// RunOn is Run that writes to stdout and stderr.
func RunOn(ctx context.Context, cmd *cobra.Command, stdout, stderr io.Writer, args ...string) (code int) {
	root := &cobra.Command{Use: "spotipie", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cmd)
	return commandline.Execute(ctx, root, args, stdout, stderr)
}

// SignedIn makes the tool signed in at a Web API that answers by handler.
func SignedIn(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "store")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "access-me", RefreshToken: "refresh-me", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "id", AuthorizedAt: time.Now()}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "id", Profile: "default"}, 0, rec); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"XDG_CONFIG_HOME": t.TempDir(), "HOME": t.TempDir(), "TERM": "xterm", "NO_COLOR": "1",
		"SPOTIPIE_CLIENT_ID": "id", "SPOTIPIE_STORE": "file:" + dir,
		"SPOTIPIE_ACCOUNTS_URL": server.URL, "SPOTIPIE_API_URL": server.URL,
	} {
		t.Setenv(name, value)
	}
}

// Terminal returns a terminal to write to, and what was written when it is
// closed.
func Terminal(t *testing.T) (tty *os.File, shown func() string) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	text := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(master) // ends with EIO
		text <- string(data)
	}()
	return tty, func() string {
		_ = tty.Close()
		return <-text
	}
}
