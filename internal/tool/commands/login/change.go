package login

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// mayChange asks before a login changes a profile that is signed in to another
// app or service, or to using the secret or not. If both services are for
// practice it tells the user and goes on.
func (f *flags) mayChange(ctx context.Context, s *settings.Settings, flow spotipie.Flow) error {
	of := s.Config.Profiles[s.Profile.Value]
	changes := changesOf(s, of, flow)
	if len(changes) == 0 {
		return nil
	}
	text := fmt.Sprintf("This login changes profile %q: %s.", s.Profile.Value, strings.Join(changes, "; "))
	practice := settings.ServicesOf(of).IsPractice() && s.Services().IsPractice()
	if settings.ServicesOf(of) != s.Services() && !practice {
		f.forceDialog = true // the other service must not get the token that there is
	}
	switch {
	case !wasSignedIn(ctx, s, of): // written by hand, or signed out
		return nil
	case f.yes, practice:
		s.Say("%s", text)
		return nil
	case !cli.CanAsk(s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr()):
		return failure.Usage(s.Cmd, fmt.Errorf("this would change profile %q: %s: choose another with --profile NAME, or use --yes to change it",
			s.Profile.Value, strings.Join(changes, "; ")))
	}
	s.Say("%s", text)
	sure, err := cli.Confirm(ctx, s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr(), "Change it? (--profile NAME makes a new one)")
	if err == nil && !sure {
		err = errors.New("nothing was changed")
	}
	return err
}

// wasSignedIn reports whether a profile has a login that would be lost. It
// assumes so if the store does not answer.
func wasSignedIn(ctx context.Context, s *settings.Settings, of config.Settings) bool {
	own, err := settings.OfProfile(s.Cmd, s.Profile.Value)
	if err != nil {
		return true
	}
	found := false
	err = stores.Use(ctx, own, func(store spotipie.Store) error {
		_, found, err = store.Load(ctx, spotipie.Key{ClientID: of.ClientID, Profile: s.Profile.Value})
		return err
	})
	return found || err != nil
}

// changesOf says what a login would change in a profile that is signed in.
func changesOf(s *settings.Settings, of config.Settings, flow spotipie.Flow) []string {
	if of.Flow == "" || of.ClientID == "" {
		return nil
	}
	var changes []string
	differs := func(what, from, to string) {
		if from != to {
			changes = append(changes, fmt.Sprintf("%s from %s to %s", what, from, to))
		}
	}
	differs("the service", settings.ServicesOf(of).Name(), s.Services().Name())
	differs("the client id", of.ClientID, s.ClientID.Value)
	differs("the flow", of.Flow, string(flow))
	switch confidential := s.IsConfidential(flow); {
	case flow == spotipie.FlowImplicitGrant || of.Flow == string(spotipie.FlowImplicitGrant):
	case of.Confidential && !confidential:
		changes = append(changes, "it was signed in with the client secret, which is not set now")
	case !of.Confidential && confidential:
		changes = append(changes, "it was signed in without the client secret, which is set now")
	}
	return changes
}
