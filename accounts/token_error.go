package accounts

import "net/http"

// tokenError is an error answer of /api/token: flat JSON, unlike the Web API's,
// and status 400 even for failed client authentication, for which RFC 6749
// section 5.2 has 401 and WWW-Authenticate.
type tokenError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
	status      int    // 0: 400
}

const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidGrant         = "invalid_grant"
	invalidScope         = "invalid_scope"
	unsupportedGrantType = "unsupported_grant_type"
	serverError          = "server_error"
)

// The error answers that were observed at Spotify.
var (
	errNoCredentials       = &tokenError{Code: invalidClient}
	errUnknownClient       = &tokenError{Code: invalidClient, Description: "Invalid client"}
	errWrongSecret         = &tokenError{Code: invalidClient, Description: "Invalid client secret"}
	errNoGrantType         = &tokenError{Code: unsupportedGrantType, Description: "grant_type parameter is missing"}
	errNoCode              = &tokenError{Code: invalidRequest, Description: "code must be supplied"}
	errInvalidCode         = &tokenError{Code: invalidGrant, Description: "Invalid authorization code"}
	errCodeExpired         = &tokenError{Code: invalidGrant, Description: "Authorization code expired"}
	errRedirectMismatch    = &tokenError{Code: invalidGrant, Description: "Invalid redirect URI"}
	errWrongVerifier       = &tokenError{Code: invalidGrant, Description: "code_verifier was incorrect"}
	errNoRefreshToken      = &tokenError{Code: invalidRequest, Description: "refresh_token must be supplied"}
	errInvalidRefreshToken = &tokenError{Code: invalidGrant, Description: "Invalid refresh token"}
	errRefreshRevoked      = &tokenError{Code: invalidGrant, Description: "Refresh token revoked"}
	errRefreshExpired      = &tokenError{Code: invalidGrant, Description: "Refresh token expired"}
)

// The wordings of [Options.Legacy].
var (
	errLegacyGrantType = &tokenError{
		Code:        unsupportedGrantType,
		Description: "grant_type must be client_credentials, authorization_code or refresh_token",
	}
	errLegacyMediaType = &tokenError{
		Code: serverError, Description: "Unexpected status: 415", status: http.StatusUnsupportedMediaType,
	}
)

// Spotify's answers to these are unknown; they are assumed from the named RFC.
var (
	// RFC 6749 section 4.1.3: redirect_uri is required if the authorization
	// request had one, and here it always has one.
	errNoRedirectURI = &tokenError{Code: invalidRequest, Description: "redirect_uri must be supplied"}
	// RFC 7636 section 4.5: code_verifier is required after a challenge.
	errNoVerifier = &tokenError{Code: invalidRequest, Description: "code_verifier must be supplied"}
	// RFC 7636 section 4.1: 43 to 128 unreserved characters.
	errMalformedVerifier = &tokenError{Code: invalidRequest, Description: "Invalid code_verifier"}
	// RFC 6749 section 6: a refresh cannot widen the scope.
	errScopeTooWide = &tokenError{Code: invalidScope, Description: "Invalid scope"}
	// RFC 6749 section 5.2: malformed requests.
	errMalformedBody = &tokenError{Code: invalidRequest, Description: "Malformed request body"}
	errBodyTooLarge  = &tokenError{
		Code: invalidRequest, Description: "Request body too large", status: http.StatusRequestEntityTooLarge,
	}
	// RFC 6749 section 3.2: the token endpoint accepts only POST.
	errTokenMethod = &tokenError{
		Code: invalidRequest, Description: "Method not allowed", status: http.StatusMethodNotAllowed,
	}
)

func errGrantTypeNotSupported(grantType string) *tokenError {
	return &tokenError{Code: unsupportedGrantType, Description: "grant_type " + grantType + " is not supported"}
}

// errRepeated is the answer to a parameter that is sent twice. It is assumed from
// RFC 6749 section 3.2.
func errRepeated(name string) *tokenError {
	return &tokenError{Code: invalidRequest, Description: name + " must not be repeated"}
}

func (s *Service) writeTokenError(w http.ResponseWriter, e *tokenError) {
	s.mu.Lock()
	s.stats.Rejected++
	s.mu.Unlock()
	status := e.status
	if status == 0 {
		status = http.StatusBadRequest
	}
	writeTokenJSON(w, status, marshal(e))
}

func writeTokenJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	w.Write(body)
}
