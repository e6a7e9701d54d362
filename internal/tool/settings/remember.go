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

// save writes into the profile what later commands need to use its
// authorization: flow, client id, and the addresses of the store and the
// services. It does not write the client secret or the password of a store,
// only that there is one.
func (s *Settings) save(ctx context.Context, flow spotipie.Flow, user string, isNew bool) error {
	if of, ok := s.Config.Profiles[s.Profile.Value]; ok && s.kept(of, true, flow, user, isNew) == of {
		return nil // works in a read-only folder too
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

// kept returns the settings of a profile in the form in which they are saved.
func (s *Settings) kept(p config.Settings, known bool, flow spotipie.Flow, user string, isNew bool) config.Settings {
	p.Flow, p.ClientID = string(flow), s.ClientID.Value
	if user != "" || isNew || !known { // otherwise only the answer about the user is missing
		p.User = user
	}
	if isNew || !known { // otherwise the existing login may need the secret
		p.Confidential = s.IsConfidential(flow)
	}
	p.Store, p.StorePassword = s.keptStore(p)
	p.AllowExposedStore = s.Exposed.IsOn()
	// Save a default too if the user has set it explicitly: the config file may
	// have another value for all profiles.
	p.AccountsURL, p.APIURL, p.RedirectURI = s.AccountsURL.Given(), s.APIURL.Given(), s.RedirectURI.Given()
	p.AllowPlainHTTP = s.NeedsPlainHTTP()
	if spotipie.ValidateRedirectURI(p.RedirectURI) != nil {
		p.RedirectURI = "" // the app may have been registered long ago
	}
	return p
}

// Remember saves the settings with the profile, and tells the user what is not
// saved. The authorization has been saved already, so Remember only reports an
// error.
func (s *Settings) Remember(ctx context.Context, flow spotipie.Flow, user string, isNew bool) {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	if err := s.save(ctx, flow, user, isNew); err != nil {
		s.Say("Note: the settings are not saved, so later commands need them again: %s.", failure.Plain(err))
	}
	if _, lacking := s.keptStore(s.Config.Profiles[s.Profile.Value]); lacking {
		s.Say("Note: the store's password is not saved: later commands need %s too.", s.variableOf(s.Store, "STORE"))
	}
	if inConfig := cmp.Or(s.Config.Profiles[s.Profile.Value].ClientSecret, s.Config.ClientSecret); s.Secret.Value != "" && inConfig == "" {
		with := ""
		if flag := s.prefixFlag(); flag != "" {
			with = ", and" + flag + " to find it"
		}
		s.Say("Note: the client secret is not saved: later commands need %s too%s.", s.variableOf(s.Secret, "CLIENT_SECRET"), with)
	}
}

// keptStore returns the store's address as it is saved in the profile, and
// whether a password was left out. An address that the user has written into
// the config file stays, with its password if it has one.
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
