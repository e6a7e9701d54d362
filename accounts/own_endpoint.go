package accounts

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spotipie/spotipie"
)

// Handle adds an endpoint to the service, with a pattern of [http.ServeMux]
// such as "GET /v1/audio-features/{id}". It takes precedence over the service's
// own endpoints, except for /authorize, /api/token and paths that begin with
// /_service/. Handle fails if the pattern is malformed or conflicts with an
// earlier one. [Service.Reset] keeps the endpoints.
//
// A path that begins with /v1/ is part of the Web API: it needs a valid access
// token, and faults and limits apply to it. [CallerOf] says who has sent the
// request. The body of the request has at most 64 KiB. Other paths need no
// token.
func (s *Service) Handle(pattern string, handler http.Handler) (err error) {
	defer func() {
		if problem := recover(); problem != nil { // ServeMux reports errors this way
			err = fmt.Errorf("accounts: the pattern %q: %v", pattern, problem)
		}
	}()
	s.own.Handle(pattern, handler)
	return nil
}

// ownEndpoint returns a request that one of the added endpoints answers: r, or
// r without the slash at the end of its path.
func (s *Service) ownEndpoint(r *http.Request) (*http.Request, bool) {
	if _, pattern := s.own.Handler(r); pattern != "" {
		return r, true
	}
	if !strings.HasSuffix(r.URL.Path, "/") {
		return nil, false
	}
	shorter := r.Clone(r.Context())
	shorter.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	shorter.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, "/")
	_, pattern := s.own.Handler(shorter)
	return shorter, pattern != ""
}

// ownOperation is an endpoint of the Web API that Handle has added.
func (s *Service) ownOperation() *endpoint {
	return &endpoint{handle: func(s *Service, c *apiCall) {
		caller := Caller{ClientID: c.token.app.ClientID, Scope: c.token.scopes}
		if c.token.user != nil {
			caller.UserID = c.token.user.ID
		}
		s.own.ServeHTTP(c.w, c.r.WithContext(context.WithValue(c.r.Context(), callerKey{}, caller)))
	}}
}

// Caller says who has sent a request of the Web API.
type Caller struct {
	ClientID string
	UserID   string // empty: the app itself, by the client credentials flow
	Scope    spotipie.Scopes
}

type callerKey struct{}

// CallerOf returns who has sent the request, from the request's context in a
// handler of [Service.Handle]. It returns false outside the Web API.
func CallerOf(ctx context.Context) (Caller, bool) {
	caller, ok := ctx.Value(callerKey{}).(Caller)
	return caller, ok
}
