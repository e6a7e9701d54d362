package doctor

import (
	"fmt"
	"strings"

	"github.com/spotipie/spotipie"
)

// App has the settings of an app's credentials.
type App struct {
	ClientID     string
	ClientIDFrom string // where it is set, such as SPOTIPIE_CLIENT_ID
	Secret       string
	SecretFrom   string
	EnvPrefix    string
	Flow         spotipie.Flow // empty if not known
	Confidential bool          // the profile was signed in with a client secret
	Spotify      bool          // the accounts service is Spotify's own
}

// dashboard is where an app's credentials are shown.
const dashboard = "https://developer.spotify.com/dashboard"

// looksIssued reports whether text looks like Spotify's client ids and secrets.
func looksIssued(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == ""
}

// knownPrefixes are the prefixes of several libraries' variables.
func knownPrefixes() []string { return []string{"SPOTIPIE", "SPOTIPY", "SPOTIFY", "RSPOTIFY"} }

// Environment checks the app's credentials as far as possible offline. environ
// has the format of [os.Environ].
func Environment(app App, environ []string) Result {
	const name = "environment"
	switch {
	case app.ClientID == "":
		return bad(name, "no client id is set", missingFix(app.EnvPrefix, environ))
	case app.Spotify && !looksIssued(app.ClientID):
		return bad(name, fmt.Sprintf("the client id (%s) is not one of Spotify's, which have 32 digits and letters a to f", app.ClientIDFrom),
			"copy it from the app's page at "+dashboard)
	case app.Secret != strings.TrimSpace(app.Secret) || strings.ContainsAny(app.Secret, "\"' \t\r\n"):
		return bad(name, fmt.Sprintf("the client secret (%s) has spaces or quotes in it", app.SecretFrom), "set it again without them")
	case app.Secret != "" && app.Secret == app.ClientID:
		return bad(name, fmt.Sprintf("the client secret (%s) is the client id", app.SecretFrom),
			"copy the secret from the app's page at "+dashboard+`, under "View client secret"`)
	case app.Spotify && app.Secret != "" && !looksIssued(app.Secret):
		return bad(name, fmt.Sprintf("the client secret (%s) is not one of Spotify's, which have 32 digits and letters a to f", app.SecretFrom),
			"copy it from the app's page at "+dashboard+`, under "View client secret"`)
	case app.Secret == "" && app.Confidential:
		return bad(name, "the profile was signed in with the client secret, and none is set",
			"set "+app.EnvPrefix+"_CLIENT_SECRET: without it the token cannot be renewed")
	case app.Secret == "" && app.Flow == spotipie.FlowClientCredentials:
		return bad(name, "the flow client_credentials needs a client secret, and none is set", "set "+app.EnvPrefix+"_CLIENT_SECRET")
	}
	secret := "no client secret, so PKCE alone protects a login"
	if app.Secret != "" {
		secret = "client secret from " + app.SecretFrom
	}
	return good(name, fmt.Sprintf("client id from %s, %s", app.ClientIDFrom, secret))
}

// missingFix suggests the prefix of another library if its variable is set.
func missingFix(prefix string, environ []string) string {
	for _, other := range knownPrefixes() {
		if other != prefix && isSet(environ, other+"_CLIENT_ID") {
			return fmt.Sprintf("%s_CLIENT_ID is set: use it by --env-prefix %s", other, other)
		}
	}
	return fmt.Sprintf("set %s_CLIENT_ID to the client id of your app, from %s", prefix, dashboard)
}

func isSet(environ []string, name string) bool {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok && value != "" {
			return true
		}
	}
	return false
}
