package status_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commands/status"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func shown(t *testing.T, code int, args ...string) map[string]any {
	t.Helper()
	stdout, stderr, got := tooltest.Run(t.Context(), status.New(), append([]string{"status", "--json"}, args...)...)
	var object map[string]any
	if err := json.Unmarshal([]byte(stdout), &object); err != nil || got != code || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("exit code %d, %v, stdout %q, stderr %q", got, err, stdout, stderr)
	}
	return object
}

func TestStatus(t *testing.T) {
	server, _ := tooltest.SignedInAsAda(t, spotipie.ScopeUserTopRead)
	asked := shown(t, failure.ExitOK)
	if user, _ := asked["user"].(map[string]any); user["id"] != "ada" || user["name"] != "Ada" {
		t.Errorf("user %v", asked["user"])
	}
	offline := shown(t, failure.ExitOK, "--offline")
	for key, want := range map[string]any{
		"signed_in": true, "sign_in_needed": false, "profile": "default", "flow": "authorization_code", "user": nil,
		"refreshable": true, "service": server.URL, "problem": "", "paused_until": nil,
	} {
		if got, there := offline[key]; got != want || !there {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	stdout, _, code := tooltest.Run(t.Context(), status.New(), "status")
	if code != failure.ExitOK || !strings.HasPrefix(stdout, "✓ Signed in as Ada (ada)\n  Profile        default\n") || !strings.Contains(stdout, "  user-top-read  ") {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
}

func TestStatusOfNobody(t *testing.T) {
	tooltest.SignedInAsAda(t)
	if got := shown(t, failure.ExitSignIn, "--profile", "work"); got["signed_in"] != false || got["sign_in_needed"] != true {
		t.Errorf("got %v", got)
	}
}

// TestStatusWithoutTheSecret uses a token that is valid but cannot be renewed.
func TestStatusWithoutTheSecret(t *testing.T) {
	tooltest.Home(t, `{"profiles": {"default": {"client_id": "app", "flow": "client_credentials"}}}`)
	home, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	store, err := filestore.Open(filepath.Join(home, "spotipie"), nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "app", Flow: spotipie.FlowClientCredentials}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "app", Profile: "default"}, 0, rec); err != nil {
		t.Fatal(err)
	}
	got := shown(t, failure.ExitOK, "--offline")
	problem, _ := got["problem"].(string)
	if got["signed_in"] != true || got["refreshable"] != false || !strings.Contains(problem, "set SPOTIPIE_CLIENT_SECRET") {
		t.Errorf("got %v", got)
	}
}
