package web

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/signinpage"
	"github.com/spotipie/spotipie/internal/typednil"
)

const (
	// DefaultSessionLifetime is how long a user stays signed in.
	DefaultSessionLifetime = 30 * 24 * time.Hour
	// DefaultAccentColor is the colour of the pages' bar and buttons.
	DefaultAccentColor = "#4b2fb8"
)

// Options adjust an [Auth]. Only Keys is required.
type Options struct {
	// Keys encrypt the cookies. Use the same keys on all replicas. Required.
	Keys Keys

	// Sessions is how the app knows who is signed in. Default: an encrypted
	// cookie with the user's key. Unlike a session on a server, a copied cookie
	// cannot be revoked before it expires.
	Sessions Sessions
	// SessionLifetime is how long that cookie is valid, from the sign-in.
	// Default: [DefaultSessionLifetime].
	SessionLifetime time.Duration
	// Home is the path that users get to after signing in or out, if nothing
	// else is known. The error pages link to it. It must also work for users who
	// are not signed in, so it must not be behind Require. Default: "/".
	Home string

	// BannerBefore is how long before the end of a user's consent [Auth.Banner]
	// says so. Default: [DefaultBannerBefore].
	BannerBefore time.Duration

	// OnLogin is called after a user has agreed, for the first time or to more
	// scopes, and their authorization was saved. Then the user is signed in. If
	// OnLogin returns an error, they are not, and see a page that says so. Their
	// authorization stays unless OnLogin deletes it (signIn.Session.Logout).
	// Default: nothing.
	OnLogin func(r *http.Request, signIn *spotipie.SignIn) error
	// OnLogout is called when a user has signed out, and when another user has
	// signed in in their place. Default: nothing.
	OnLogout func(r *http.Request, user string)
	// OnError is called with an [*Error] when something goes wrong, in the
	// request's goroutine, before the answer is written. Its Page says what the
	// user sees. It is also called for what users do, such as denying the
	// consent or opening an old callback. The error contains nothing secret.
	// Default: nothing.
	OnError func(r *http.Request, err error)

	// AppName is what the pages call the app. Default: the host of the redirect
	// URI.
	AppName string
	// AccentColor is the app's colour on the pages, as #rgb or #rrggbb. It is
	// only decoration, so every colour is readable. Default:
	// [DefaultAccentColor].
	AccentColor string
	// Pages are templates that replace the built-in pages. See [Page] for their
	// names. Default: none.
	Pages *template.Template

	// Now is the wall clock. Default: [time.Now].
	Now func() time.Time
}

// withDefaults returns a checked copy with the defaults filled in. host is the
// host of the redirect URI.
func (o *Options) withDefaults(host string) (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Keys.isZero() {
		return opts, errors.New("web: Options.Keys has no key: make one with `openssl rand -base64 32`, give it to all replicas, and read it with KeysFromEnv")
	}
	if typednil.Is(opts.Sessions) {
		return opts, fmt.Errorf("web: Options.Sessions is a nil %T: leave it out, or make the sessions first", opts.Sessions)
	}
	if opts.SessionLifetime <= 0 {
		opts.SessionLifetime = DefaultSessionLifetime
	}
	if opts.BannerBefore <= 0 {
		opts.BannerBefore = DefaultBannerBefore
	}
	opts.Home = cmp.Or(opts.Home, "/")
	if _, ok := localPath(opts.Home); !ok {
		return opts, fmt.Errorf("web: Options.Home %q is not a path of this site, such as /", opts.Home)
	}
	opts.AppName = cmp.Or(strings.TrimSpace(opts.AppName), host)
	opts.AccentColor = cmp.Or(opts.AccentColor, DefaultAccentColor)
	if !isHexColor(opts.AccentColor) {
		return opts, fmt.Errorf("web: Options.AccentColor %q is not a colour such as #1a2b3c", opts.AccentColor)
	}
	if err := signinpage.Check(opts.Pages, pageNames(), samplePage()); err != nil {
		return opts, fmt.Errorf("web: Options.Pages: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return opts, nil
}

func isHexColor(text string) bool {
	digits, ok := strings.CutPrefix(text, "#")
	return ok && (len(digits) == 3 || len(digits) == 6) && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
}
