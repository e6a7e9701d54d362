package profiles_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commands/profiles"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func listed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := tooltest.Run(t.Context(), profiles.New(), append([]string{"profiles"}, args...)...)
	if code != failure.ExitOK {
		t.Fatalf("exit code %d, stderr %s", code, stderr)
	}
	return stdout
}

func TestProfiles(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t)
	home, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	row := "default\tdefault\tauthorization_code\t" + session.ClientID() + "\tfile:" + filepath.Join(home, "spotipie") + "\tsigned in\t\t\t" +
		session.ReauthorizeBy().UTC().Format(time.RFC3339) + "\t\n"
	if got := listed(t); got != row {
		t.Errorf("got %q, want %q", got, row)
	}
	if got := listed(t, "rename", "default", "work") + listed(t, "list"); !strings.HasPrefix(got, "work\t\tauthorization_code\t") {
		t.Errorf("renamed: got %q", got)
	}
	if got := listed(t, "default", "work") + listed(t, "default"); got != "work\n" {
		t.Errorf("the default: got %q", got)
	}
	_, stderr, code := tooltest.Run(t.Context(), profiles.New(), "profiles", "delete", "work")
	if code != failure.ExitUsage || !strings.Contains(stderr, "use --yes to delete the profile") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if got := listed(t, "delete", "work", "--yes") + listed(t); got != "" {
		t.Errorf("deleted: got %q", got)
	}
	_, stderr, code = tooltest.Run(t.Context(), profiles.New(), "profiles", "delete", "work", "--yes")
	if code != failure.ExitFailure || stderr != "spotipie: profiles delete: no profile \"work\": there are no profiles, 'spotipie login' makes one\n" {
		t.Errorf("deleted again: exit code %d, stderr %q", code, stderr)
	}
}

// TestProfilesOfALargeStore checks the rows of records that are not loaded. They
// come from the summaries.
func TestProfilesOfALargeStore(t *testing.T) {
	dir := tooltest.Home(t, "")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	consent := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", RefreshToken: "r", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	const count, refused, damaged = 105, 101, 102
	key := func(i int) spotipie.Key { return spotipie.Key{ClientID: "app", Profile: fmt.Sprintf("user-%03d", i)} }
	for i := range count {
		rec := spotipie.Record{Token: token, ClientID: "app", Flow: spotipie.FlowAuthorizationCode, AuthorizedAt: consent}
		if i == refused {
			rec.Rejected, rec.RejectedAt = "Refresh token revoked", consent.AddDate(0, 1, 0)
		}
		if _, err := store.Swap(t.Context(), key(i), 0, rec); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(store.Path(key(damaged)))
	if err == nil {
		err = os.WriteFile(store.Path(key(damaged)), []byte(strings.Replace(string(whole), `"r"`, `"s"`, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(listed(t, "--json")), &rows); err != nil || len(rows) != count {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range map[int]map[string]any{
		0:         {"flow": "authorization_code", "signed_in": true, "reauthorize_by": "2026-07-02T03:04:05Z", "refused_at": nil},
		99:        {"flow": "authorization_code", "signed_in": true, "reauthorize_by": "2026-07-02T03:04:05Z", "refused_at": nil},
		100:       {"flow": "", "signed_in": true, "reauthorize_by": "2026-07-02T03:04:05Z", "refused_at": nil},
		refused:   {"flow": "", "signed_in": false, "reauthorize_by": "2026-07-02T03:04:05Z", "refused_at": "2026-02-02T03:04:05Z"},
		damaged:   {"flow": "", "signed_in": false, "reauthorize_by": nil, "refused_at": nil},
		count - 1: {"flow": "", "signed_in": true, "problem": ""},
	} {
		for name, value := range want {
			if got := rows[i][name]; got != value {
				t.Errorf("profile %s: %s: got %v, want %v", rows[i]["profile"], name, got, value)
			}
		}
	}
	if problem, _ := rows[damaged]["problem"].(string); !strings.Contains(problem, "reading the store") {
		t.Errorf("the damaged one: problem %q", problem)
	}
}
