package login

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/login"
)

// explainLogin is explain, and also covers the errors of a login.
func explainLogin(s *settings.Settings, err error) error {
	var wrong *failure.UsageError
	var told *failure.ToldError
	explained := explain.Error(s, err)
	if errors.As(explained, &wrong) || errors.As(explained, &told) {
		return explained
	}
	var timeout *login.TimeoutError
	var port *login.PortError
	var refused *spotipie.AuthorizationError
	switch {
	case errors.Is(err, spotipie.ErrAccessDenied):
		return failure.Tell(err, "you did not agree, or Spotify refused (access_denied), and nothing has changed: run the command again to be asked again")
	case errors.As(err, &refused) && strings.HasPrefix(refused.Description, "response_type"):
		return failure.Tell(err, "the accounts service does not have the implicit grant (%s): use --flow authorization_code, "+
			"which needs no client secret either; 'spotipie serve --legacy' still has it", cli.Printable(refused.Description))
	case errors.As(err, &timeout):
		return failure.Tell(err, "nobody agreed within %s: run it again, with a longer --timeout if need be; if the browser showed "+
			"only an error, compare client id (%s) and redirect URI (%s) with %s", timeout.After, s.ClientID.Origin(), timeout.RedirectURI,
			cmp.Or(s.Services().PracticeApp(), "the app's page at https://developer.spotify.com/dashboard"))
	case errors.As(err, &port):
		return failure.Tell(err, "%v", explainPort(s, port))
	case errors.Is(err, login.ErrNoTerminal):
		return failure.Tell(err, "there is no terminal to paste the answer into: run it in one, or write the answer to a pipe that it reads, "+
			"or leave out --paste where a browser can reach this machine")
	}
	return explained
}

// explainPort says what to do if a port cannot be used.
func explainPort(s *settings.Settings, e *login.PortError) error {
	bind, _ := s.Cmd.Flags().GetString("bind")
	_, bindPort, _ := cli.SplitAddress(bind) // was checked
	redirect, err := url.Parse(e.RedirectURI)
	advice := "choose another with --port, or leave out --port to use any free one"
	switch {
	case slices.Equal(e.Ports, []int{0}):
		return fmt.Errorf("cannot listen on %s: %w: choose an address of this machine with --bind", e.Host, e.Err)
	case bindPort != 0:
		advice = "choose another with --bind"
	case err == nil && redirect.Port() != "":
		advice = "end the program that uses it, or use a redirect URI without a port, such as " + login.DefaultRedirectURI +
			", which works with any free one"
	case bind != "":
		advice += "; and --bind has to be an address of this machine"
	}
	return fmt.Errorf("cannot listen on %s, port %s: %w: %s%s", e.Host, ports(e.Ports), e.Err, advice, kept(e.Err))
}

// kept adds a remark for ports that only privileged programs may listen on.
func kept(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return " (on most systems ports below 1024 are for privileged programs)"
	}
	return ""
}

func ports(numbers []int) string {
	text := ""
	for _, n := range numbers {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	return text
}
