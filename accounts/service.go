package accounts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// Service is the accounts service and its part of the Web API, as one
// http.Handler. Make one with [New]. All methods are safe for concurrent use.
type Service struct {
	opts      Options
	apps      map[string]*App
	users     map[string]*User
	page      *htmlPage
	home      *htmlPage
	songs     *catalogue
	endpoints endpoints
	own       *http.ServeMux // what Handle added

	offset atomic.Int64 // what Advance added, in nanoseconds

	mu sync.Mutex
	state
}

// state is what has happened since the service was made or reset.
type state struct {
	approveAs     *User // if set: agree automatically
	denials       int
	consents      map[consentKey]*consent
	codes         *shelf[*authorizationCode]
	refreshTokens *shelf[*refreshToken]
	accessTokens  *shelf[*accessToken]
	forms         *shelf[*pendingForm]
	logins        *shelf[*User]
	players       map[string]*player // by user id, as are the libraries
	libraries     map[string]library
	playlists     []*playlist
	rates         map[string]*requestLog // by client id
	quotas        map[string]*requestLog // by developer
	faults        faults
	stats         Stats
}

// New makes a service. It fails if an app or user of opts has no id, if two
// have the same id, if a redirect URI is malformed, if a number is negative, or
// if development mode has more users or apps than Spotify allows. If opts is
// nil, all options have their defaults.
func New(opts *Options) (*Service, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{
		opts:      o,
		apps:      make(map[string]*App),
		users:     make(map[string]*User),
		page:      newHTMLPage("consent", consentHTML, consentCSS),
		home:      newHTMLPage("home", homeHTML, consentCSS+homeCSS),
		songs:     newCatalogue(),
		endpoints: webAPI(),
		own:       http.NewServeMux(),
	}
	for i := range o.Apps {
		s.apps[o.Apps[i].ClientID] = &o.Apps[i]
	}
	for i := range o.Users {
		s.users[o.Users[i].ID] = &o.Users[i]
	}
	s.state = s.newState()
	return s, nil
}

func (s *Service) newState() state {
	st := state{
		consents:  make(map[consentKey]*consent),
		players:   make(map[string]*player),
		libraries: make(map[string]library),
		rates:     make(map[string]*requestLog),
		quotas:    make(map[string]*requestLog),
		codes:     newShelf(func(c *authorizationCode) bool { return c.used || s.past(c.expires) }),
		refreshTokens: newShelf(func(t *refreshToken) bool {
			return t.used || t.grant.dead() || s.past(t.grant.expires)
		}),
		accessTokens: newShelf(func(t *accessToken) bool { return s.past(t.expires) }),
		forms:        newShelf(func(f *pendingForm) bool { return s.past(f.expires) }),
		logins:       newShelf(func(*User) bool { return false }),
	}
	if s.opts.AutoApprove {
		st.approveAs = &s.opts.Users[0]
	}
	return st
}

// ServeHTTP answers requests to the authorization endpoint, the token endpoint,
// the Web API and the service's own pages, which the package comment lists. Any
// other path gets a 404 in the Web API's form, any other method a 405 with
// Allow.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opts.Logger != nil {
		s.logged(w, r)
		return
	}
	s.route(w, r)
}

func (s *Service) route(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat)) // otherwise net/http would set it from its own clock
	switch path := r.URL.Path; {
	case isAuthorizePath(path):
		s.serveAuthorize(w, r)
	case path == "/api/token":
		s.serveToken(w, r)
	case path == "/_service/stats":
		s.serveStats(w, r)
	case strings.HasPrefix(path, picturePath):
		s.servePicture(w, r)
	case strings.HasPrefix(path, servicePath):
		s.serveControl(w, r)
	case strings.HasPrefix(path, "/v1/"):
		s.serveAPI(w, r)
	default:
		s.serveOther(w, r)
	}
}

func (s *Service) serveOther(w http.ResponseWriter, r *http.Request) {
	if own, ok := s.ownEndpoint(r); ok {
		s.own.ServeHTTP(w, own)
		return
	}
	if r.URL.Path == "/" {
		s.serveHome(w, r)
		return
	}
	writeAPIError(w, http.StatusNotFound, messageNotFound)
}

// isAuthorizePath accepts /authorize and its forms with a locale, such as
// /en/authorize and /de-CH/authorize.
func isAuthorizePath(path string) bool {
	locale, ok := strings.CutSuffix(path, "/authorize")
	if !ok || locale == "" {
		return ok
	}
	language, region, _ := strings.Cut(strings.TrimPrefix(locale, "/"), "-")
	return len(language) == 2 && len(region) <= 4 && !strings.Contains(region, "/")
}

// Format prints how many apps and users there are and nothing secret, whatever
// the verb.
func (s *Service) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "accounts.Service{apps:%d users:%d}", len(s.apps), len(s.users))
}

// Stats counts the requests to a [Service].
type Stats struct {
	// TokenRequests counts well-formed requests by their grant type, whatever
	// the answer was.
	TokenRequests TokenRequests `json:"token_requests"`

	// Rejected counts the requests to /api/token that got no token, because of
	// an error or a prepared fault.
	Rejected int `json:"rejected"`

	// APIRequests counts the requests under /v1/, whatever the answer was.
	APIRequests int `json:"api_requests"`
}

// TokenRequests counts requests to /api/token by grant_type.
type TokenRequests struct {
	AuthorizationCode int `json:"authorization_code"`
	RefreshToken      int `json:"refresh_token"`
	ClientCredentials int `json:"client_credentials"`
}

// Stats returns the counts so far. GET /_service/stats answers with the same
// counts as JSON.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *Service) serveStats(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		methodNotAllowed(w, http.MethodGet)
		writeAPIError(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	}
	w.Header().Set("Content-Type", apiContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Write(marshal(s.Stats()))
}

func methodNotAllowed(w http.ResponseWriter, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
}

// marshal writes JSON as Spotify does: no HTML escapes, no newline at the end.
// It is only given values that cannot fail to marshal.
func marshal(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("{}")
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
