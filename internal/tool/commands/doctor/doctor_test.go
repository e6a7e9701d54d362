//go:build unix

package doctor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/doctor"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestDoctor(t *testing.T) {
	server, _ := tooltest.SignedInAsAda(t)
	t.Setenv("BROWSER", "true")
	t.Setenv("DISPLAY", ":9")
	checks := examined(t, failure.ExitOK)
	for _, name := range []string{"environment", "redirect URI", "port", "browser", "service", "clock", "app", "secret", "store", "token", "app mode"} {
		if ok, there := checks[name]; !ok || !there {
			t.Errorf("%s: %t, %t", name, ok, there)
		}
	}
	server.ExpireAccessTokens()
	server.RevokeUser(server.Credentials().ClientID, "ada")
	if checks := examined(t, failure.ExitFailure); checks["token"] || !checks["store"] {
		t.Errorf("a revoked login: %v", checks)
	}
}

// TestDoctorOfAPracticeServiceThatWasStartedAgain checks that the advice is not about
// Spotify's pages, which do not have the app.
func TestDoctorOfAPracticeServiceThatWasStartedAgain(t *testing.T) {
	tooltest.SignedInAsAda(t)
	t.Setenv("SPOTIPIE_CLIENT_ID", "00000000000000000000000000000000")
	stdout, _, code := tooltest.Run(t.Context(), doctor.New(), "doctor")
	const shownAt = "what 'spotipie serve' has printed last (it has another app after each start)\n"
	if code != failure.ExitFailure || strings.Count(stdout, shownAt) != 2 || strings.Contains(stdout, "dashboard") {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
}

// TestDoctorOfABrokenConfigFile checks that nothing else is checked.
func TestDoctorOfABrokenConfigFile(t *testing.T) {
	tooltest.Home(t, "{")
	if checks := examined(t, failure.ExitFailure); len(checks) != 1 || checks["config file"] {
		t.Errorf("got %v", checks)
	}
}

func examined(t *testing.T, code int) map[string]bool {
	t.Helper()
	stdout, stderr, got := tooltest.Run(t.Context(), doctor.New(), "doctor", "--json")
	var report struct {
		OK     bool `json:"ok"`
		Checks []struct {
			Name string `json:"name"`
			OK   bool   `json:"ok"`
			Fix  string `json:"fix"`
		} `json:"checks"`
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || got != code || report.OK != (code == failure.ExitOK) {
		t.Fatalf("exit code %d, %v, stdout %s, stderr %s", got, err, stdout, stderr)
	}
	checks := map[string]bool{}
	for _, check := range report.Checks {
		checks[check.Name] = check.OK
		if (check.Fix == "") != check.OK {
			t.Errorf("%s: ok %t, fix %q", check.Name, check.OK, check.Fix)
		}
	}
	return checks
}
