package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// DefaultBannerBefore is how long before the end of a consent there is a banner.
const DefaultBannerBefore = 14 * 24 * time.Hour

// The kinds of a [Banner].
const (
	BannerRefused = "refused"       // Spotify has refused the refresh token, or six months are over
	BannerEnds    = "ends"          // the consent ends soon
	BannerScope   = "missing-scope" // the user has not granted a scope
)

// Banner says that a signed-in user should sign in again, and why. A template
// shows it in one line:
//
//	{{with .Banner}}<p role="status">{{.Text}} <a href="{{.LoginURL}}">{{.Action}}</a></p>{{end}}
type Banner struct {
	Kind     string         // BannerRefused, BannerEnds or BannerScope
	Text     string         // a sentence or two, in English
	Action   string         // what the link does, in English
	LoginURL string         // signs in again, asks for missing scopes, and returns to the page
	Until    time.Time      // when the consent ends, or has ended; zero if that is not known
	Days     int            // whole days until then; 0 on the last day and after it
	Missing  []MissingScope // what the user has not granted of the scopes that were asked about
}

// Banner returns what to tell the user of a request, or nil if there is nothing to
// tell or nobody is signed in. r must come from a handler behind
// [Auth.Middleware] or [Auth.Require]. Banner calls neither the store nor Spotify.
// scopes are those that the page could use. Those that the user has not granted
// are missing, also if the user was asked for them before.
func (a *Auth) Banner(r *http.Request, scopes ...spotipie.Scope) *Banner {
	v := visitorFrom(r.Context())
	if v == nil || v.auth != a || v.session == nil {
		return nil
	}
	rec, _ := v.session.Record()
	missing := missing(spotipie.Scopes(scopes).Normalize(), v.scope())
	b := &Banner{Until: v.session.ReauthorizeBy(), Missing: missing, LoginURL: a.bannerURL(r, missing)}
	left := b.Until.Sub(a.opts.Now())
	b.Days = max(0, int(left/(24*time.Hour)))
	switch {
	case rec.Rejected != "" || !b.Until.IsZero() && left <= 0:
		b.Kind, b.Action = BannerRefused, "Sign in again"
		b.Text = fmt.Sprintf("Spotify no longer lets %s use your account.", a.opts.AppName)
	case !b.Until.IsZero() && left <= a.opts.BannerBefore:
		b.Kind, b.Action = BannerEnds, "Sign in again"
		b.Text = fmt.Sprintf("Spotify asks you to sign in again %s, so that %s can keep using your account.", within(b.Days), a.opts.AppName)
	case len(missing) > 0:
		b.Kind, b.Action = BannerScope, "Allow it"
		b.Text = fmt.Sprintf("%s could do more if you allow it to: %s.", a.opts.AppName, describe(missing))
	default:
		return nil
	}
	return b
}

// bannerURL returns a login address that leads back to the page, or to Home if the
// request is not a visit to a page.
func (a *Auth) bannerURL(r *http.Request, missing []MissingScope) string {
	var scopes spotipie.Scopes
	for _, m := range missing {
		scopes = append(scopes, m.Scope)
	}
	if !isVisit(r) {
		return a.LoginURL("", scopes...)
	}
	return a.LoginURL(r.RequestURI, scopes...)
}

func within(days int) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "within a day"
	}
	return fmt.Sprintf("within %d days", days)
}

func describe(missing []MissingScope) string {
	words := make([]string, len(missing))
	for i, m := range missing {
		if words[i] = string(m.Scope); m.Description != "" {
			words[i] = strings.ToLower(m.Description[:1]) + m.Description[1:]
		}
	}
	return strings.Join(words, "; ")
}
