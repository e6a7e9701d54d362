package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/cli"
)

// reach says how to reach the service. The secret belongs to a test app, so it
// may be shown.
type reach struct {
	URL          string   `json:"url"`
	APIURL       string   `json:"api_url"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`

	control bool // whether it accepts control requests
	approve bool // whether it agrees by itself
}

func reachOf(base string, app accounts.App, control, approve bool) reach {
	return reach{
		URL: base, APIURL: base,
		ClientID: app.ClientID, ClientSecret: app.ClientSecret, RedirectURIs: app.RedirectURIs,
		control: control, approve: approve,
	}
}

func (r reach) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

func (r reach) writeText(w io.Writer, style cli.Style) error {
	secret := r.ClientSecret
	if secret == "" {
		secret = "none: a public app, which must use PKCE"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", style.Heading("The accounts service listens on "+r.URL))
	fmt.Fprintln(&b, "  Use it in place of https://accounts.spotify.com and https://api.spotify.com.")
	fmt.Fprintln(&b, "  It is for tests: its users, its music and the app below are made up.")
	fmt.Fprintln(&b, "  Open it in a browser to see what can be tried.")
	fmt.Fprintf(&b, "\n  Client ID      %s\n  Client secret  %s\n", r.ClientID, secret)
	label := "Redirect URI "
	for _, uri := range r.RedirectURIs {
		fmt.Fprintf(&b, "  %s  %s%s\n", label, uri, anyPort(uri))
		label = strings.Repeat(" ", len(label))
	}
	fmt.Fprintf(&b, "\n%s\n\n", style.Heading("For your shell"))
	fmt.Fprintln(&b, "  export SPOTIPIE_PROFILE=practice") // a separate profile from those at Spotify
	fmt.Fprintf(&b, "  export SPOTIPIE_CLIENT_ID=%s\n", r.ClientID)
	if r.ClientSecret != "" {
		fmt.Fprintf(&b, "  export SPOTIPIE_CLIENT_SECRET=%s\n", r.ClientSecret)
	}
	fmt.Fprintf(&b, "  export SPOTIPIE_REDIRECT_URI=%s\n", cli.Quoted(r.RedirectURIs[0]))
	fmt.Fprintf(&b, "  export SPOTIPIE_ACCOUNTS_URL=%s\n  export SPOTIPIE_API_URL=%s\n", r.URL, r.APIURL)
	fmt.Fprintln(&b, "\n  The programs in examples/ then use this service.")
	fmt.Fprintf(&b, "\n%s\n\n", style.Heading("Try it from another terminal"))
	fmt.Fprintf(&b, "  %s\n\n", r.curl())
	fmt.Fprintf(&b, "  With the lines for your shell, as a user:\n\n  %s\n  spotipie api me/tracks\n", r.login())
	fmt.Fprint(&b, "  curl -H \"$(spotipie token --header)\" \"$SPOTIPIE_API_URL/v1/me\"\n\n")
	if r.approve {
		fmt.Fprint(&b, "  Without a browser: 'curl -L' the address that login prints.\n\n")
	} else {
		fmt.Fprint(&b, "  Without a browser: run 'spotipie serve --approve', and 'curl -L' the address\n  that login prints.\n\n")
	}
	if r.control {
		fmt.Fprintf(&b, "  Let an hour pass:\n\n  curl -H 'Content-Type: application/json' -d '{\"seconds\":3600}' %s/_service/advance\n\n", r.URL)
	}
	fmt.Fprintln(&b, style.Faint("Ctrl-C ends it."))
	_, err := io.WriteString(w, b.String())
	return err
}

// curl gets a token by the client credentials flow. For an app without a
// secret, which cannot do that, it shows the counts of requests.
func (r reach) curl() string {
	if r.ClientSecret == "" {
		return "curl " + r.URL + "/_service/stats"
	}
	return fmt.Sprintf("curl -d grant_type=client_credentials -u %s:%s %s/api/token", r.ClientID, r.ClientSecret, r.URL)
}

// login signs a user in. It can wait for the answer only at a loopback address.
func (r reach) login() string {
	command := "spotipie login --scope " + string(spotipie.ScopeUserLibraryRead)
	if loopbackRedirect(r.RedirectURIs[0]) == nil {
		command += " --paste"
	}
	return command
}

// anyPort is a remark on a redirect URI that matches on any port.
func anyPort(uri string) string {
	if u := loopbackRedirect(uri); u != nil && u.Port() == "" {
		return " (any port)"
	}
	return ""
}

// loopbackRedirect returns a redirect URI at a loopback address, or nil.
func loopbackRedirect(uri string) *url.URL {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
		return nil
	}
	return u
}
