package login

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/login"
)

// check finds settings that are missing or contradict each other, before
// anything is opened, and returns the scopes to ask for.
func (f *flags) check(s *settings.Settings, flow spotipie.Flow) (spotipie.Scopes, error) {
	if s.ClientID.Value == "" {
		return nil, fmt.Errorf("no client id: create an app with the redirect URI %s at "+
			"https://developer.spotify.com/dashboard, and set %s or --client-id",
			login.DefaultRedirectURI, s.Variable("CLIENT_ID"))
	}
	if flow == spotipie.FlowClientCredentials {
		return nil, f.checkClientCredentials(s)
	}
	if err := f.checkPage(s); err != nil {
		return nil, err
	}
	if f.allScopes {
		if len(f.scopes) > 0 {
			return nil, errors.New("--all-scopes and --scope: use only one of them")
		}
		return spotipie.AllScopes(), nil
	}
	return scopelist.Parse(f.scopes, f.anyScope)
}

func (f *flags) checkClientCredentials(s *settings.Settings) error {
	for _, name := range []string{"scope", "all-scopes", "no-browser", "paste", "port", "bind", "timeout", "force-dialog"} {
		if s.Cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s: the client_credentials flow has no user to ask; "+
				"for a user's data use --flow authorization_code", name)
		}
	}
	if s.Secret.Value == "" {
		return fmt.Errorf("the client_credentials flow needs the app's client secret: set %s or --client-secret-file",
			s.Variable("CLIENT_SECRET"))
	}
	return nil
}

func (f *flags) checkPage(s *settings.Settings) error {
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout %s: it must be longer than 0", f.timeout)
	}
	if _, _, err := cli.SplitAddress(f.bind); err != nil {
		return fmt.Errorf("--bind %s: %w, such as 0.0.0.0 or 0.0.0.0:8888", f.bind, err)
	}
	if !f.paste {
		return checkPageAt(s.RedirectURI)
	}
	for _, name := range []string{"port", "bind"} {
		if s.Cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be used with --paste, which does not listen", name)
		}
	}
	return nil
}

// checkPageAt refuses redirect URIs at which the login cannot show a page: of
// those that Spotify accepts, all except http on a loopback address. The
// session refuses those that Spotify does not accept.
func checkPageAt(redirectURI settings.Setting) error {
	if spotipie.ValidateRedirectURI(redirectURI.Value) != nil || strings.HasPrefix(redirectURI.Value, "http:") {
		return nil
	}
	return fmt.Errorf("%s: this machine cannot receive the answer at %s: add --paste to paste the address that the browser ends at, "+
		"or register %s for the app and use that", redirectURI.From, redirectURI.Value, login.DefaultRedirectURI)
}

// portList is the value of --port.
type portList []int

// Set implements pflag.Value.
func (p *portList) Set(text string) error {
	for field := range strings.SplitSeq(text, ",") {
		port, err := cli.ParsePort(strings.TrimSpace(field))
		if err != nil {
			return err
		}
		*p = append(*p, port)
	}
	return nil
}

// String implements pflag.Value.
func (p *portList) String() string { return ports(*p) }

// Type implements pflag.Value.
func (p *portList) Type() string { return "ports" }
