package accounts

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// apiCall is an authorized request of the Web API and its answer.
type apiCall struct {
	w           http.ResponseWriter
	r           *http.Request
	path        map[string]string // the values of the {names} in the endpoint's path
	query       url.Values
	body        []byte
	token       *accessToken
	development bool
}

// serveAPI answers requests of the Web API: it reads the request, applies a
// prepared fault, and calls the endpoint.
func (s *Service) serveAPI(w http.ResponseWriter, r *http.Request) {
	allowAnyOrigin(w.Header())
	if isPreflight(r) {
		answerPreflight(w)
		return
	}
	s.mu.Lock()
	s.stats.APIRequests++
	s.mu.Unlock()
	body, bodyErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	s.withFault(w, r, target{part: TargetAPI}, func(w http.ResponseWriter) {
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

// callEndpoint checks the token, what the app's mode allows, the limits and the
// scope, and then calls the endpoint. Which of the last three Spotify checks
// first is unknown.
func (s *Service) callEndpoint(w http.ResponseWriter, r *http.Request, body []byte) {
	r, operation, path, allowed := s.findOperation(r)
	if operation == nil {
		if len(allowed) > 0 {
			methodNotAllowed(w, allowed...)
			writeAPIError(w, http.StatusMethodNotAllowed, "Method not allowed")
			return
		}
		writeAPIError(w, http.StatusNotFound, messageNotFound)
		return
	}
	token := s.authenticateCall(w, r)
	if token != nil {
		noteClient(r, token.app)
		noteUser(r, token.user)
	}
	if token == nil || !s.opts.DevelopmentMode.allow(w, token, operation) ||
		!s.withinLimits(w, token.app) || !mayCall(w, token, operation) {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		writeAPIError(w, http.StatusBadRequest, "Malformed query")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	operation.handle(s, &apiCall{w: w, r: r, path: path, query: query, body: body, token: token, development: s.development()})
}

// findOperation returns the operation for a request. It looks first at the
// endpoints that [Service.Handle] has added. The operation has to answer the
// returned request.
func (s *Service) findOperation(r *http.Request) (_ *http.Request, operation *endpoint, path map[string]string, allowed []string) {
	if own, ok := s.ownEndpoint(r); ok {
		return own, s.ownOperation(), nil, nil
	}
	operation, path, allowed = s.endpoints.find(r, s.development())
	return r, operation, path, allowed
}

func (s *Service) development() bool { return s.opts.DevelopmentMode != nil }

// escapedPath returns the path as it was sent, without a slash at its end.
// Widely used clients send one (/v1/me/), and Spotify accepts it.
func escapedPath(r *http.Request) string { return strings.TrimSuffix(r.URL.EscapedPath(), "/") }
