package doctor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/doctor"
)

const hex32 = "0123456789abcdef0123456789abcdef"

// check compares a result: detail and fix must contain the given texts. An empty
// fix means that the result must be OK.
func check(t *testing.T, got doctor.Result, detail, fix string) {
	t.Helper()
	if got.OK != (fix == "") || got.OK != (got.Fix == "") {
		t.Errorf("OK is %v, fix is %q: %+v", got.OK, got.Fix, got)
	}
	if !strings.Contains(got.Detail, detail) || !strings.Contains(got.Fix, fix) {
		t.Errorf("got %+v\nwant %q and %q in it", got, detail, fix)
	}
	if strings.ContainsAny(got.Detail+got.Fix, "\n\x1b") {
		t.Errorf("not one line: %+v", got)
	}
	if strings.Contains(got.Detail+got.Fix, "top-secret") {
		t.Errorf("a secret is shown: %+v", got)
	}
}

func TestEnvironment(t *testing.T) {
	app := func(change func(*doctor.App)) doctor.App {
		a := doctor.App{
			ClientID: hex32, ClientIDFrom: "SPOTIPIE_CLIENT_ID", SecretFrom: "SPOTIPIE_CLIENT_SECRET",
			EnvPrefix: "SPOTIPIE", Spotify: true,
		}
		change(&a)
		return a
	}
	for name, test := range map[string]struct {
		app         doctor.App
		environ     []string
		detail, fix string
	}{
		"public app": {app(func(*doctor.App) {}), nil, "client id from SPOTIPIE_CLIENT_ID, no client secret", ""},
		"with secret": {app(func(a *doctor.App) { a.Secret = strings.Repeat("f", 32) }), nil,
			"client secret from SPOTIPIE_CLIENT_SECRET", ""},
		"another service": {app(func(a *doctor.App) { a.ClientID, a.Secret, a.Spotify = "my-app", "top-secret", false }), nil,
			"client id from", ""},
		"no client id": {app(func(a *doctor.App) { a.ClientID = "" }), nil, "no client id", "set SPOTIPIE_CLIENT_ID"},
		"spotipy's variables": {app(func(a *doctor.App) { a.ClientID = "" }), []string{"SPOTIPY_CLIENT_ID=" + hex32},
			"no client id", "--env-prefix SPOTIPY"},
		"spotipy's, empty": {app(func(a *doctor.App) { a.ClientID = "" }), []string{"SPOTIPY_CLIENT_ID="},
			"no client id", "set SPOTIPIE_CLIENT_ID"},
		"our own under another prefix": {app(func(a *doctor.App) { a.ClientID, a.EnvPrefix = "", "MINE" }),
			[]string{"SPOTIPIE_CLIENT_ID=" + hex32}, "no client id", "--env-prefix SPOTIPIE"},
		"placeholder":    {app(func(a *doctor.App) { a.ClientID = "your-client-id" }), nil, "not one of Spotify's", "dashboard"},
		"quoted secret":  {app(func(a *doctor.App) { a.Secret = `"top-secret"` }), nil, "quotes", "without them"},
		"swapped secret": {app(func(a *doctor.App) { a.Secret = hex32 }), nil, "is the client id", "View client secret"},
		"odd secret": {app(func(a *doctor.App) { a.Secret = "top-secret" }), nil, "client secret (SPOTIPIE_CLIENT_SECRET) is not",
			"View client secret"},
		"client credentials without secret": {app(func(a *doctor.App) { a.Flow = spotipie.FlowClientCredentials }), nil,
			"needs a client secret", "set SPOTIPIE_CLIENT_SECRET"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, doctor.Environment(test.app, test.environ), test.detail, test.fix)
		})
	}
}

func TestBlocked(t *testing.T) {
	check(t, doctor.Blocked("token", doctor.Result{Name: "store"}), "before the store is in order", "fix the store first")
}

// The keys that doctor --json promises.
func TestResultJSON(t *testing.T) {
	for want, result := range map[string]doctor.Result{
		`{"name":"a","ok":true,"detail":"b"}`:               {Name: "a", OK: true, Detail: "b"},
		`{"name":"a","ok":false,"detail":"b","fix":"do c"}`: {Name: "a", Detail: "b", Fix: "do c"},
	} {
		if got, err := json.Marshal(result); string(got) != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
