package refresh_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/refresh"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestRefresh(t *testing.T) {
	server, _ := tooltest.SignedInAsAda(t)
	before := server.Stats().TokenRequests.RefreshToken
	stdout, stderr, code := tooltest.Run(t.Context(), refresh.New(), "refresh")
	if code != failure.ExitOK || stdout != "" || !strings.HasPrefix(stderr, `Renewed: profile "default" has a token for 59m`) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if got := server.Stats().TokenRequests.RefreshToken - before; got != 1 {
		t.Errorf("%d refreshes", got)
	}
}

// TestRefreshOfARevokedLogin checks that the error asks for a new login.
func TestRefreshOfARevokedLogin(t *testing.T) {
	server, _ := tooltest.SignedInAsAda(t)
	server.RevokeUser(server.Credentials().ClientID, "ada")
	_, stderr, code := tooltest.Run(t.Context(), refresh.New(), "refresh")
	if code != failure.ExitSignIn || !strings.Contains(stderr, `Spotify no longer renews the login of profile "default" (Refresh token revoked): run 'spotipie login'`) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
