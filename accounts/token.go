package accounts

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
)

// maxBody is the most the service reads of any request body.
const maxBody = 64 << 10

const (
	grantAuthorizationCode = "authorization_code"
	grantRefreshToken      = "refresh_token"
	grantClientCredentials = "client_credentials"
)

// tokenResponse is RFC 6749 section 5.1 in the order Spotify writes it.
type tokenResponse struct {
	AccessToken  string  `json:"access_token"`
	TokenType    string  `json:"token_type"`
	ExpiresIn    int     `json:"expires_in"`
	RefreshToken string  `json:"refresh_token,omitempty"`
	Scope        *string `json:"scope,omitempty"`
}

// serveToken is POST /api/token. The order of checks is Spotify's as far as it
// is known: grant_type, then the client, then the code or refresh token, then
// what they are bound to.
func (s *Service) serveToken(w http.ResponseWriter, r *http.Request) {
	allowAnyOrigin(w.Header())
	if isPreflight(r) {
		answerPreflight(w)
		return
	}
	if r.Method != http.MethodPost {
		methodNotAllowed(w, http.MethodPost)
		s.writeTokenError(w, errTokenMethod)
		return
	}
	form, formErr := s.tokenForm(w, r)
	grantType := form.Get("grant_type")
	s.countTokenRequest(grantType)
	s.withFault(w, r, target{part: TargetToken, grantType: grantType}, func(w http.ResponseWriter) {
		if formErr != nil {
			s.writeTokenError(w, formErr)
			return
		}
		response, err := s.answerToken(r, form)
		if err != nil {
			s.writeTokenError(w, err)
			return
		}
		writeTokenJSON(w, http.StatusOK, marshal(response))
	})
}

func (s *Service) countTokenRequest(grantType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch grantType {
	case grantAuthorizationCode:
		s.stats.TokenRequests.AuthorizationCode++
	case grantRefreshToken:
		s.stats.TokenRequests.RefreshToken++
	case grantClientCredentials:
		s.stats.TokenRequests.ClientCredentials++
	}
}

// tokenForm reads the body. It ignores parameters in the URL's query: it is
// unknown whether Spotify accepts them, and RFC 6749 section 2.3.1 forbids
// them. A body of another media type is assumed to have no parameters; in 2016
// Spotify answered it with 415.
func (s *Service) tokenForm(w http.ResponseWriter, r *http.Request) (url.Values, *tokenError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, errBodyTooLarge
		}
		return nil, errMalformedBody
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		if s.opts.Legacy {
			return nil, errLegacyMediaType
		}
		return nil, errNoGrantType
	}
	form, err := url.ParseQuery(string(body))
	if form.Get("grant_type") == "" {
		return form, errNoGrantType
	}
	if err != nil {
		return form, errMalformedBody
	}
	for _, name := range []string{
		"grant_type", "code", "redirect_uri", "code_verifier",
		"refresh_token", "scope", "client_id", "client_secret",
	} {
		if len(form[name]) > 1 {
			return form, errRepeated(name)
		}
	}
	return form, nil
}

func (s *Service) answerToken(r *http.Request, form url.Values) (*tokenResponse, *tokenError) {
	grantType := form.Get("grant_type")
	switch grantType {
	case grantAuthorizationCode, grantRefreshToken, grantClientCredentials:
		note(r, "grant_type", grantType)
	default:
		if s.opts.Legacy {
			return nil, errLegacyGrantType
		}
		return nil, errGrantTypeNotSupported(grantType)
	}
	client, err := s.authenticateClient(r, form)
	if err != nil {
		return nil, err
	}
	noteClient(r, client.app)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch grantType {
	case grantAuthorizationCode:
		return s.exchangeCode(client, form)
	case grantRefreshToken:
		return s.refresh(client, form)
	default:
		return s.clientCredentials(client)
	}
}

// exchangeCode exchanges a code for tokens. s.mu is held.
func (s *Service) exchangeCode(client tokenClient, form url.Values) (*tokenResponse, *tokenError) {
	secret := form.Get("code")
	if secret == "" {
		return nil, errNoCode
	}
	code, ok := s.codes.get(secret)
	if !ok || code.grant.app != client.app {
		return nil, errInvalidCode
	}
	if s.past(code.expires) {
		return nil, errCodeExpired
	}
	if code.used {
		// Whether Spotify revokes is unknown; RFC 6749 section 4.1.2 asks for it.
		code.grant.revoked = true
		return nil, errInvalidCode
	}
	if code.grant.dead() {
		return nil, errInvalidCode
	}
	if !client.authenticated && code.challenge == "" {
		return nil, errNoCredentials
	}
	if err := checkBindings(code, form); err != nil {
		return nil, err // assumed: a failed attempt does not use up the code
	}
	code.used = true
	code.grant.public = !client.authenticated
	response := s.userToken(code.grant, code.grant.scopes)
	response.RefreshToken = s.issueRefreshToken(code.grant)
	return response, nil
}

// checkBindings checks the request against what the code is bound to. It is
// unknown whether Spotify checks redirect_uri or the verifier first.
func checkBindings(code *authorizationCode, form url.Values) *tokenError {
	redirectURI, verifier := form.Get("redirect_uri"), form.Get("code_verifier")
	switch {
	case redirectURI == "":
		return errNoRedirectURI
	case redirectURI != code.redirectURI:
		return errRedirectMismatch
	case code.challenge == "" && verifier == "":
		return nil
	case code.challenge == "":
		return errWrongVerifier // RFC 9700 section 4.8.2, against PKCE downgrade
	case verifier == "":
		return errNoVerifier
	case !validVerifier(verifier):
		return errMalformedVerifier
	case !verifierMatches(verifier, code.challenge):
		return errWrongVerifier
	}
	return nil
}

// refresh answers a request with a refresh token. s.mu is held.
func (s *Service) refresh(client tokenClient, form url.Values) (*tokenResponse, *tokenError) {
	secret := form.Get("refresh_token")
	if secret == "" {
		return nil, errNoRefreshToken
	}
	token, ok := s.refreshTokens.get(secret)
	if !ok || token.grant.app != client.app {
		return nil, errInvalidRefreshToken
	}
	if !client.authenticated && !token.grant.public {
		return nil, errNoCredentials
	}
	if token.used {
		token.grant.revoked = true
	}
	if token.grant.dead() {
		return nil, errRefreshRevoked
	}
	if s.past(token.grant.expires) {
		return nil, errRefreshExpired
	}
	scopes, err := narrowed(token.grant.scopes, form.Get("scope"))
	if err != nil {
		return nil, err
	}
	response := s.userToken(token.grant, scopes)
	if s.rotates(token.grant) {
		token.used = true
		response.RefreshToken = s.issueRefreshToken(token.grant)
	}
	return response, nil
}

// rotates reports whether a refresh rotates the refresh token. Until mid 2026
// Spotify rotated it for PKCE without a secret, but not for clients with one.
func (s *Service) rotates(g *grant) bool {
	return s.opts.RotateAllRefreshTokens || s.opts.RotateRefreshTokens && g.public
}

// narrowed applies the scope parameter of a refresh. Its effect at Spotify is
// unknown. By RFC 6749 section 6 it may narrow the scope of this access token
// and never widen it.
func narrowed(granted spotipie.Scopes, requested string) (spotipie.Scopes, *tokenError) {
	if requested == "" {
		return granted, nil
	}
	scopes := splitScope(requested)
	if !granted.Contains(scopes) {
		return nil, errScopeTooWide
	}
	return scopes, nil
}

// clientCredentials ignores a scope parameter, as RFC 6749 section 3.3 allows:
// an app's own token has none. s.mu is held.
func (s *Service) clientCredentials(client tokenClient) (*tokenResponse, *tokenError) {
	if !client.authenticated {
		return nil, errNoCredentials
	}
	token, expiresIn := s.issueAccessToken(client.app, nil, nil)
	return &tokenResponse{AccessToken: token, TokenType: "Bearer", ExpiresIn: expiresIn}, nil
}

// userToken returns an answer with an access token for g's user. s.mu is held.
func (s *Service) userToken(g *grant, scopes spotipie.Scopes) *tokenResponse {
	token, expiresIn := s.issueAccessToken(g.app, g.user, scopes)
	scope := scopes.String()
	return &tokenResponse{AccessToken: token, TokenType: "Bearer", ExpiresIn: expiresIn, Scope: &scope}
}

// splitScope reads the scope parameter strictly: only spaces separate scopes.
func splitScope(scope string) spotipie.Scopes {
	var scopes spotipie.Scopes
	for name := range strings.SplitSeq(scope, " ") {
		scopes = append(scopes, spotipie.Scope(name))
	}
	return scopes.Normalize()
}
