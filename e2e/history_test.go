package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// shownVisits selects the addresses that Chromium shows in its history: the last
// of each chain of redirects (PAGE_TRANSITION_CHAIN_END).
const shownVisits = `SELECT urls.url FROM visits JOIN urls ON urls.id = visits.url WHERE visits.transition & 0x20000000`

// TestTheHistoryShowsNoCode checks that no code stays in the user's profile.
// The implicit grant leaves a token there; nobody can prevent that.
func TestTheHistoryShowsNoCode(t *testing.T) {
	needChromium(t)
	sqlite, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("sqlite3, which reads the history, is not installed")
	}
	profile := t.TempDir()
	browser, stop, err := startChromium(chromedp.UserDataDir(profile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { stop() }()
	b, server := openTab(t, browser), newServer(t, accounts.Options{})
	r := start(t, b, newSession(t, server), login.Options{})
	_, state, callback := r.address()
	b.heading("asks for access")
	b.click(agree)
	b.heading("Hello, Ada")
	r.succeed()
	stop() // writes the history
	stop = func() {}

	out, err := exec.CommandContext(t.Context(), sqlite, filepath.Join(profile, "Default", "History"), shownVisits).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	history := string(out)
	if !strings.Contains(history, callback+"/done") {
		t.Errorf("the history does not have the last page: %q", history)
	}
	for line := range strings.Lines(history) {
		if strings.HasPrefix(line, callback) && (strings.Contains(line, "code=") || strings.Contains(line, state)) {
			t.Error("the history shows the callback with its code")
		}
	}
}
