package simulation

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

const (
	clientID     = "simulated-app"
	clientSecret = "simulated-secret"
	redirectURI  = "http://127.0.0.1:8888/callback"
	scope        = "user-read-email"
)

// spotify is the accounts service and the Web API. It is a small model of package
// accounts with readable names: the third access token of the second grant is A2.3,
// and its second refresh token is R2.2. A test compares it with package accounts.
// The world's mutex guards it.
type spotify struct {
	world   *world
	grants  []*grant
	codes   map[string]*code
	access  map[string]*accessToken
	refresh map[string]*refreshToken

	own       *grant            // the app's own
	trouble   map[bool]*trouble // false: of the user's sessions; true: of the app's
	rotations int               // how often a refresh token was used
}

// trouble is what goes wrong with requests.
type trouble struct {
	faults    []Action // of the next token requests
	refuse    int      // how many requests the Web API answers with 401
	short     int      // how many access tokens live for shortLife
	shortLife time.Duration
}

// grant is one consent of the user, or what the app may do on its own.
type grant struct {
	id       int    // 0: the app's own
	revoked  string // why, if it was
	byCode   bool   // from a login of a process, not brought from elsewhere
	issued   []*accessToken
	refresh  []*refreshToken
	decision *decision // what the oracle knows of it
}

// code is an authorization code.
type code struct {
	grant     *grant
	challenge string
	expires   time.Time
	used      bool
}

// accessToken is what the accounts service knows of an access token.
type accessToken struct {
	grant    *grant
	number   int           // in the order of issue, from 1
	refresh  *refreshToken // nil: the token is the app's own
	lifetime time.Duration
	issued   time.Time
	expires  time.Time
	// late is how long its answer took. Its lifetime counts from its receipt.
	late time.Duration
	// savedAt is when it was first in the store, if it was.
	savedAt   moment
	saved     bool
	savedLast moment // when it was saved last
	// refused says that its session has seen a record of the other flow in the store, over
	// which it must not be saved if it is the app's.
	refused bool
	brought bool // the program has set it; such a token replaces each other one
	// clockRight says that the clock of the process that got it was right.
	clockRight bool
}

func (a *accessToken) String() string {
	if a.isApps() {
		return fmt.Sprintf("App%d", a.number)
	}
	return fmt.Sprintf("A%d.%d", a.grant.id, a.number)
}

// isApps reports whether a token is the app's own, and not of a user.
func (a *accessToken) isApps() bool { return a.grant.id == 0 }

// refreshToken is what the accounts service knows of a refresh token.
type refreshToken struct {
	grant  *grant
	number int
	used   *tokenRequest // the request that replaced it
	sent   []*tokenRequest
	// refused says when a process was told that it is not valid any more.
	refused map[*process]moment
}

func (r *refreshToken) String() string { return fmt.Sprintf("R%d.%d", r.grant.id, r.number) }

// tokenError is an error answer of the token endpoint (RFC 6749 section 5.2).
type tokenError struct{ code, description string }

func newSpotify(w *world) *spotify {
	return &spotify{
		world: w, codes: make(map[string]*code),
		access: make(map[string]*accessToken), refresh: make(map[string]*refreshToken),
		own: &grant{}, trouble: map[bool]*trouble{false: {}, true: {}},
	}
}

// authorize has the user agree to an authorization request. It returns the new grant
// and the callback URL to which the browser is sent.
func (s *spotify) authorize(authorizationURL string) (g *grant, callbackURL string, err error) {
	u, err := url.Parse(authorizationURL)
	if err != nil {
		return nil, "", err
	}
	query := u.Query()
	g = s.newGrant()
	g.byCode = true
	name := fmt.Sprintf("C%d", g.id)
	s.codes[name] = &code{grant: g, challenge: query.Get("code_challenge"), expires: s.world.wall().Add(accounts.DefaultCodeLifetime)}
	return g, query.Get("redirect_uri") + "?" + url.Values{"code": {name}, "state": {query.Get("state")}}.Encode(), nil
}

func (s *spotify) newGrant() *grant {
	g := &grant{id: len(s.grants) + 1}
	s.grants = append(s.grants, g)
	return g
}

// exchange answers a token request with a code.
func (s *spotify) exchange(form url.Values) (*accessToken, *tokenError) {
	c := s.codes[form.Get("code")]
	if c == nil {
		return nil, &tokenError{"invalid_grant", "Invalid authorization code"}
	}
	if !s.world.wall().Before(c.expires) {
		return nil, &tokenError{"invalid_grant", "Authorization code expired"}
	}
	if c.used {
		c.grant.revoked = "its code was used twice"
		return nil, &tokenError{"invalid_grant", "Invalid authorization code"}
	}
	if c.grant.revoked != "" {
		return nil, &tokenError{"invalid_grant", "Invalid authorization code"}
	}
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(challenge), []byte(c.challenge)) != 1 {
		return nil, &tokenError{"invalid_grant", "code_verifier was incorrect"}
	}
	c.used = true
	return s.issue(c.grant, s.newRefreshToken(c.grant)), nil
}

// renew answers a token request with a refresh token. Using a refresh token that was
// replaced revokes the grant.
func (s *spotify) renew(req *tokenRequest, name string) (*accessToken, *tokenError) {
	r := s.refresh[name]
	if r == nil {
		return nil, &tokenError{"invalid_grant", "Invalid refresh token"}
	}
	if r.used != nil && r.grant.revoked == "" {
		r.grant.revoked = fmt.Sprintf("%s was used twice", r)
		s.world.note("spotify", "revokes grant %d: %s", r.grant.id, r.grant.revoked)
	}
	if r.grant.revoked != "" {
		return nil, &tokenError{"invalid_grant", "Refresh token revoked"}
	}
	next := r
	s.rotations++
	switch s.world.plan.Rotation {
	case RotateAlways:
		next = s.newRefreshToken(r.grant)
	case RotateSometimes:
		if s.rotations%2 == 0 {
			next = s.newRefreshToken(r.grant)
		}
	}
	if next != r {
		r.used = req
	}
	return s.issue(r.grant, next), nil
}

func (s *spotify) newRefreshToken(g *grant) *refreshToken {
	r := &refreshToken{grant: g, number: len(g.refresh) + 1}
	g.refresh = append(g.refresh, r)
	s.refresh[r.String()] = r
	return r
}

func (s *spotify) issue(g *grant, r *refreshToken) *accessToken {
	a := &accessToken{grant: g, number: len(g.issued) + 1, refresh: r, lifetime: s.world.plan.Lifetime}
	if t := s.trouble[a.isApps()]; t.short > 0 {
		t.short--
		a.lifetime = t.shortLife
	}
	a.issued = s.world.wall()
	a.expires = a.issued.Add(a.lifetime)
	g.issued = append(g.issued, a)
	s.access[a.String()] = a
	return a
}

// login makes a grant as if the user had consented elsewhere, and returns its token.
func (s *spotify) login() *accessToken {
	g := s.newGrant()
	return s.issue(g, s.newRefreshToken(g))
}

// revokeAll revokes all grants, as if the user removed the app on their account page.
func (s *spotify) revokeAll() {
	for _, g := range s.grants {
		if g.revoked == "" {
			g.revoked = "the user removed the app"
		}
	}
}

// valid reports whether the Web API accepts an access token.
func (s *spotify) valid(name string) bool {
	a := s.access[name]
	return a != nil && s.world.wall().Before(a.expires)
}

// strike makes the next requests fail: all, or those of sessions like the one of a's
// process.
func (s *spotify) strike(a Action) {
	for apps, t := range s.trouble {
		if a.Process != Everybody && s.world.plan.Processes[a.Process].App != apps {
			continue
		}
		switch a.Kind {
		case TokenFault:
			t.faults = append(t.faults, slices.Repeat([]Action{a}, a.Count)...)
		case APIRefuses:
			t.refuse = a.Count
		case ShortLives:
			t.short, t.shortLife = a.Count, a.For
		}
	}
}

func (s *spotify) heal() {
	for _, t := range s.trouble {
		*t = trouble{}
	}
}

// fault removes and returns the fault of the next token request.
func (t *trouble) fault() Action {
	if len(t.faults) == 0 {
		return Action{}
	}
	next := t.faults[0]
	t.faults = t.faults[1:]
	return next
}

// refuses reports whether the Web API refuses the next request for no reason.
func (t *trouble) refuses() bool {
	if t.refuse == 0 {
		return false
	}
	t.refuse--
	return true
}
