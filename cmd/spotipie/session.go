package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
)

// closeTimeout is how long a session may take to save a rotated token before
// the program ends. It is more than a renewal and the save after it need.
const closeTimeout = 30 * time.Second

// withSession runs use with the session of the authorization in the store.
// Afterwards it waits until a token that was rotated is saved. It says what will
// be missing when the token ends.
func (s *Settings) withSession(ctx context.Context, use func(spotipie.Session) error) error {
	lacks := ""
	err := s.withSessionAlone(ctx, func(session spotipie.Session) error {
		lacks = Missing(session)
		return use(session)
	})
	if err == nil && lacks != "" {
		s.Say("Note: %s.", lacks)
	}
	return err
}

// withSessionAlone is withSession for commands that say themselves what will be
// missing.
func (s *Settings) withSessionAlone(ctx context.Context, use func(spotipie.Session) error) error {
	session, closeSession, err := s.openSession(ctx)
	if err != nil {
		return err
	}
	return s.explainOf(session, errors.Join(use(session), closeSession(ctx)))
}

// openSession returns the session of the authorization in the store, loaded.
// closeSession waits until a token that was rotated is saved, also when ctx has
// ended.
func (s *Settings) openSession(ctx context.Context) (session spotipie.Session, closeSession func(context.Context) error, err error) {
	store, closeStore, err := s.openStore(ctx)
	if err != nil {
		return nil, nil, err
	}
	session, err = s.load(ctx, store)
	if err != nil {
		return nil, nil, s.explain(errors.Join(err, closeStore()))
	}
	return session, func(ctx context.Context) error {
		return errors.Join(SaveAndClose(ctx, session), closeStore())
	}, nil
}

// SaveAndClose waits until a token that was rotated is saved, also when ctx has
// ended.
func SaveAndClose(ctx context.Context, session spotipie.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return session.Close(ctx)
}

func (s *Settings) load(ctx context.Context, store spotipie.Store) (spotipie.Session, error) {
	if err := s.resolveClientID(ctx, store); err != nil {
		return nil, err
	}
	rec, found, err := store.Load(ctx, s.Key())
	if err != nil {
		return nil, s.storeFailed("reading", err)
	}
	if !found {
		return nil, s.notSignedIn(ctx, store)
	}
	flow := s.flowOf(rec)
	if flow == spotipie.FlowClientCredentials && s.Secret.Value == "" {
		return s.hold(ctx, rec)
	}
	session, err := s.newSessionFor(flow, store)
	if err != nil {
		return nil, err
	}
	if _, err := session.Load(ctx); err != nil {
		return nil, err
	}
	return session, nil
}

// flowOf tells which flow a record came from. Older ones do not say so.
func (s *Settings) flowOf(rec spotipie.Record) spotipie.Flow {
	switch {
	case rec.Flow != "":
		return rec.Flow
	case s.Flow.Value != "":
		return spotipie.Flow(s.Flow.Value)
	}
	return GuessFlow(rec)
}

// GuessFlow tells by the token of a record which flow it came from, for one that
// neither it nor the settings name.
func GuessFlow(rec spotipie.Record) spotipie.Flow {
	switch {
	case rec.Token != nil && rec.Token.RefreshToken() != "":
		return spotipie.FlowAuthorizationCode
	case rec.AuthorizedAt.IsZero() && rec.Token != nil && len(rec.Token.Scope()) == 0:
		return spotipie.FlowClientCredentials
	}
	return spotipie.FlowImplicitGrant
}

// newSession returns a session without a token, for a login.
func (s *Settings) newSession(flow spotipie.Flow, store spotipie.Store, scope spotipie.Scopes) (spotipie.Session, error) {
	opts := s.options(store)
	opts.Scope = scope
	return s.makeSession(flow, opts)
}

// newSessionFor returns a session for an authorization that the store has. It
// needs no redirect URI, so none is refused.
func (s *Settings) newSessionFor(flow spotipie.Flow, store spotipie.Store) (spotipie.Session, error) {
	opts := s.options(store)
	opts.SkipRedirectURICheck = true
	return s.makeSession(flow, opts)
}

func (s *Settings) options(store spotipie.Store) *spotipie.Options {
	opts := &spotipie.Options{
		Store:       store,
		Profile:     s.Profile.Value,
		AccountsURL: s.AccountsURL.Value,
		APIURL:      s.APIURL.Value,
		// The settings have been checked for each address.
		AllowPlainHTTP: s.NeedsPlainHTTP(),
	}
	if s.Debug != nil {
		opts.OnError = s.Debug.Failed
	}
	opts.Transport = interrupt.Awaitable(s.Cmd.Context(), s.Transport())
	return opts
}

func (s *Settings) makeSession(flow spotipie.Flow, opts *spotipie.Options) (spotipie.Session, error) {
	creds := s.Credentials()
	switch flow {
	case spotipie.FlowClientCredentials:
		return spotipie.NewClientCredentialsSession(creds, opts)
	case spotipie.FlowImplicitGrant:
		return spotipie.NewImplicitGrantSession(creds, opts)
	}
	return spotipie.NewAuthorizationCodeSession(creds, opts)
}

// resolveClientID takes the client id from the store if nothing sets it and the
// store has the profile for one app only.
func (s *Settings) resolveClientID(ctx context.Context, store spotipie.Store) error {
	if s.ClientID.Value != "" {
		return nil
	}
	keys, err := store.List(ctx)
	if err != nil && len(keys) == 0 {
		return s.storeFailed("reading", err)
	}
	var ids []string
	for _, key := range keys {
		if key.Profile == s.Profile.Value {
			ids = append(ids, key.ClientID)
		}
	}
	switch len(ids) {
	case 0:
		return s.notSignedIn(ctx, store)
	case 1:
		s.ClientID = Setting{Value: ids[0], From: "the store"}
		return nil
	}
	return failure.Usage(s.Cmd, fmt.Errorf("profile %q is signed in with %d apps: choose one by --client-id or %s_CLIENT_ID",
		s.Profile.Value, len(ids), s.EnvPrefix))
}

// notSignedIn says why there is nothing, if that can be told.
func (s *Settings) notSignedIn(ctx context.Context, store spotipie.Store) error {
	e := &failure.NotSignedInError{Profile: s.Profile.Value, Login: s.LoginCommand()}
	if known := s.Config.Profiles[s.Profile.Value].ClientID; known != "" && known != s.ClientID.Value {
		e.Reason = fmt.Sprintf(" with the client id %s (%s): it was signed in with %s", s.ClientID.Value, s.ClientID.Origin(), known)
		return e
	}
	keys, err := store.List(ctx)
	if names := ProfileNames(keys); err == nil && len(names) > 0 && !slices.Contains(names, s.Profile.Value) {
		e.Reason = " (there are: " + strings.Join(names, ", ") + ")"
	}
	return e
}

// otherApp fails if the profile is signed in, but with another app than is set.
func (s *Settings) otherApp(ctx context.Context, store spotipie.Store) error {
	keys, err := store.List(ctx)
	if err != nil && len(keys) == 0 {
		return s.storeFailed("reading", err)
	}
	for _, key := range keys {
		if key.Profile == s.Profile.Value && key.ClientID != s.ClientID.Value {
			return fmt.Errorf("profile %q is signed in with another app: say --client-id %s", key.Profile, key.ClientID)
		}
	}
	return nil
}
