package accounts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spotipie/spotipie"
)

const (
	apiContentType  = "application/json; charset=utf-8"
	apiCacheControl = "private, max-age=0"
)

// The Web API's error messages.
const (
	messageExpired       = "The access token expired"
	messageInvalidToken  = "Invalid access token"
	messageMissingToken  = "Access token missing"
	messageLegacyMissing = "No token provided"
	messageNotBearer     = "Only valid bearer authentication supported"
	messageScope         = "Insufficient client scope"
	messageUserRequired  = "Valid user authentication required"
	messageNotFound      = "Service not found"
	messagePremium       = "Player command failed: Premium required"
)

// apiError is the Web API's error object. Reason is the player's.
type apiError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"`
}

// endpoint is one operation of the Web API.
type endpoint struct {
	scope  spotipie.Scope // needed; empty: none
	user   bool           // needs a user's token
	handle func(s *Service, c *apiCall)
}

// apiCall is an authorized request and its answer.
type apiCall struct {
	w     http.ResponseWriter
	r     *http.Request
	query url.Values
	body  []byte
	token *accessToken
}

func findEndpoint(path string) map[string]endpoint {
	switch path {
	case "/v1/me":
		return map[string]endpoint{http.MethodGet: {user: true, handle: (*Service).getMe}}
	case "/v1/search":
		return map[string]endpoint{http.MethodGet: {handle: (*Service).search}}
	case "/v1/me/tracks":
		return map[string]endpoint{http.MethodGet: {
			user: true, scope: spotipie.ScopeUserLibraryRead, handle: (*Service).getSavedTracks,
		}}
	case "/v1/me/player":
		return map[string]endpoint{http.MethodGet: {
			user: true, scope: spotipie.ScopeUserReadPlaybackState, handle: (*Service).getPlayer,
		}}
	case "/v1/me/player/play":
		return map[string]endpoint{http.MethodPut: {
			user: true, scope: spotipie.ScopeUserModifyPlaybackState, handle: (*Service).play,
		}}
	}
	return nil
}

func (s *Service) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		writeAPIError(w, http.StatusNotFound, messageNotFound)
		return
	}
	allowAnyOrigin(w.Header())
	if isPreflight(r) {
		answerPreflight(w)
		return
	}
	s.mu.Lock()
	s.stats.APIRequests++
	s.mu.Unlock()
	body, bodyErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	s.withFault(w, r, TargetAPI, "", func(w http.ResponseWriter) {
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(bodyErr, &tooLarge):
			writeAPIError(w, http.StatusRequestEntityTooLarge, "Request body too large")
		case bodyErr != nil:
			writeAPIError(w, http.StatusBadRequest, "Malformed request body")
		default:
			s.callEndpoint(w, r, body)
		}
	})
}

// apiPath is the path without a slash at its end, which clients in wide use
// send (/v1/me/) and Spotify takes.
func apiPath(r *http.Request) string { return strings.TrimSuffix(r.URL.Path, "/") }

func (s *Service) callEndpoint(w http.ResponseWriter, r *http.Request, body []byte) {
	methods := findEndpoint(apiPath(r))
	if methods == nil {
		writeAPIError(w, http.StatusNotFound, messageNotFound)
		return
	}
	operation, ok := methods[r.Method]
	if !ok {
		for method := range methods {
			methodNotAllowed(w, method)
		}
		writeAPIError(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	}
	token := s.authorizeCall(w, r, operation)
	if token == nil {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		writeAPIError(w, http.StatusBadRequest, "Malformed query")
		return
	}
	operation.handle(s, &apiCall{w: w, r: r, query: query, body: body, token: token})
}

// authorizeCall checks the token and what it may do. When it returns nil it has
// answered.
func (s *Service) authorizeCall(w http.ResponseWriter, r *http.Request, operation endpoint) *accessToken {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		message := messageMissingToken
		if s.opts.Legacy {
			message = messageLegacyMissing
		}
		writeAPIError(w, http.StatusUnauthorized, message)
		return nil
	}
	bearer, ok := bearerToken(authorization)
	if !ok {
		writeAPIError(w, http.StatusBadRequest, messageNotBearer)
		return nil
	}
	s.mu.Lock()
	token, ok := s.accessTokens.get(bearer)
	expired := ok && s.past(token.expires)
	s.mu.Unlock()
	switch {
	case !ok:
		writeAPIError(w, http.StatusUnauthorized, messageInvalidToken)
	case expired:
		writeAPIError(w, http.StatusUnauthorized, messageExpired)
	case operation.user && token.user == nil:
		writeAPIError(w, http.StatusUnauthorized, messageUserRequired)
	case operation.scope != "" && !token.scopes.Contains(spotipie.Scopes{operation.scope}):
		// The header is unknown; assumed from RFC 6750 section 3.1.
		w.Header().Set("WWW-Authenticate", challengeHeader("insufficient_scope", messageScope)+
			fmt.Sprintf(", scope=%q", operation.scope))
		writeAPIError(w, http.StatusForbidden, messageScope)
	default:
		return token
	}
	return nil
}

// bearerToken reads an Authorization header of RFC 6750 section 2.1.
func bearerToken(authorization string) (string, bool) {
	scheme, token, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
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

func challengeHeader(code, description string) string {
	return fmt.Sprintf(`Bearer realm="spotify", error=%q, error_description=%q`, code, description)
}

// writeAPIError answers in the Web API's form. A 401 has WWW-Authenticate: seen
// for an expired token, by analogy for an invalid one, and for the others
// assumed from RFC 6750 section 3, which wants no error code where no usable
// token was sent.
func writeAPIError(w http.ResponseWriter, status int, message string) {
	h := w.Header()
	switch message {
	case messageExpired, messageInvalidToken:
		h.Set("WWW-Authenticate", challengeHeader("invalid_token", message))
	case messageNotBearer:
		h.Set("WWW-Authenticate", challengeHeader("invalid_request", message))
	case messageMissingToken, messageLegacyMissing, messageUserRequired:
		h.Set("WWW-Authenticate", `Bearer realm="spotify"`)
	}
	writeAPIJSON(w, apiError{Status: status, Message: message})
}

func writeAPIJSON(w http.ResponseWriter, e apiError) {
	h := w.Header()
	h.Set("Content-Type", apiContentType)
	h.Set("Cache-Control", apiCacheControl)
	w.WriteHeader(e.Status)
	w.Write(marshal(map[string]apiError{"error": e}))
}

func writeAPIText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", apiCacheControl)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// send answers with v and its ETag, or with 304 when the client has it already
// (RFC 9110 section 13.1.2).
func (c *apiCall) send(v any) {
	body := marshal(v)
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := c.w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", apiCacheControl)
	h.Set("Vary", "Authorization")
	if matchesETag(c.r.Header.Values("If-None-Match"), etag) {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", apiContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	io.Copy(c.w, bytes.NewReader(body))
}

func matchesETag(headers []string, etag string) bool {
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}

func (c *apiCall) fail(status int, message string) { writeAPIError(c.w, status, message) }

// base is the scheme and host the client used, for absolute URLs.
func (c *apiCall) base() string {
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}
