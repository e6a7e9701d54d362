package accounts

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spotipie/spotipie"
)

// The texts of the authorization endpoint's error pages: plain text, status
// 400, and no redirect.
const (
	pageInvalidClient       = "INVALID_CLIENT: Invalid client"
	pageInsecureRedirect    = "INVALID_CLIENT: Insecure redirect URI"
	pageRedirectMismatch    = "redirect_uri: Not matching configuration"
	pageIllegalRedirect     = "Illegal redirect_uri"
	pageResponseType        = "response_type must be code or token"
	pageIllegalScope        = "Illegal scope"
	pageResponseTypeNoToken = "response_type must be code" // assumed: the answer to token since 2025-11-27 is unknown
	pageMalformedQuery      = "Malformed query"            // assumed
)

// The older wordings, of [Options.Legacy].
const (
	pageLegacyRedirectMismatch = "INVALID_CLIENT: Invalid redirect URI"
	pageLegacyInvalidScope     = "INVALID_SCOPE: Invalid scope"
)

const (
	responseTypeCode  = "code"
	responseTypeToken = "token"
)

// authorizationRequest is a request of RFC 6749 section 4.1.1 (or 4.2.1) that
// has passed every check.
type authorizationRequest struct {
	app          *App
	responseType string
	redirectURI  string
	scopes       spotipie.Scopes
	state        string
	hasState     bool
	challenge    string
	showDialog   bool
}

// pageError is an error that is shown to the user, because it must not go to
// the app.
type pageError string

// redirectError is an error that a redirect sends to the app.
type redirectError struct {
	code, description string
}

func (e *redirectError) Error() string { return e.code + ": " + e.description }
func (e pageError) Error() string      { return string(e) }

func (s *Service) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	switch r.Method {
	case http.MethodGet:
		s.withFault(w, r, target{part: TargetAuthorize}, func(w http.ResponseWriter) { s.authorize(w, r) })
	case http.MethodPost:
		form, err := readForm(w, r)
		s.withFault(w, r, target{part: TargetAuthorize}, func(w http.ResponseWriter) {
			if err != nil {
				writePage(w, http.StatusBadRequest, "Malformed form")
				return
			}
			s.decide(w, r, form)
		})
	default:
		methodNotAllowed(w, http.MethodGet, http.MethodPost)
		writePage(w, http.StatusMethodNotAllowed, "Method not allowed")
	}
}

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("reading the form: %w", err)
	}
	return url.ParseQuery(string(body))
}

func (s *Service) authorize(w http.ResponseWriter, r *http.Request) {
	req, err := s.checkAuthorization(r.URL.RawQuery)
	switch e := err.(type) {
	case nil:
	case *redirectError:
		noteRefusal(r, e)
		redirect(w, http.StatusFound, req.failure(e))
		return
	default:
		noteRefusal(r, err)
		writePage(w, http.StatusBadRequest, err.Error())
		return
	}

	noteClient(r, req.app)
	current := s.loggedIn(r)
	s.mu.Lock()
	denied := s.denials > 0
	if denied {
		s.denials--
	}
	user := s.approveAs
	if user == nil && current != nil && !req.showDialog && s.consented(req.app, current, req.scopes) {
		user = current
	}
	s.mu.Unlock()

	switch {
	case denied:
		note(r, "consent", "denied")
		redirect(w, http.StatusFound, req.denial())
	case user != nil:
		noteUser(r, user)
		redirect(w, http.StatusFound, s.approve(req, user))
	default:
		s.showConsent(w, req, current)
	}
}

// checkAuthorization checks the request in the order client, response_type,
// redirect_uri, scope, PKCE. With a *redirectError it returns the request too.
func (s *Service) checkAuthorization(rawQuery string) (*authorizationRequest, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, pageError(pageMalformedQuery)
	}
	for _, name := range []string{
		"client_id", "response_type", "redirect_uri", "scope", "state",
		"show_dialog", "code_challenge", "code_challenge_method",
	} {
		if len(query[name]) > 1 { // RFC 6749 section 3.1; Spotify's answer is unknown
			return nil, pageError(name + " must not be repeated")
		}
	}
	req := &authorizationRequest{
		app:          s.apps[query.Get("client_id")],
		responseType: query.Get("response_type"),
		redirectURI:  query.Get("redirect_uri"),
		scopes:       splitScope(query.Get("scope")),
		state:        query.Get("state"),
		hasState:     query.Has("state"),
		showDialog:   query.Get("show_dialog") == "true",
		challenge:    query.Get("code_challenge"),
	}
	if req.app == nil {
		return nil, pageError(pageInvalidClient)
	}
	if err := s.checkResponseType(req.responseType); err != nil {
		return nil, err
	}
	if err := s.checkRedirect(req.app, req.redirectURI); err != nil {
		return nil, err
	}
	if err := s.checkScopes(req.scopes); err != nil {
		return nil, err
	}
	return req, checkChallenge(req, query)
}

func (s *Service) checkResponseType(responseType string) error {
	switch {
	case responseType == responseTypeCode:
		return nil
	case responseType == responseTypeToken && s.opts.Legacy:
		return nil
	case responseType == responseTypeToken:
		return pageError(pageResponseTypeNoToken)
	}
	return pageError(pageResponseType)
}

// checkRedirect looks for a match before it checks security: at Spotify an
// unregistered localhost URI gets the error about the mismatch, and a
// registered one the error about security.
func (s *Service) checkRedirect(app *App, redirectURI string) error {
	switch {
	case redirectURI != "" && checkRedirectURI(redirectURI) != nil:
		return pageError(pageIllegalRedirect)
	case !app.registered(redirectURI) && s.opts.Legacy:
		return pageError(pageLegacyRedirectMismatch)
	case !app.registered(redirectURI):
		return pageError(pageRedirectMismatch)
	case !s.opts.Legacy && insecureRedirect(redirectURI):
		return pageError(pageInsecureRedirect)
	}
	return nil
}

func (s *Service) checkScopes(scopes spotipie.Scopes) error {
	for _, scope := range scopes {
		if scope.Known() {
			continue
		}
		if s.opts.Legacy {
			return pageError(pageLegacyInvalidScope)
		}
		return pageError(pageIllegalScope)
	}
	return nil
}

// checkChallenge checks the PKCE challenge. Spotify's answer to a bad challenge is
// unknown. RFC 7636 section 4.4.1 says invalid_request, by redirect.
func checkChallenge(req *authorizationRequest, query url.Values) error {
	if req.responseType != responseTypeCode {
		return nil
	}
	method := query.Get("code_challenge_method")
	switch {
	case req.challenge == "" && (method != "" || req.app.ClientSecret == ""):
		return &redirectError{invalidRequest, "code challenge required"}
	case req.challenge == "":
		return nil
	case method != challengeMethodS256:
		return &redirectError{invalidRequest, "transform algorithm not supported"}
	case !validChallenge(req.challenge):
		return &redirectError{invalidRequest, "invalid code challenge"}
	}
	return nil
}

// approve records the consent and returns where to send the browser.
func (s *Service) approve(req *authorizationRequest, user *User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.newGrant(req.app, user, req.scopes)
	if req.responseType == responseTypeToken {
		token, expiresIn := s.issueAccessToken(req.app, user, req.scopes)
		return req.redirectURI + "#" + encode(req.withState([]string{
			"access_token", token, "token_type", "Bearer", "expires_in", strconv.Itoa(expiresIn),
		}))
	}
	code := randomToken(codePrefix)
	s.codes.put(code, &authorizationCode{
		grant:       g,
		redirectURI: req.redirectURI,
		challenge:   req.challenge,
		expires:     s.Now().Add(s.opts.CodeLifetime),
	})
	return req.callback("code", code)
}

// denial returns where the browser goes after Cancel. The error is in the
// query, also for the implicit grant.
func (req *authorizationRequest) denial() string {
	return req.callback("error", "access_denied")
}

func (req *authorizationRequest) failure(e *redirectError) string {
	return req.callback("error", e.code, "error_description", e.description)
}

func (req *authorizationRequest) callback(params ...string) string {
	return withQuery(req.redirectURI, req.withState(params)...)
}

func (req *authorizationRequest) withState(params []string) []string {
	if req.hasState {
		params = append(params, "state", req.state)
	}
	return params
}

// redirect sends no body, unlike http.Redirect, so that the code is only in
// Location.
func redirect(w http.ResponseWriter, status int, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(status)
}

func writePage(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
