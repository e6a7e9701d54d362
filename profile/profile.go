// Package profile lets a Go program use the logins that the tool spotipie has made
// with `spotipie login`. It takes the name of a profile and returns a session.
//
//	session, err := profile.Open(ctx, "work", nil)
//	if err != nil {
//		return err // says which command to run
//	}
//	defer session.Close(ctx)
//
// The session shares the authorization with the tool and with every other
// program that has it open: when one of them renews the token, all get it.
package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/envsecret"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/keyringstore"
	"github.com/spotipie/spotipie/login"
)

// Options adjust [Open]. Nil and the zero value mean the defaults named here.
type Options struct {
	// Session are settings for the session. The profile's own settings (store,
	// profile, addresses) replace them. The scopes are only for a later login.
	// Default: none.
	Session *spotipie.Options
	// ClientSecret is the app's secret, for profiles that were signed in with
	// it; the tool does not keep it. Default: SPOTIPIE_CLIENT_SECRET, the
	// content of the file that SPOTIPIE_CLIENT_SECRET_FILE names, or the
	// secret in the config file.
	ClientSecret string
	// OpenStore opens a store with a server, by an address such as
	// redis://127.0.0.1:6379/0 or postgres://app@127.0.0.1/app, so that only
	// programs that need a driver include one. The program closes the store
	// itself. Default: a profile with such a store is an error.
	OpenStore func(ctx context.Context, address string) (spotipie.Store, error)
}

// Open returns the session of a profile, with its token loaded. An empty name
// means the profile that the tool would use: SPOTIPIE_PROFILE, the one chosen
// by `spotipie profiles default`, or "default". Close the session when you no
// longer need it.
//
// It is a [*spotipie.AuthorizationCodeSession], a
// [*spotipie.ClientCredentialsSession] or a [*spotipie.ImplicitGrantSession].
// Errors: one that wraps [spotipie.ErrNotAuthorized] and names the command to run
// if nobody is signed in; one that names the client secret if the token has expired
// and the secret is missing; those of the config file, of the store and of the
// session.
func Open(ctx context.Context, name string, opts *Options) (spotipie.Session, error) {
	p, err := read(ctx, name, opts)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	session, err := p.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", p.name, err)
	}
	return session, nil
}

// profile is what the config file says about a profile.
type profile struct {
	name   string
	folder string // of the config file
	config.Settings
	opts Options
}

func read(ctx context.Context, name string, opts *Options) (*profile, error) {
	path, err := config.DefaultPath()
	if err != nil {
		return nil, err
	}
	file, err := config.Read(path)
	if err != nil {
		return nil, err
	}
	p := &profile{name: cmp.Or(name, envsecret.Value("SPOTIPIE_PROFILE"), file.Profile, "default"), folder: filepath.Dir(path)}
	if opts != nil {
		p.opts = *opts
	}
	if err := keepToSpotify(file.Profiles[p.name], file.Settings); err != nil {
		return nil, fmt.Errorf("%q: %w", p.name, err)
	}
	p.Settings = merged(file.Profiles[p.name], file.Settings)
	p.ClientID = cmp.Or(p.ClientID, envsecret.Value("SPOTIPIE_CLIENT_ID"))
	if p.opts.ClientSecret != "" {
		p.ClientSecret = p.opts.ClientSecret
		return p, nil
	}
	secret, _, err := envsecret.Lookup(ctx, "SPOTIPIE_CLIENT_SECRET")
	p.ClientSecret = cmp.Or(secret, p.ClientSecret)
	return p, err
}

// keepToSpotify returns an error if a profile was signed in at Spotify, whose addresses
// the tool does not save, and the top of the file names another service.
func keepToSpotify(p, top config.Settings) error {
	other := cmp.Or(strings.TrimRight(top.AccountsURL, "/"), spotipie.DefaultAccountsURL)
	if other == spotipie.DefaultAccountsURL {
		other = cmp.Or(strings.TrimRight(top.APIURL, "/"), spotipie.DefaultAPIURL)
	}
	if p.Flow == "" || p.AccountsURL != "" || p.APIURL != "" || other == spotipie.DefaultAccountsURL || other == spotipie.DefaultAPIURL {
		return nil
	}
	return fmt.Errorf("it was signed in at Spotify, and the config file names %s for all profiles, which must not get its tokens: "+
		"remove that, or set accounts_url and api_url in the profile", other)
}

// merged returns the settings of a profile; for those that it does not have,
// the settings at the top of the file.
func merged(p, top config.Settings) config.Settings {
	if p.AccountsURL == "" && p.APIURL == "" { // they belong together
		p.AccountsURL, p.APIURL, p.AllowPlainHTTP = top.AccountsURL, top.APIURL, p.AllowPlainHTTP || top.AllowPlainHTTP
	}
	if p.APIURL == "" && p.AccountsURL != spotipie.DefaultAccountsURL {
		p.APIURL = p.AccountsURL
	}
	p.ClientID = cmp.Or(p.ClientID, top.ClientID)
	p.ClientSecret = cmp.Or(p.ClientSecret, top.ClientSecret)
	p.Flow = cmp.Or(p.Flow, top.Flow)
	if p.Store == "" {
		p.Store, p.AllowExposedStore = top.Store, p.AllowExposedStore || top.AllowExposedStore
	}
	return p
}

func (p *profile) open(ctx context.Context) (spotipie.Session, error) {
	store, err := p.openStore(ctx)
	if err != nil {
		return nil, err
	}
	rec, found, err := p.load(ctx, store)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &notSignedInError{login: "spotipie login" + p.flag(), others: profilesIn(ctx, store)}
	}
	if p.Confidential && p.ClientSecret == "" && rec.Token.IsExpiredAt(p.now(), spotipie.DefaultExpiryMargin) {
		return nil, errors.New("its token has expired, and Spotify renews it only with the app's client secret: " +
			"set SPOTIPIE_CLIENT_SECRET, or Options.ClientSecret")
	}
	session, err := p.session(store, cmp.Or(rec.Flow, spotipie.Flow(p.Flow), spotipie.FlowAuthorizationCode))
	if err != nil {
		return nil, err
	}
	if _, err := session.Load(ctx); err != nil {
		return nil, errors.Join(err, session.Close(ctx))
	}
	return session, nil
}

func (p *profile) now() time.Time {
	if s := p.opts.Session; s != nil && s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// load finds the record, only by its profile if no client id is known.
func (p *profile) load(ctx context.Context, store spotipie.Store) (rec spotipie.Record, found bool, err error) {
	if p.ClientID == "" {
		keys, err := store.List(ctx)
		if err != nil {
			return rec, false, fmt.Errorf("listing the store: %w", err)
		}
		for _, key := range keys {
			switch {
			case key.Profile != p.name:
			case p.ClientID != "":
				return rec, false, errors.New("it is signed in with several apps: set SPOTIPIE_CLIENT_ID to choose one")
			default:
				p.ClientID = key.ClientID
			}
		}
		if p.ClientID == "" {
			return rec, false, nil
		}
	}
	rec, found, err = store.Load(ctx, spotipie.Key{ClientID: p.ClientID, Profile: p.name})
	if err != nil {
		err = fmt.Errorf("reading the store: %w", err)
	}
	return rec, found, err
}

func (p *profile) session(store spotipie.Store, flow spotipie.Flow) (spotipie.Session, error) {
	opts := &spotipie.Options{}
	if p.opts.Session != nil {
		*opts = *p.opts.Session
	}
	opts.Store, opts.Profile = store, p.name
	opts.AccountsURL, opts.APIURL, opts.AllowPlainHTTP = p.AccountsURL, p.APIURL, p.AllowPlainHTTP
	creds := spotipie.Credentials{ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURI: p.RedirectURI}
	if spotipie.ValidateRedirectURI(creds.RedirectURI) != nil { // only a login needs one
		creds.RedirectURI = login.DefaultRedirectURI
	}
	switch {
	case flow == spotipie.FlowClientCredentials && creds.ClientSecret == "":
		return nil, errors.New("it is the app itself, which needs its client secret: set SPOTIPIE_CLIENT_SECRET, or Options.ClientSecret")
	case flow == spotipie.FlowClientCredentials:
		return spotipie.NewClientCredentialsSession(creds, opts)
	case flow == spotipie.FlowImplicitGrant:
		return spotipie.NewImplicitGrantSession(creds, opts)
	}
	return spotipie.NewAuthorizationCodeSession(creds, opts)
}

func (p *profile) openStore(ctx context.Context) (spotipie.Store, error) {
	kind, dir, _ := strings.Cut(p.Store, ":")
	if dir != "" && !filepath.IsAbs(dir) && !storeaddress.HasServer(p.Store) {
		dir = filepath.Join(p.folder, dir)
	}
	switch {
	case p.Store == "", kind == storeaddress.File:
		return filestore.Open(dir, &filestore.Options{AllowExposed: p.AllowExposedStore})
	case kind == storeaddress.Keyring:
		return keyringstore.Open(ctx, dir, nil)
	case p.opts.OpenStore == nil:
		return nil, fmt.Errorf("it is in %s: set Options.OpenStore to open that store", storeaddress.Redacted(p.Store))
	}
	address := p.Store
	if p.StorePassword {
		given, _, err := envsecret.Lookup(ctx, "SPOTIPIE_STORE")
		if err != nil {
			return nil, err
		}
		if storeaddress.Kept(given) == address {
			address = given // with the password, which the tool does not save
		}
	}
	return p.opts.OpenStore(ctx, address)
}

func (p *profile) flag() string {
	if p.name == "default" {
		return ""
	}
	return fmt.Sprintf(" --profile %q", p.name)
}
