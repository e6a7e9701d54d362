package profiles

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
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

	ReauthorizeBy *time.Time `json:"reauthorize_by"`
	RefusedAt     *time.Time `json:"refused_at"`
	Problem       string     `json:"problem"`

	state string
}

// maxLoads is how many records are loaded for a list. Loading them shows the
// flow and whether there is a refresh token, which a summary does not.
const maxLoads = 100

// listing makes the rows.
type listing struct {
	s      *settings.Settings
	places places
	loads  int
}

// row reads a profile from its store, which may differ from the command's.
// Errors are part of the row.
func (l *listing) row(ctx context.Context, name string) profile {
	row := profile{Profile: name, Default: name == l.s.Profile.Value, state: stateUnknown}
	of, err := settings.OfProfile(l.s.Cmd, name)
	if err != nil {
		row.Problem = failure.Plain(err)
		return row
	}
	err = failure.WithoutHint(explain.Error(of, l.check(ctx, of, &row)))
	row.Flow, row.ClientID, row.Store = of.Flow.Value, of.ClientID.Value, of.StoreName()
	row.User, row.Service = l.s.Config.Profiles[name].User, settings.ServicesOf(l.s.Config.Profiles[name]).NotSpotifyName()
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

// check returns nil if the store has an authorization that seems to work; it
// does not ask Spotify. It writes what the summary says into row.
func (l *listing) check(ctx context.Context, s *settings.Settings, row *profile) error {
	at, err := l.places.of(ctx, s)
	if err != nil {
		return err
	}
	if err := sessions.ResolveClientID(ctx, s, at); err != nil {
		return err
	}
	summary, err := l.summarize(ctx, s, at)
	if err != nil {
		return err
	}
	if s.Flow.Value != string(spotipie.FlowImplicitGrant) { // this flow has no refresh token
		row.ReauthorizeBy = output.UTC(summary.ReauthorizeBy())
	}
	if summary.Rejected == "" {
		return nil
	}
	row.RefusedAt = output.UTC(summary.RejectedAt)
	return refusedError(s, summary)
}

// summarize returns the summary of the authorization. It also checks the token,
// for the first maxLoads records.
func (l *listing) summarize(ctx context.Context, s *settings.Settings, at *place) (spotipie.Summary, error) {
	if l.loads >= maxLoads {
		if summary, found := at.summary(ctx, s.Key()); found {
			return summary, nil
		}
	}
	l.loads++
	return checkRecord(ctx, s, at)
}

// checkRecord loads the record, fails if its token can be neither used nor
// renewed, and sets the flow that the record came from.
func checkRecord(ctx context.Context, s *settings.Settings, store spotipie.Store) (spotipie.Summary, error) {
	rec, found, err := store.Load(ctx, s.Key())
	switch {
	case err != nil:
		return spotipie.Summary{}, stores.Failed(s, "reading", err)
	case !found:
		return spotipie.Summary{}, sessions.NotSignedIn(ctx, s, store)
	}
	flow := sessions.FlowOf(s, rec)
	s.Flow.Value = string(flow)
	if rec.Rejected == "" && rec.Token != nil && flow != spotipie.FlowClientCredentials &&
		rec.Token.RefreshToken() == "" && !rec.Token.ExpiresAt().After(time.Now()) {
		return spotipie.Summary{}, spotipie.ErrNoRefreshToken
	}
	return rec.Summary(s.Key()), nil
}

// refusedError says that the refresh token was refused, and since when.
func refusedError(s *settings.Settings, summary spotipie.Summary) error {
	since := ""
	if !summary.RejectedAt.IsZero() {
		since = " since " + output.ClockTime(summary.RejectedAt)
	}
	return failure.Tell(spotipie.ErrReauthorizationRequired, "Spotify no longer renews the login of profile %q%s (%s): run '%s'",
		s.Profile.Value, since, summary.Rejected, s.LoginCommand())
}

// profileTable returns the rows for w: a table if w is a terminal, and
// otherwise fields separated by tabs.
func profileTable(rows []profile, w io.Writer) string {
	if !cli.IsTerminal(w) {
		return tabSeparated(rows)
	}
	columns := []cli.Column{
		{Title: "  PROFILE", Min: 12}, {Title: "FLOW", Drop: 3}, {Title: "CLIENT ID", Min: 9, Drop: 5},
		{Title: "STORE", Min: 14, Drop: 4}, {Title: "UNTIL", Drop: 1}, {Title: "STATE"},
	}
	named := slices.ContainsFunc(rows, func(p profile) bool { return p.User != "" })
	if named {
		columns = append(columns, cli.Column{Title: "USER", Min: 6, Drop: 2})
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
		until := ""
		if p.SignedIn {
			until = timeText(p.ReauthorizeBy, time.Local, output.DateFormat)
		}
		row := []string{
			mark + cli.Printable(p.Profile), cli.Printable(p.Flow), cli.Printable(p.ClientID), cli.Printable(p.Store), until, p.state,
		}
		if named {
			row = append(row, cli.Printable(p.User))
		}
		if elsewhere {
			row = append(row, cli.Printable(cmp.Or(host(p.Service), "Spotify")))
		}
		cells = append(cells, row)
	}
	return cli.Table(columns, cells, cli.Width(w))
}

// host returns a service's address without its scheme, to save room in the table.
func host(service string) string {
	_, host, ok := strings.Cut(service, "://")
	if !ok {
		return service
	}
	return host
}

func tabSeparated(rows []profile) string {
	var b strings.Builder
	for _, p := range rows {
		mark := ""
		if p.Default {
			mark = "default"
		}
		fields := []string{
			p.Profile, mark, p.Flow, p.ClientID, p.Store, p.state, p.User, p.Service,
			timeText(p.ReauthorizeBy, time.UTC, time.RFC3339), timeText(p.RefusedAt, time.UTC, time.RFC3339),
		}
		for i, field := range fields {
			fields[i] = oneField(field)
		}
		b.WriteString(strings.Join(fields, "\t") + "\n")
	}
	return b.String()
}

// timeText formats a time; it returns "" if the time is not known.
func timeText(t *time.Time, where *time.Location, layout string) string {
	if t == nil {
		return ""
	}
	return t.In(where).Format(layout)
}

// oneField replaces tabs and line breaks by spaces.
func oneField(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
}
