// Package status is the command status: it shows who is signed in, and until
// when.
package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/pauses"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

type flags struct {
	json    bool
	offline bool
}

// New returns the command status.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Show who is signed in, with which scopes and until when",
		Long: `Shows a profile's user, flow, scopes, how long the access token is still valid,
by when the user has to sign in again, and which store it is in. It asks Spotify
for the user's name, and renews an expired token to do so; without an answer it
shows the name from the last login, and the rest.

The exit code is 0 if signed in, 3 if the user has to sign in (again), and 2 if
the token has expired or was refused, and the settings do not allow a renewal.

With --json it prints one line, a JSON object with the keys signed_in,
sign_in_needed, profile, client_id, flow, user (an object with id and name, or
null; the id is "" if Spotify has not answered), scope (an array), expires_at,
expires_in (seconds, negative if past), refreshable, authorized_at,
reauthorize_by, refused_at (since when it cannot be renewed), store, service
(the address, if it is not Spotify's), paused_until (the end of a pause that the
Web API has asked for) and problem (text). Times are RFC 3339 in UTC, or null if
they are not known.`,
		Example: `  spotipie status
  spotipie status --json --profile work`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print it as one line of JSON")
	flags.BoolVar(&f.offline, "offline", false, "make no request to Spotify and renew nothing")
	settings.AddFlags(cmd)
	return cmd
}

// status is what the command shows. Its JSON keys do not change.
type status struct {
	SignedIn      bool            `json:"signed_in"`
	SignInNeeded  bool            `json:"sign_in_needed"`
	Profile       string          `json:"profile"`
	ClientID      string          `json:"client_id"`
	Flow          spotipie.Flow   `json:"flow"`
	User          *user           `json:"user"`
	Scope         spotipie.Scopes `json:"scope"`
	ExpiresAt     *time.Time      `json:"expires_at"`
	ExpiresIn     int             `json:"expires_in"`
	Refreshable   bool            `json:"refreshable"`
	AuthorizedAt  *time.Time      `json:"authorized_at"`
	ReauthorizeBy *time.Time      `json:"reauthorize_by"`
	RefusedAt     *time.Time      `json:"refused_at"` // since when it cannot be renewed
	Store         string          `json:"store"`
	Service       string          `json:"service"`      // empty: Spotify
	PausedUntil   *time.Time      `json:"paused_until"` // the Web API
	Problem       string          `json:"problem"`

	pause *adapter.PauseState
}

// user is the signed-in user, from the Web API's user object
// (https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile).
type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (f *flags) run(cmd *cobra.Command) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	st := &status{Profile: s.Profile.Value, Store: s.StoreName(), Service: s.Services().NotSpotifyName(), Scope: spotipie.Scopes{}}
	ctx, paused := cmd.Context(), pauses.New(s)
	verdict := sessions.UseQuietly(ctx, s, func(session spotipie.Session) error {
		var problem error
		if !f.offline {
			if err := paused.Mount(session); err != nil {
				return err
			}
			st.User, problem = ask(ctx, session)
			problem = explain.TokenRefused(s, problem)
		}
		if st.User == nil {
			st.User = knownUser(s)
		}
		if st.pause = paused.OfAPI(); st.pause != nil {
			st.PausedUntil = output.UTC(st.pause.Until)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return st.fill(s, session, problem)
	})
	st.ClientID = s.ClientID.Value
	var absent *failure.NotSignedInError
	if errors.As(verdict, &absent) {
		st.Problem, st.SignInNeeded = absent.Error(), true
	} else if !st.SignedIn {
		return verdict
	}
	show := st.text(s)
	if f.json {
		return errors.Join(output.WriteJSON(cmd, st), verdict)
	}
	if st.SignedIn {
		return errors.Join(output.Write(cmd, show), verdict)
	}
	return verdict
}

// knownUser returns the user whose name the last login has saved with the profile,
// or nil.
func knownUser(s *settings.Settings) *user {
	of := s.Config.Profiles[s.Profile.Value]
	if of.User == "" || of.ClientID != s.ClientID.Value || settings.ServicesOf(of) != s.Services() {
		return nil
	}
	return &user{Name: of.User}
}

// fill reads the status from the session. If the user has to sign in again, it
// returns why.
func (st *status) fill(s *settings.Settings, session spotipie.Session, problem error) error {
	rec, ok := session.Record()
	if !ok { // somebody has just signed out
		return &failure.NotSignedInError{Profile: s.Profile.Value, Login: s.LoginCommand()}
	}
	st.SignedIn = true
	st.Flow = session.Flow()
	st.Scope = append(st.Scope, rec.Token.Scope()...)
	st.ExpiresAt = output.UTC(rec.Token.ExpiresAt())
	st.ExpiresIn = int(time.Until(rec.Token.ExpiresAt()).Seconds())
	st.Refreshable = rec.Rejected == "" && (rec.Token.RefreshToken() != "" || st.Flow == spotipie.FlowClientCredentials)
	st.AuthorizedAt = output.UTC(session.AuthorizedAt())
	st.ReauthorizeBy = output.UTC(session.ReauthorizeBy())
	st.RefusedAt = output.UTC(rec.RejectedAt)
	// Without the client secret a refused access token does not mean that the user
	// has to sign in.
	refused := errors.Is(problem, spotipie.ErrReauthorizationRequired)
	if problem == nil || refused && rec.Rejected == "" && explain.LacksSecret(s) {
		problem = st.foresee(s, rec, sessions.Missing(session))
	}
	if problem == nil {
		return nil
	}
	problem = sessions.Explain(s, session, problem)
	st.Problem = failure.Plain(failure.WithoutHint(problem))
	st.SignInNeeded = failure.SignInNeeded(problem)
	var wrong *failure.UsageError
	if st.SignInNeeded || errors.As(problem, &wrong) && (refused || st.ExpiresIn <= 0) {
		return problem
	}
	return nil
}

// foresee returns why the token cannot be renewed, as far as that is known
// without a request.
func (st *status) foresee(s *settings.Settings, rec spotipie.Record, missing string) error {
	switch {
	case rec.Rejected != "":
		return spotipie.ErrReauthorizationRequired
	case missing != "":
		st.Refreshable = false
		return failure.Usage(s.Cmd, errors.New(missing))
	case !st.Refreshable && st.ExpiresIn <= 0:
		return spotipie.ErrNoRefreshToken
	case st.Refreshable && s.Confidential && s.Secret.Value == "":
		st.Refreshable = false
		return failure.Usage(s.Cmd, fmt.Errorf("the token cannot be renewed without the client secret, which is not set: set %s",
			s.Variable("CLIENT_SECRET")))
	}
	return nil
}

// Limits of the request for the user.
const (
	askTimeout = 10 * time.Second
	maxUser    = 64 << 10
)

// ask makes sure that the token is valid and, if a user signed in, gets the
// user.
func ask(ctx context.Context, session spotipie.Session) (*user, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if session.Flow() == spotipie.FlowClientCredentials {
		_, err := session.Token(ctx)
		return nil, err
	}
	resp, err := session.Request(ctx, http.MethodGet, "/v1/me", nil)
	if err != nil {
		return nil, err
	}
	if err := spotipie.CheckResponse(resp); err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var me struct {
		ID          string `json:"id"`
		DisplayName string `json:"display_name"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxUser)).Decode(&me); err != nil {
		return nil, errors.New("the Web API's answer about the user is not JSON")
	}
	return &user{ID: me.ID, Name: me.DisplayName}, nil
}
