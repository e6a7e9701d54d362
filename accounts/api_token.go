package accounts

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spotipie/spotipie"
)

// authenticateCall returns the request's token. If it returns nil, it has sent
// the answer.
func (s *Service) authenticateCall(w http.ResponseWriter, r *http.Request) *accessToken {
	bearer, ok := bearerToken(r.Header.Get("Authorization"))
	switch {
	case !ok:
		writeAPIError(w, http.StatusBadRequest, messageNotBearer)
		return nil
	case bearer == "" && s.opts.Legacy && r.Header.Get("Authorization") != "":
		writeAPIError(w, http.StatusBadRequest, messageNotBearer)
		return nil
	case bearer == "":
		s.refuseToken(w, tokenMissing)
		return nil
	}
	s.mu.Lock()
	token, ok := s.accessTokens.get(bearer)
	expired := ok && s.past(token.expires)
	s.mu.Unlock()
	switch {
	case !ok:
		s.refuseToken(w, tokenInvalid)
	case expired:
		s.refuseToken(w, tokenExpired)
	default:
		return token
	}
	return nil
}

// mayCall checks that the token may be used for the operation. If it returns false,
// it has sent the answer.
func mayCall(w http.ResponseWriter, token *accessToken, operation *endpoint) bool {
	switch {
	case operation.user && token.user == nil:
		writeAPIError(w, http.StatusUnauthorized, messageUserRequired)
	case operation.scope != "" && !token.scopes.Contains(spotipie.Scopes{operation.scope}):
		refuseScope(w, operation.scope)
	default:
		return true
	}
	return false
}

// bearerToken reads an Authorization header of RFC 6750 section 2.1. It returns
// an empty token if the header is missing or has only the scheme.
func bearerToken(authorization string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if authorization != "" && !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	for _, c := range []byte(strings.TrimRight(token, "=")) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~+/", c) >= 0:
		default:
			return "", false
		}
	}
	return token, true
}

// tokenRefusal is the reason why a 401 refuses an access token.
type tokenRefusal struct {
	code, description string
	legacy            string // the message until July 2026
}

var (
	tokenMissing = tokenRefusal{code: "missing_token", description: "No token provided", legacy: "No token provided"}
	tokenInvalid = tokenRefusal{code: "invalid_token", description: "Invalid access token", legacy: "Invalid access token"}
	tokenExpired = tokenRefusal{code: "invalid_token", description: "The access token expired", legacy: "The access token expired"}
)

// refuseToken answers as Spotify has done since about July 2026: with one
// message for every such 401, and the reason in WWW-Authenticate, where
// missing_token is Spotify's own code. The header for an expired token is
// older, and assumed not to have changed. Before July 2026 the message was the
// reason. For that time the header for a missing token is assumed from RFC 6750
// section 3, which wants no code if no token was sent.
func (s *Service) refuseToken(w http.ResponseWriter, why tokenRefusal) {
	message, challenge := messageRefusedToken, challengeHeader(why.code, why.description)
	if s.opts.Legacy {
		message = why.legacy
		if why == tokenMissing {
			challenge = bareChallenge
		}
	}
	w.Header().Set("WWW-Authenticate", challenge)
	writeAPIError(w, http.StatusUnauthorized, message)
}

// refuseScope refuses a token without the needed scope. The header is unknown, and
// assumed from RFC 6750 section 3.1.
func refuseScope(w http.ResponseWriter, needed spotipie.Scope) {
	w.Header().Set("WWW-Authenticate", challengeHeader("insufficient_scope", messageScope)+
		fmt.Sprintf(", scope=%q", needed))
	writeAPIError(w, http.StatusForbidden, messageScope)
}

const bareChallenge = `Bearer realm="spotify"`

func challengeHeader(code, description string) string {
	return fmt.Sprintf(`%s, error=%q, error_description=%q`, bareChallenge, code, description)
}
