package profiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// The states of a profile.
const (
	stateSignedIn    = "signed in"
	stateSignedOut   = "signed out"
	stateSignInAgain = "sign in again"
	stateUnknown     = "unknown"
)

// profile is a row of the list. Its JSON keys do not change.
type profile struct {
	Profile  string `json:"profile"`
	Default  bool   `json:"default"`
	SignedIn bool   `json:"signed_in"`
	Flow     string `json:"flow"`
	ClientID string `json:"client_id"`
	Store    string `json:"store"`
	User     string `json:"user"`
	Service  string `json:"service"`
	Problem  string `json:"problem"`

	state string
}

// profileRow looks into the store of a profile, which may be another than that
// of the command. What goes wrong is part of the row.
func profileRow(ctx context.Context, s *settings.Settings, name string) profile {
	row := profile{Profile: name, Default: name == s.Profile.Value, state: stateUnknown}
	of, err := settings.OfProfile(s.Cmd, name)
	if err != nil {
		row.Problem = failure.Plain(err)
		return row
	}
	err = explain.Error(of, stores.Use(ctx, of, func(store spotipie.Store) error { return checkLogin(ctx, of, store) }))
	row.Flow, row.ClientID, row.Store = of.Flow.Value, of.ClientID.Value, of.StoreName()
	row.User, row.Service = s.Config.Profiles[name].User, settings.ServicesOf(s.Config.Profiles[name]).NotSpotifyName()
	switch {
	case err == nil:
		row.SignedIn, row.state = true, stateSignedIn
	case errors.Is(err, spotipie.ErrNotAuthorized):
		row.state = stateSignedOut
	case failure.SignInNeeded(err):
		row.state, row.Problem = stateSignInAgain, failure.Plain(err)
	default:
		row.Problem = failure.Plain(err)
	}
	return row
}

// checkLogin returns nil if the store has an authorization that works as far as
// can be told without asking.
func checkLogin(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	if err := sessions.ResolveClientID(ctx, s, store); err != nil {
		return err
	}
	rec, found, err := store.Load(ctx, s.Key())
	switch {
	case err != nil:
		return stores.Failed(s, "reading", err)
	case !found:
		return sessions.NotSignedIn(ctx, s, store)
	}
	s.Flow.Value = string(sessions.FlowOf(s, rec))
	switch {
	case rec.Rejected != "":
		return spotipie.ErrReauthorizationRequired
	case rec.Token == nil || s.Flow.Value == string(spotipie.FlowClientCredentials):
		return nil
	case rec.Token.RefreshToken() == "" && !rec.Token.ExpiresAt().After(time.Now()):
		return spotipie.ErrNoRefreshToken
	}
	return nil
}

// profileTable returns the rows for w: a table if that is a terminal, else
// fields between tabs.
func profileTable(rows []profile, w io.Writer) string {
	if !cli.IsTerminal(w) {
		return tabSeparated(rows)
	}
	columns := []cli.Column{
		{Title: "  PROFILE", Min: 12}, {Title: "FLOW", Drop: 1}, {Title: "CLIENT ID", Min: 9, Drop: 3},
		{Title: "STORE", Min: 14, Drop: 2}, {Title: "STATE"},
	}
	named := slices.ContainsFunc(rows, func(p profile) bool { return p.User != "" })
	if named {
		columns = append(columns, cli.Column{Title: "USER", Min: 6, Drop: 4})
	}
	elsewhere := slices.ContainsFunc(rows, func(p profile) bool { return p.Service != "" })
	if elsewhere {
		columns = append(columns, cli.Column{Title: "SERVICE", Min: 14})
	}
	var cells [][]string
	for _, p := range rows {
		mark := "  "
		if p.Default {
			mark = "* "
		}
		row := []string{
			mark + cli.Printable(p.Profile), cli.Printable(p.Flow), cli.Printable(p.ClientID), cli.Printable(p.Store), p.state,
		}
		if named {
			row = append(row, cli.Printable(p.User))
		}
		if elsewhere {
			row = append(row, cli.Printable(cmp.Or(p.Service, "Spotify")))
		}
		cells = append(cells, row)
	}
	return cli.Table(columns, cells, cli.Width(w))
}

func tabSeparated(rows []profile) string {
	var b strings.Builder
	for _, p := range rows {
		mark := ""
		if p.Default {
			mark = "default"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			oneField(p.Profile), mark, oneField(p.Flow), oneField(p.ClientID), oneField(p.Store), p.state, oneField(p.User), oneField(p.Service))
	}
	return b.String()
}

// oneField makes a space of what would end a field or a line.
func oneField(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
}
