package main

import (
	"cmp"
	"context"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
)

// remember keeps with the profile what a later command needs to use its
// authorization: flow, client id, and where the store and the services are. The
// client secret and the password of a store stay where the user has put them;
// that there are some is kept.
func (s *settings) remember(ctx context.Context, flow spotipie.Flow, user string, isNew bool) error {
	if of, ok := s.config.Profiles[s.Profile.value]; ok && s.kept(of, true, flow, user, isNew) == of {
		return nil // which a folder that is read-only allows
	}
	return config.Update(ctx, s.configPath, func(f *config.File) error {
		of, known := f.Profiles[s.Profile.value]
		if f.Profiles == nil {
			f.Profiles = map[string]config.Settings{}
		}
		f.Profiles[s.Profile.value] = s.kept(of, known, flow, user, isNew)
		return nil
	})
}

// kept returns the settings of a profile as they are to be kept.
func (s *settings) kept(p config.Settings, known bool, flow spotipie.Flow, user string, isNew bool) config.Settings {
	p.Flow, p.ClientID, p.User = string(flow), s.ClientID.value, user
	if isNew || !known { // else the login that there was may need the secret
		p.Confidential = s.isConfidential(flow)
	}
	p.Store, p.StorePassword = s.keptStore(p)
	p.AllowExposedStore = s.exposed.isOn()
	// A default that somebody has asked for counts: the config file may say
	// something else for all profiles.
	p.AccountsURL, p.APIURL, p.RedirectURI = s.AccountsURL.given(), s.APIURL.given(), s.RedirectURI.given()
	p.AllowPlainHTTP = s.needsPlainHTTP()
	if spotipie.ValidateRedirectURI(p.RedirectURI) != nil {
		p.RedirectURI = "" // of an app that was registered long ago
	}
	return p
}

// remembered keeps the settings with the profile, and says what is not kept. The
// authorization is saved whether or not that can be done, so a failure is only
// told.
func (s *settings) remembered(ctx context.Context, flow spotipie.Flow, user string, isNew bool) {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	if err := s.remember(ctx, flow, user, isNew); err != nil {
		s.sayWrapped("Note: the settings are not kept for later commands, so give them again there: %s.", failure.Plain(err))
	}
	if _, lacking := s.keptStore(s.config.Profiles[s.Profile.value]); lacking {
		s.sayWrapped("Note: the store's password is not kept: later commands need %s too.", s.variable("STORE"))
	}
	if inConfig := cmp.Or(s.config.Profiles[s.Profile.value].ClientSecret, s.config.ClientSecret); s.secret.value != "" && inConfig == "" {
		s.sayWrapped("Note: the client secret is not kept: later commands need %s too.", s.variable("CLIENT_SECRET"))
	}
}

// keptStore is what to keep of the store's address in place of what a profile has,
// and whether its password is lacking then. What the user has written into the
// config file stays, with a password if there is one.
func (s *settings) keptStore(of config.Settings) (address string, lacking bool) {
	has, kept := storeaddress.HasPassword(s.Store.value), storeaddress.Kept(s.Store.value)
	switch {
	case s.Store.place == inProfile:
		return of.Store, of.StorePassword
	case s.Store.place == inConfig && has:
		return "", false
	case has && storeaddress.Kept(of.Store) == kept:
		return of.Store, !storeaddress.HasPassword(of.Store)
	}
	return kept, has
}
