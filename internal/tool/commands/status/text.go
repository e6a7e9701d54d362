package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/pauses"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// text is the status for people.
func (st *status) text(s *settings.Settings) string {
	style := cli.StyleFor(s.Cmd.OutOrStdout())
	var b strings.Builder
	mark, who := style.Good("✓"), "Signed in"
	if st.SignInNeeded {
		mark, who = style.Bad("✗"), "Sign in again"
	}
	fmt.Fprintf(&b, "%s %s\n", mark, style.Heading(who+st.asWhom()))
	line := func(label, value string) { fmt.Fprintf(&b, "  %-15s%s\n", label, cli.Printable(value)) }
	line("Profile", st.Profile)
	if where := s.Services().NotSpotify(); where != "" {
		line("Service", where)
	}
	line("Flow", string(st.Flow))
	line("Client ID", st.ClientID)
	line("Access token", st.tokenLife())
	switch {
	case st.RefusedAt != nil:
		line("Refused", "since "+output.ClockTime(*st.RefusedAt))
	case st.ReauthorizeBy != nil:
		line("Sign in again", "by "+st.ReauthorizeBy.Local().Format(output.DateFormat)+" (in "+cli.Span(time.Until(*st.ReauthorizeBy))+")")
	}
	line("Store", st.Store)
	if st.pause != nil {
		line("Web API", pauses.Words(st.pause))
	}
	switch {
	case st.Flow == spotipie.FlowClientCredentials:
		line("Scopes", "none: the app has no user")
	case len(st.Scope) == 0:
		line("Scopes", "none: public information only")
	default:
		b.WriteString("  Scopes\n" + scopelist.Table(st.Scope, "    "))
	}
	if st.Problem != "" && !st.SignInNeeded && st.pause == nil {
		line("Problem", st.Problem)
	}
	return b.String()
}

func (st *status) asWhom() string {
	switch {
	case st.Flow == spotipie.FlowClientCredentials:
		return " as the app itself"
	case st.User == nil:
		return ""
	case st.User.ID == "":
		return " as " + cli.Printable(st.User.Name)
	case st.User.Name == "" || st.User.Name == st.User.ID:
		return " as " + cli.Printable(st.User.ID)
	}
	return " as " + cli.Printable(st.User.Name) + " (" + cli.Printable(st.User.ID) + ")"
}

func (st *status) tokenLife() string {
	life := "expired"
	if st.ExpiresIn > 0 {
		life = "valid for " + cli.Span(time.Duration(st.ExpiresIn)*time.Second)
	}
	switch {
	case !st.Refreshable:
		return life + ", cannot be renewed"
	case st.SignInNeeded:
		return life
	}
	return life + ", renews itself"
}
