package spotipie

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// transport is the RoundTripper of a session's clients. An HTTP client calls it
// for every hop of a redirect, so whether the token is sent is decided for each
// hop.
type transport session

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*session)(t)
	if err := s.maySend(req); err != nil {
		closeBody(req)
		return nil, err
	}
	rt := s.router().of(req.URL)
	if !s.app.mayHaveToken(req.URL) {
		return rt.RoundTrip(req)
	}
	held, err := s.valid(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := send(rt, req, held.token)
	if err != nil || !isTokenRefused(resp, s.flow()) {
		return resp, err
	}
	return s.recoverUnauthorized(rt, req, resp, held)
}

// tokenless is the RoundTripper of a session for requests without the token.
type tokenless session

// RoundTrip implements [http.RoundTripper].
func (t *tokenless) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*session)(t)
	if err := s.maySend(req); err != nil {
		closeBody(req)
		return nil, err
	}
	if held := s.current(); held.signedIn() && s.app.mayHaveToken(req.URL) && !held.isUsable(s.app.clock()) {
		s.reportResult(s.tellExpired(req.Context(), held, true))
	}
	return s.router().of(req.URL).RoundTrip(req)
}

func (s *session) maySend(req *http.Request) error {
	if req.URL == nil {
		return errNoURL
	}
	return s.isOpen()
}

var errNoURL = errors.New("spotipie: request without a URL")

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the
// transports underneath.
func (t *transport) CloseIdleConnections() {
	if t.app != nil {
		(*session)(t).router().closeIdleConnections()
	}
}

// mayHaveToken reports whether the access token belongs to the origin of u.
func (a *app) mayHaveToken(u *url.URL) bool {
	for i := range a.origins {
		if a.origins[i].is(u) {
			return true
		}
	}
	return false
}

// authorizedRequest is a request and the one value of its Authorization header
// in one piece of memory.
type authorizedRequest struct {
	request http.Request
	value   [1]string
}

// authorized returns a copy of req with the Authorization header, in place of
// any that req has in whatever spelling. The values of its other headers are
// those of req.
func authorized(req *http.Request, token *Token) *http.Request {
	a := &authorizedRequest{request: *req, value: [1]string{token.secret().authorization}}
	header := maps.Clone(req.Header)
	if header == nil {
		header = make(http.Header, 1)
	}
	for name := range header {
		if len(name) == len("Authorization") && strings.EqualFold(name, "Authorization") {
			delete(header, name)
		}
	}
	header["Authorization"] = a.value[:]
	a.request.Header = header
	return &a.request
}

// send sends req with the token. The answer has req as its request, so that
// code which sees the answer does not see the token. Nor does an error show it,
// if the other side repeats what it was sent.
func send(rt http.RoundTripper, req *http.Request, token *Token) (*http.Response, error) {
	sent, remembers := req.Context().Value(sentTokenKey{}).(*atomic.Pointer[Token])
	if remembers {
		sent.Store(token)
	}
	resp, err := rt.RoundTrip(authorized(req, token))
	if err != nil {
		return resp, withoutSecrets(err, []string{token.AccessToken()})
	}
	if resp == nil {
		return nil, fmt.Errorf("spotipie: the RoundTripper %T returned neither an answer nor an error", rt)
	}
	resp.Request = req
	if !remembers && resp.StatusCode >= http.StatusBadRequest { // for CheckResponse
		resp.Request = req.WithContext(rememberSentToken(req.Context(), token))
	}
	if resp.Body == nil { // as an http.Client would
		resp.Body = http.NoBody
	}
	return resp, nil
}

// sentTokenKey is the key of a context's *atomic.Pointer[Token], which gets the
// token that the request was sent with. CheckResponse takes it out of what the
// server says.
type sentTokenKey struct{}

// rememberSentToken returns a context that has the token of the request, which
// may be nil until it is sent.
func rememberSentToken(ctx context.Context, token *Token) context.Context {
	sent := new(atomic.Pointer[Token])
	sent.Store(token)
	return context.WithValue(ctx, sentTokenKey{}, sent)
}

// sentToken returns the access token that a request was sent with, as far as
// that is known.
func sentToken(req *http.Request) string {
	if req == nil {
		return ""
	}
	if sent, ok := req.Context().Value(sentTokenKey{}).(*atomic.Pointer[Token]); ok && sent.Load() != nil {
		return sent.Load().AccessToken()
	}
	_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token)
}

// recoverUnauthorized handles a 401 (RFC 6750 section 3.1): it replaces the
// token that was sent, together with all other callers whose token was refused, and
// sends the request once more if its body can be read again.
func (s *session) recoverUnauthorized(rt http.RoundTripper, req *http.Request, resp *http.Response, sent *state) (*http.Response, error) {
	if sent.detail().refused != "" {
		_ = resp.Body.Close()
		return nil, sent.noToken()
	}
	if !s.mayRenew(sent, false) {
		return resp, nil
	}
	next, err := s.replaceRefused(req.Context(), sent)
	if errors.Is(err, ErrReauthorizationRequired) {
		_ = resp.Body.Close()
		return nil, err
	}
	if !next.signedIn() || sameAccess(next, sent) {
		return resp, nil
	}
	body, ok := bodyAgain(req)
	if !ok {
		return resp, nil
	}
	_ = resp.Body.Close() // without reading it: it may never end
	again := *req
	again.Body = body
	return send(rt, &again, next.token)
}

// isTokenRefused reports whether an answer is about the token: 401 with the
// error code invalid_token (RFC 6750 section 3.1), or without a code. A 401
// with another code means something else, and so does one without a code to an
// app's own token: that the request needs a user's.
func isTokenRefused(resp *http.Response, flow Flow) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	challenges := resp.Header.Values("WWW-Authenticate")
	if strings.Trim(strings.Join(challenges, ""), ", \t") == "" { // an empty list
		return true
	}
	code, found := bearerChallenge(challenges)
	return code == codeInvalidToken || found && code == "" && flow != FlowClientCredentials
}

// replaceRefused gets a token other than refused. It does not replace a token
// again that it got moments ago, because then the token is not what the server
// objects to. Nor does it replace one whose renewal has just failed.
func (s *session) replaceRefused(ctx context.Context, refused *state) (*state, error) {
	if s.renewal.Load() != nil && s.isInListener(ctx) {
		return nil, nil // the renewal may be waiting for this very listener
	}
	now := s.app.clock()
	last := s.lastReplacement.Load()
	if last.isOf(refused) && now.isBefore(last.until) {
		return nil, nil
	}
	if current := s.current(); sameAccess(current, refused) && s.failure.Load().putsOff(current, now) {
		return nil, nil
	}
	next, renewal, err := s.replace(ctx, refused)
	if next != nil {
		s.lastReplacement.Store(s.lastReplacement.Load().after(refused, next, now))
	}
	if err != nil && !errors.Is(err, ErrReauthorizationRequired) && ctx.Err() == nil {
		s.reportResult(renewal) // the caller gets an answer, and nothing else
	}
	return next, err
}

// replacement is a token that replaced a refused one.
type replacement struct {
	token *Token
	until instant // it is not replaced for the same reason before
	wait  time.Duration
}

func (r *replacement) isOf(s *state) bool {
	return r != nil && s.signedIn() && r.token.AccessToken() == s.token.AccessToken()
}

// How soon after such a replacement the next one is made. If that does not help
// either, the wait doubles each time.
const (
	minRefusedAgain = 10 * time.Second
	maxRefusedAgain = 10 * time.Minute
)

// after returns the replacement of refused that follows on r, which may be nil.
func (r *replacement) after(refused, next *state, now instant) *replacement {
	wait := minRefusedAgain
	switch {
	case r.isOf(next): // another caller has replaced it
		return r
	case r.isOf(refused):
		wait = min(2*r.wait, maxRefusedAgain)
	}
	return &replacement{token: next.token, until: now.add(wait), wait: wait}
}

// bodyAgain returns the body of req for a second time.
func bodyAgain(req *http.Request) (body io.ReadCloser, ok bool) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return req.Body, true
	case req.GetBody == nil:
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
