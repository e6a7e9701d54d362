package serve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/cli"
)

const (
	defaultRedirectURI = "http://127.0.0.1/callback"
	// maxTokenLifetime is far below any lifetime that a client may reject as
	// wrong.
	maxTokenLifetime = 365 * 24 * time.Hour
	// maxRequests limits the memory that the rate limits need.
	maxRequests = 1_000_000
)

// flags are the flags of serve.
type flags struct {
	addr          string
	clientID      string
	clientSecret  string
	redirectURIs  []string
	users         []string
	approve       bool
	rotate        bool
	rotateAll     bool
	legacy        bool
	tokenLifetime time.Duration
	rateLimit     int

	development         bool
	allowed             []string
	ownerWithoutPremium bool
	dailyQuota          int

	control bool
	log     bool
	json    bool
}

func (f *flags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8888", "loopback `HOST:PORT` to listen on; port 0 means any free one")
	flags.StringVar(&f.clientID, "client-id", "", "`ID` of the registered app (default: a new one)")
	flags.StringVar(&f.clientSecret, "client-secret", "",
		"`SECRET` of the app (default: a new one); \"\" for a public app, which must use PKCE")
	flags.StringArrayVar(&f.redirectURIs, "redirect-uri", nil,
		"`URI` the app may redirect to, repeatable (default: "+defaultRedirectURI+", any port)")
	flags.StringArrayVar(&f.users, "user", nil, "additional `USER` to log in as, premium and with an empty library; repeatable")
	flags.BoolVar(&f.approve, "approve", false, "agree to every request as ada, without a page")
	flags.BoolVar(&f.rotate, "rotate", false, "let refresh tokens of a public app work once, as at Spotify until 2026")
	flags.BoolVar(&f.rotateAll, "rotate-all", false, "let refresh tokens of every app work once, as other servers do")
	flags.BoolVar(&f.legacy, "legacy", false,
		"behave like Spotify before 2025-11-27: implicit grant, http and localhost redirect URIs, and the errors of that time")
	flags.DurationVar(&f.tokenLifetime, "token-lifetime", accounts.DefaultTokenLifetime,
		"lifetime of access tokens, a `DURATION` such as 30s")
	flags.IntVar(&f.rateLimit, "rate-limit", 0, "`NUMBER` of Web API requests in any 30 seconds; 0: no limit")

	flags.BoolVar(&f.development, "development", false,
		"treat the app as Spotify treats one in development mode since 2026: an allow list, fewer endpoints and fields")
	flags.StringArrayVar(&f.allowed, "allow", nil,
		"`USER` on the allow list of --development; repeatable, at most five (default: the first five)")
	flags.BoolVar(&f.ownerWithoutPremium, "owner-without-premium", false,
		"let the app's owner have no Premium, so that --development refuses every request")
	flags.IntVar(&f.dailyQuota, "daily-quota", 0,
		"`NUMBER` of Web API requests that --development allows in any 24 hours; 0: no limit")

	flags.BoolVar(&f.control, "control", false,
		"let programs on this machine move the clock, end tokens and prepare errors, with JSON to /_service/")
	flags.BoolVar(&f.log, "log", false, "show each request on stderr, without secrets")
	flags.BoolVar(&f.json, "json", false, "print the addresses and the app as one line of JSON")
}

// options returns the service's options that the flags describe.
func (f *flags) options(app accounts.App) (*accounts.Options, error) {
	if f.tokenLifetime < time.Second || f.tokenLifetime > maxTokenLifetime {
		return nil, fmt.Errorf("--token-lifetime %s: use a duration from 1s to %s", f.tokenLifetime, maxTokenLifetime)
	}
	if f.rateLimit < 0 || f.rateLimit > maxRequests {
		return nil, fmt.Errorf("--rate-limit %d: use a number from 0 to %d", f.rateLimit, maxRequests)
	}
	mode, err := f.developmentMode()
	if err != nil {
		return nil, err
	}
	opts := &accounts.Options{
		Apps:                   []accounts.App{app},
		TokenLifetime:          f.tokenLifetime,
		RotateRefreshTokens:    f.rotate,
		RotateAllRefreshTokens: f.rotateAll,
		AutoApprove:            f.approve,
		Legacy:                 f.legacy,
		RateLimit:              f.rateLimit,
		DevelopmentMode:        mode,
		Control:                f.control,
	}
	if len(f.users) > 0 {
		opts.Users = accounts.DefaultUsers()
		for _, id := range f.users {
			if !cli.Unreserved(id) || id == "" {
				return nil, fmt.Errorf("--user %q has other characters than letters, digits and - . _ ~", id)
			}
			opts.Users = append(opts.Users, accounts.User{ID: id, ImageURL: "/_service/pictures/" + id + ".png"})
		}
	}
	return opts, nil
}

// developmentMode is nil for extended quota mode.
func (f *flags) developmentMode() (*accounts.DevelopmentMode, error) {
	if !f.development {
		if len(f.allowed) > 0 || f.ownerWithoutPremium || f.dailyQuota != 0 {
			return nil, errors.New("--allow, --owner-without-premium and --daily-quota need --development")
		}
		return nil, nil
	}
	if f.legacy {
		return nil, errors.New("--legacy is Spotify before 2025-11-27 and --development since 2026: use only one of them")
	}
	if f.dailyQuota < 0 || f.dailyQuota > maxRequests {
		return nil, fmt.Errorf("--daily-quota %d: use a number from 0 to %d", f.dailyQuota, maxRequests)
	}
	return &accounts.DevelopmentMode{
		AllowedUsers: f.allowed, OwnerWithoutPremium: f.ownerWithoutPremium, DailyQuota: f.dailyQuota,
	}, nil
}

// withoutPackage rewords an error of package accounts for the user of the tool.
func withoutPackage(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "accounts: "))
}

// loopbackAddr checks an address to listen on. Anyone who can reach the service
// can sign in, so only this machine may reach it.
func loopbackAddr(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("--addr %q is not HOST:PORT, such as 127.0.0.1:8888", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("--addr %q: the port is not a number from 0 to 65535", addr)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() || ip.Zone() != "" {
		return "", fmt.Errorf("--addr %q is not a loopback address, and the service lets in anyone who can reach it: use 127.0.0.1:%s", addr, port)
	}
	return net.JoinHostPort(host, port), nil
}

// app is the app that the flags register. given tells which flags were given.
func (f *flags) app(given func(flag string) bool) (accounts.App, error) {
	app := accounts.App{
		ClientID: f.clientID, ClientSecret: f.clientSecret, Name: "Test app", RedirectURIs: f.redirectURIs,
	}
	if !given("client-id") {
		app.ClientID = randomHex()
	}
	if !given("client-secret") {
		app.ClientSecret = randomHex()
	}
	if len(app.RedirectURIs) == 0 {
		app.RedirectURIs = []string{defaultRedirectURI}
	}
	if app.ClientID == "" {
		return app, errors.New("--client-id is empty: leave it out to get a new one")
	}
	if !cli.Unreserved(app.ClientID) {
		return app, fmt.Errorf("--client-id %q has other characters than letters, digits and - . _ ~", app.ClientID)
	}
	if !cli.Unreserved(app.ClientSecret) {
		return app, errors.New("--client-secret has other characters than letters, digits and - . _ ~")
	}
	for _, uri := range app.RedirectURIs {
		if err := f.checkRedirectURI(uri); err != nil {
			return app, err
		}
	}
	return app, nil
}

// checkRedirectURI checks a redirect URI, first with the library, whose errors
// suggest a better one. With --legacy only the service checks it, which accepts
// more.
func (f *flags) checkRedirectURI(uri string) error {
	if !f.legacy {
		if err := spotipie.ValidateRedirectURI(uri); err != nil {
			return err
		}
	}
	_, err := accounts.New(&accounts.Options{
		Apps: []accounts.App{{ClientID: "any", RedirectURIs: []string{uri}}},
	})
	if reason := errors.Unwrap(err); reason != nil {
		return reason // without the client id, which does not matter here
	}
	return err
}
