package main

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// remember keeps with the profile what a later command needs to use its
// authorization: flow, client id, and where the store and the services are. The
// client secret, and a store's address with a password in it, stay where the
// user has put them.
func (s *settings) remember(ctx context.Context, flow spotipie.Flow) error {
	return config.Update(ctx, s.configPath, func(f *config.File) error {
		p := f.Profiles[s.Profile.value]
		p.Flow = string(flow)
		p.ClientID = s.ClientID.value
		p.Store, p.AccountsURL, p.APIURL, p.RedirectURI = "", "", "", ""
		if !hasPassword(s.Store.value) {
			p.Store = s.Store.value
		}
		if s.AccountsURL.value != spotipie.DefaultAccountsURL {
			p.AccountsURL = s.AccountsURL.value
		}
		if s.APIURL.value != spotipie.DefaultAPIURL {
			p.APIURL = s.APIURL.value
		}
		if s.RedirectURI.from != "" {
			p.RedirectURI = s.RedirectURI.value
		}
		if f.Profiles == nil {
			f.Profiles = map[string]config.Settings{}
		}
		f.Profiles[s.Profile.value] = p
		return nil
	})
}

func hasPassword(store string) bool {
	u, err := url.Parse(store)
	if err != nil {
		return true
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
