package settings

import (
	"cmp"
	"context"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
)

// save keeps with the profile what a later command needs to use its
// authorization: flow, client id, and where the store and the services are. The
// client secret and the password of a store stay where the user has put them;
// that there are some is kept.
func (s *Settings) save(ctx context.Context, flow spotipie.Flow, user string, isNew bool) error {
	if of, ok := s.Config.Profiles[s.Profile.Value]; ok && s.kept(of, true, flow, user, isNew) == of {
		return nil // which a folder that is read-only allows
	}
	return config.Update(ctx, s.ConfigPath, func(f *config.File) error {
		of, known := f.Profiles[s.Profile.Value]
		if f.Profiles == nil {
			f.Profiles = map[string]config.Settings{}
		}
		f.Profiles[s.Profile.Value] = s.kept(of, known, flow, user, isNew)
		return nil
	})
}

// kept returns the settings of a profile as they are to be kept.
func (s *Settings) kept(p config.Settings, known bool, flow spotipie.Flow, user string, isNew bool) config.Settings {
	p.Flow, p.ClientID, p.User = string(flow), s.ClientID.Value, user
	if isNew || !known { // else the login that there was may need the secret
		p.Confidential = s.IsConfidential(flow)
	}
	p.Store, p.StorePassword = s.keptStore(p)
	p.AllowExposedStore = s.Exposed.IsOn()
	// A default that somebody has asked for counts: the config file may say
	// something else for all profiles.
	p.AccountsURL, p.APIURL, p.RedirectURI = s.AccountsURL.Given(), s.APIURL.Given(), s.RedirectURI.Given()
	p.AllowPlainHTTP = s.NeedsPlainHTTP()
	if spotipie.ValidateRedirectURI(p.RedirectURI) != nil {
		p.RedirectURI = "" // of an app that was registered long ago
	}
	return p
}

// Remember keeps the settings with the profile, and says what is not kept. The
// authorization is saved whether or not that can be done, so a failure is only
// told.
func (s *Settings) Remember(ctx context.Context, flow spotipie.Flow, user string, isNew bool) {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	if err := s.save(ctx, flow, user, isNew); err != nil {
		s.Say("Note: the settings are not kept for later commands, so give them again there: %s.", failure.Plain(err))
	}
	if _, lacking := s.keptStore(s.Config.Profiles[s.Profile.Value]); lacking {
		s.Say("Note: the store's password is not kept: later commands need %s too.", s.Variable("STORE"))
	}
	if inConfig := cmp.Or(s.Config.Profiles[s.Profile.Value].ClientSecret, s.Config.ClientSecret); s.Secret.Value != "" && inConfig == "" {
		with := ""
		if flag := s.prefixFlag(); flag != "" {
			with = ", and" + flag + " to look for it"
		}
		s.Say("Note: the client secret is not kept: later commands need %s too%s.", s.Variable("CLIENT_SECRET"), with)
	}
}

// keptStore is what to keep of the store's address in place of what a profile has,
// and whether its password is lacking then. What the user has written into the
// config file stays, with a password if there is one.
func (s *Settings) keptStore(of config.Settings) (address string, lacking bool) {
	has, kept := storeaddress.HasPassword(s.Store.Value), storeaddress.Kept(s.Store.Value)
	switch {
	case s.Store.Place == InProfile:
		return of.Store, of.StorePassword
	case s.Store.Place == inConfig && has:
		return "", false
	case has && storeaddress.Kept(of.Store) == kept:
		return of.Store, !storeaddress.HasPassword(of.Store)
	}
	return kept, has
}
