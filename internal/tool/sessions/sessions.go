// Package sessions opens the session of the authorization that the settings
// name, and closes it after everything is saved.
package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// closeTimeout is how long a session may take to save a rotated token before
// the program ends. It is longer than a token request that is tried again and the save
// of its token take.
const closeTimeout = 45 * time.Second

// Use runs use with the session of the authorization in the store. Afterwards
// it waits until a rotated token is saved. If the token cannot be renewed, it
// tells the user what is missing.
func Use(ctx context.Context, s *settings.Settings, use func(spotipie.Session) error) error {
	lacks := ""
	err := UseQuietly(ctx, s, func(session spotipie.Session) error {
		lacks = Missing(session)
		return use(session)
	})
	if err == nil && lacks != "" {
		s.Say("Note: %s.", lacks)
	}
	return err
}

// UseQuietly is Use for commands that tell the user themselves what is missing.
func UseQuietly(ctx context.Context, s *settings.Settings, use func(spotipie.Session) error) error {
	session, closeSession, err := open(ctx, s)
	if err != nil {
		return err
	}
	return Explain(s, session, errors.Join(use(session), closeSession(ctx)))
}

// open loads and returns the session of the authorization in the store.
// closeSession waits until a rotated token is saved, even when ctx has ended.
func open(ctx context.Context, s *settings.Settings) (session spotipie.Session, closeSession func(context.Context) error, err error) {
	store, closeStore, err := stores.Open(ctx, s, stores.Options{})
	if err != nil {
		return nil, nil, err
	}
	session, err = load(ctx, s, store)
	if err != nil {
		return nil, nil, explain.Error(s, errors.Join(err, closeStore()))
	}
	return session, func(ctx context.Context) error {
		return errors.Join(SaveAndClose(ctx, session), closeStore())
	}, nil
}

// SaveAndClose waits until a rotated token is saved, even when ctx has ended.
func SaveAndClose(ctx context.Context, session spotipie.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return session.Close(ctx)
}

func load(ctx context.Context, s *settings.Settings, store spotipie.Store) (spotipie.Session, error) {
	if err := ResolveClientID(ctx, s, store); err != nil {
		return nil, err
	}
	rec, found, err := store.Load(ctx, s.Key())
	if err != nil {
		return nil, stores.Failed(s, "reading", err)
	}
	if !found {
		return nil, NotSignedIn(ctx, s, store)
	}
	if problem, fix := s.ForeignService(); problem != "" {
		return nil, failure.Usage(s.Cmd, fmt.Errorf("%s: %s", problem, fix))
	}
	flow := FlowOf(s, rec)
	if flow == spotipie.FlowClientCredentials && s.Secret.Value == "" {
		return hold(ctx, s, rec)
	}
	session, err := ForStored(s, flow, store)
	if err != nil {
		return nil, err
	}
	if _, err := session.Load(interrupt.Unheard(ctx)); err != nil {
		return nil, err
	}
	return session, nil
}

// FlowOf returns the flow that a record came from. Older records do not name
// it.
func FlowOf(s *settings.Settings, rec spotipie.Record) spotipie.Flow {
	switch {
	case rec.Flow != "":
		return rec.Flow
	case s.Flow.Value != "":
		return spotipie.Flow(s.Flow.Value)
	}
	return GuessFlow(rec)
}

// GuessFlow derives the flow from the token of a record, if neither the record
// nor the settings name it.
func GuessFlow(rec spotipie.Record) spotipie.Flow {
	switch {
	case rec.Token != nil && rec.Token.RefreshToken() != "":
		return spotipie.FlowAuthorizationCode
	case rec.AuthorizedAt.IsZero() && rec.Token != nil && len(rec.Token.Scope()) == 0:
		return spotipie.FlowClientCredentials
	}
	return spotipie.FlowImplicitGrant
}

// New returns a session without a token, for a login.
func New(s *settings.Settings, flow spotipie.Flow, store spotipie.Store, scope spotipie.Scopes) (spotipie.Session, error) {
	opts := Options(s, store)
	opts.Scope = scope
	return newOf(s, flow, opts)
}

// ForStored returns a session for an authorization in the store. It ignores the
// redirect URI, which it does not need.
func ForStored(s *settings.Settings, flow spotipie.Flow, store spotipie.Store) (spotipie.Session, error) {
	opts := Options(s, store)
	opts.SkipRedirectURICheck = true
	return newOf(s, flow, opts)
}

// Options returns the options of a session with store, which may be nil.
func Options(s *settings.Settings, store spotipie.Store) *spotipie.Options {
	opts := &spotipie.Options{
		Store:       store,
		Profile:     s.Profile.Value,
		AccountsURL: s.AccountsURL.Value,
		APIURL:      s.APIURL.Value,
		// The settings have already been checked for each address.
		AllowPlainHTTP: s.NeedsPlainHTTP(),
	}
	if s.Debug != nil {
		opts.OnError = s.Debug.Failed
	}
	opts.Transport = interrupt.Awaitable(s.Cmd.Context(), s.Transport())
	return opts
}

func newOf(s *settings.Settings, flow spotipie.Flow, opts *spotipie.Options) (spotipie.Session, error) {
	creds := s.Credentials()
	switch flow {
	case spotipie.FlowClientCredentials:
		return spotipie.NewClientCredentialsSession(creds, opts)
	case spotipie.FlowImplicitGrant:
		return spotipie.NewImplicitGrantSession(creds, opts)
	}
	return spotipie.NewAuthorizationCodeSession(creds, opts)
}

// ResolveClientID takes the client id from the store if no setting has it and
// the store has the profile for only one app.
func ResolveClientID(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	if s.ClientID.Value != "" {
		return nil
	}
	keys, err := store.List(ctx)
	if err != nil && len(keys) == 0 {
		return stores.Failed(s, "reading", err)
	}
	var ids []string
	for _, key := range keys {
		if key.Profile == s.Profile.Value {
			ids = append(ids, key.ClientID)
		}
	}
	switch len(ids) {
	case 0:
		return NotSignedIn(ctx, s, store)
	case 1:
		s.ClientID = settings.Setting{Value: ids[0], From: "the store"}
		return nil
	}
	return failure.Usage(s.Cmd, fmt.Errorf("profile %q is signed in with %d apps: choose one by --client-id or %s_CLIENT_ID",
		s.Profile.Value, len(ids), s.EnvPrefix))
}

// NotSignedIn returns an error that says, if possible, why there is no
// authorization.
func NotSignedIn(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	e := &failure.NotSignedInError{Profile: s.Profile.Value, Login: s.LoginCommand()}
	if known := s.Config.Profiles[s.Profile.Value].ClientID; known != "" && known != s.ClientID.Value {
		e.Reason = fmt.Sprintf(" with the client id %s (%s): it was signed in with %s", s.ClientID.Value, s.ClientID.Origin(), known)
		return e
	}
	keys, err := store.List(ctx)
	if names := config.ProfileNames(keys); err == nil && len(names) > 0 && !slices.Contains(names, s.Profile.Value) {
		e.Reason = " (there are: " + strings.Join(names, ", ") + ")"
	}
	return e
}

// OtherApp fails if the profile is signed in with another app than the one that
// is set.
func OtherApp(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	keys, err := store.List(ctx)
	if err != nil && len(keys) == 0 {
		return stores.Failed(s, "reading", err)
	}
	for _, key := range keys {
		if key.Profile == s.Profile.Value && key.ClientID != s.ClientID.Value {
			return fmt.Errorf("profile %q is signed in with another app: use --client-id %s", key.Profile, key.ClientID)
		}
	}
	return nil
}
