package accounts

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Defaults of [Options], from Spotify's documentation where it has them.
const (
	DefaultTokenLifetime = time.Hour        // "valid for 1 hour", concepts/access-token
	DefaultCodeLifetime  = 10 * time.Minute // not documented; the maximum of RFC 6749 section 4.1.2
	refreshTokenMonths   = 6                // tutorials/refreshing-tokens
)

// Options are the settings of a [Service]. A nil *Options and the zero value
// mean one generated app, two users, and Spotify's current behaviour.
type Options struct {
	// Apps are the registered apps. Default: one app with a random client id
	// and secret and the redirect URIs http://127.0.0.1/callback and
	// http://[::1]/callback, which match on any port; see [Service.Apps].
	Apps []App

	// Users are the accounts that can log in. Default: "ada" (premium) and
	// "grace" (free), see [DefaultUsers].
	Users []User

	// Now is the clock. Default: time.Now. [Service.Advance] moves the
	// service's time forward from whatever this returns. It must be safe for
	// concurrent use.
	Now func() time.Time

	// TokenLifetime is how long an access token lives. Default: one hour. The
	// answer's expires_in counts whole seconds, rounded down.
	TokenLifetime time.Duration

	// CodeLifetime is how long an authorization code may be exchanged.
	// Default: 10 minutes.
	CodeLifetime time.Duration

	// RefreshTokenLifetime is how long a refresh token lives, counted from the
	// user's authorization; refreshing never extends it. Default: six calendar
	// months.
	RefreshTokenLifetime time.Duration

	// RotateRefreshTokens makes the refresh tokens of clients without a secret
	// single use, as Spotify did for PKCE until mid 2026: each refresh returns
	// a new one, and using an old one again revokes the whole grant ("Refresh
	// token revoked"). Off, as Spotify is today: a refresh answer has no
	// refresh_token and the old one stays valid.
	RotateRefreshTokens bool

	// RotateAllRefreshTokens does the same for every client, as other
	// authorization servers do. Spotify has never done this.
	RotateAllRefreshTokens bool

	// DevelopmentMode puts all apps in development mode. Default: extended quota
	// mode, which has every endpoint and field.
	DevelopmentMode *DevelopmentMode

	// RateLimit is how many requests of the Web API an app may make, with all
	// its users together, in any 30 seconds. Further requests are refused with
	// 429 and Retry-After
	// (https://developer.spotify.com/documentation/web-api/concepts/rate-limits).
	// Spotify does not publish its number. Default: 0, no limit.
	RateLimit int

	// AutoApprove agrees to every consent as the first user, and shows no page;
	// see [Service.AutoApproveAs] and [Service.DenyNext].
	AutoApprove bool

	// Logger gets one line for each request: its method and path, the app and
	// the user if they are known, the fault, the status, and why it was
	// refused. It never gets a query, a body, a token, a code or a secret.
	// Default: none.
	Logger *slog.Logger

	// Control lets programs in other languages call the methods of [Service] by
	// HTTP: JSON to /_service/advance, /_service/faults and so on. The programs
	// must run on this machine and not be pages in a browser: a request must
	// come from a loopback address, its Host must be one too or localhost, and
	// it must have no Origin. Default: off, since such a request can log in as
	// anyone.
	Control bool

	// Legacy makes the service behave like Spotify until 2025-11-27: the
	// implicit grant works, http and localhost redirect URIs are allowed, and
	// errors have the texts of that time. For the Web API's 401 those are the
	// texts until July 2026.
	Legacy bool
}

// App is a registered app. Printing one with fmt or slog shows only whether
// there is a secret, and its JSON has no secret.
type App struct {
	// ClientID names the app. Required.
	ClientID string

	// ClientSecret is empty for a public app, which must use PKCE.
	ClientSecret string `json:"-"`

	// Name is what the consent page calls the app. Default: the client id.
	Name string

	// Developer is the account that owns the app. In development mode the apps
	// of one developer share a quota; see [DevelopmentMode.DailyQuota]. Apps
	// without a developer also share one.
	Developer string

	// RedirectURIs are compared as exact strings, but one with a loopback IP
	// literal and no port (http://127.0.0.1/callback) matches any port. An http
	// or localhost URI can be registered, but using it fails unless
	// [Options.Legacy] is on.
	RedirectURIs []string
}

// Format prints the app without its secret, whatever the verb.
func (a App) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "App{ClientID:%q Name:%q RedirectURIs:%q ClientSecret:%s}",
		a.ClientID, a.Name, a.RedirectURIs, a.secretState())
}

// LogValue returns the app without its secret.
func (a App) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("client_id", a.ClientID),
		slog.String("name", a.Name),
		slog.Any("redirect_uris", a.RedirectURIs),
		slog.String("client_secret", a.secretState()),
	)
}

func (a App) secretState() string {
	if a.ClientSecret == "" {
		return "[none]"
	}
	return "[redacted]"
}

// User is an account that can log in. GET /v1/me answers with these fields;
// some need a scope.
type User struct {
	ID          string // required, unique
	DisplayName string // default: the ID
	Email       string
	Country     string // ISO 3166-1 alpha-2; default "SE"
	Product     string // "premium" or "free"; default "premium"

	// AccountID never changes, even if the ID does. Default: made from the ID.
	AccountID string

	// ImageURL is the address of a profile picture. Default: no picture. A path
	// is at the service itself, which has a picture for each user, such as
	// "/_service/pictures/ada.png".
	ImageURL string

	// SavedTracks is how many tracks the user's library has at first, at most
	// 144. Each user has different tracks. Default: none, as for a new user.
	SavedTracks int
}

func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.TokenLifetime == 0 {
		opts.TokenLifetime = DefaultTokenLifetime
	}
	if opts.CodeLifetime == 0 {
		opts.CodeLifetime = DefaultCodeLifetime
	}
	if opts.TokenLifetime < 0 || opts.CodeLifetime < 0 || opts.RefreshTokenLifetime < 0 {
		return opts, errors.New("accounts: a lifetime is negative")
	}
	var err error
	if opts.Apps, err = checkedApps(opts.Apps); err != nil {
		return opts, err
	}
	if opts.Users, err = checkedUsers(opts.Users); err != nil {
		return opts, err
	}
	if opts.RateLimit < 0 {
		return opts, fmt.Errorf("accounts: the rate limit %d is negative", opts.RateLimit)
	}
	opts.DevelopmentMode, err = opts.DevelopmentMode.checked(opts.Users, opts.Apps)
	return opts, err
}

func checkedApps(given []App) ([]App, error) {
	if len(given) == 0 {
		given = []App{{
			ClientID:     randomHex(16),
			ClientSecret: randomHex(16),
			Name:         "Test app",
			RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback"},
		}}
	}
	apps := make([]App, len(given))
	seen := make(map[string]bool)
	for i, app := range given {
		if app.ClientID == "" {
			return nil, fmt.Errorf("accounts: app %d has no client id", i)
		}
		if seen[app.ClientID] {
			return nil, fmt.Errorf("accounts: two apps have the client id %q", app.ClientID)
		}
		seen[app.ClientID] = true
		for _, uri := range app.RedirectURIs {
			if err := checkRedirectURI(uri); err != nil {
				return nil, fmt.Errorf("accounts: app %q: %w", app.ClientID, err)
			}
		}
		if strings.TrimSpace(app.Name) == "" {
			app.Name = app.ClientID
		}
		app.RedirectURIs = append([]string(nil), app.RedirectURIs...)
		apps[i] = app
	}
	return apps, nil
}

// DefaultUsers returns the users of a service without [Options.Users]: "ada",
// who has Premium and 144 saved tracks, and "grace", who has no Premium and
// fewer tracks.
func DefaultUsers() []User {
	return []User{
		{ID: "ada", DisplayName: "Ada", Email: "ada@example.com", Country: "SE", Product: "premium",
			ImageURL: picturePath + "ada.png", SavedTracks: catalogueTracks},
		{ID: "grace", DisplayName: "Grace", Email: "grace@example.com", Country: "US", Product: "free",
			ImageURL: picturePath + "grace.png", SavedTracks: 60},
	}
}

func checkedUsers(given []User) ([]User, error) {
	if len(given) == 0 {
		given = DefaultUsers()
	}
	users := make([]User, len(given))
	seen := make(map[string]bool)
	for i, user := range given {
		if user.ID == "" {
			return nil, fmt.Errorf("accounts: user %d has no id", i)
		}
		if seen[user.ID] {
			return nil, fmt.Errorf("accounts: two users have the id %q", user.ID)
		}
		seen[user.ID] = true
		if user.SavedTracks < 0 || user.SavedTracks > catalogueTracks {
			return nil, fmt.Errorf("accounts: user %q has %d saved tracks, not one of 0 to %d",
				user.ID, user.SavedTracks, catalogueTracks)
		}
		if user.AccountID == "" {
			user.AccountID = catalogueID("account", user.ID)
		}
		if strings.TrimSpace(user.DisplayName) == "" {
			user.DisplayName = user.ID
		}
		if user.Country == "" {
			user.Country = "SE"
		}
		if user.Product == "" {
			user.Product = "premium"
		}
		users[i] = user
	}
	return users, nil
}
