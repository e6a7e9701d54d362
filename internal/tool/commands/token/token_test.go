package token_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/commands/token"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestToken(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t, spotipie.ScopeUserTopRead)
	access := session.CurrentToken().AccessToken()
	for name, test := range map[string]struct {
		args           []string
		stdout, stderr string
		code           int
	}{
		"plain":           {nil, access + "\n", "", failure.ExitOK},
		"a header":        {[]string{"--header"}, "Authorization: Bearer " + access + "\n", "", failure.ExitOK},
		"one or other":    {[]string{"--header", "--json"}, "", "spotipie: token: --header and --json: use only one of them; see 'spotipie token --help'\n", failure.ExitUsage},
		"less than none":  {[]string{"--min-ttl", "-1s"}, "", "spotipie: token: --min-ttl -1s: it cannot be negative; see 'spotipie token --help'\n", failure.ExitUsage},
		"more than ever":  {[]string{"--min-ttl", "2h"}, "", "spotipie: token: --min-ttl 2h: no access token lives that long; this one had 1h at first; see 'spotipie token --help'\n", failure.ExitUsage},
		"another profile": {[]string{"--profile", "work"}, "", "spotipie: token: not signed in as profile \"work\" (there are: default): run 'spotipie login --profile work'\n", failure.ExitSignIn},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := tooltest.Run(t.Context(), token.New(), append([]string{"token"}, test.args...)...)
			if stdout != test.stdout || stderr != test.stderr || code != test.code {
				t.Errorf("got %q, %q, exit code %d, want %q, %q, %d", stdout, stderr, code, test.stdout, test.stderr, test.code)
			}
		})
	}
}

// TestJSON checks the keys, because programs rely on them.
func TestJSON(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t, spotipie.ScopeUserTopRead)
	stdout, stderr, code := tooltest.Run(t.Context(), token.New(), "token", "--json")
	if code != failure.ExitOK || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("exit code %d, stderr %s, stdout %s", code, stderr, stdout)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"access_token": session.CurrentToken().AccessToken(), "token_type": "Bearer",
		"expires_at": session.CurrentToken().ExpiresAt().UTC().Truncate(time.Second).Format(time.RFC3339), "expires_in": got["expires_in"],
		"scope": []any{"user-top-read"}, "flow": "authorization_code", "client_id": session.ClientID(), "profile": "default",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if left, _ := got["expires_in"].(float64); left < 3500 || left > 3600 {
		t.Errorf("expires_in %v", got["expires_in"])
	}
}
