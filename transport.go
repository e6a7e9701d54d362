package spotipie

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// transport is a session as the RoundTripper of its clients. An HTTP client
// calls it for every hop of a redirect, so each hop is judged on its own.
type transport session

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*session)(t)
	if req.URL == nil {
		closeBody(req)
		return nil, errNoURL
	}
	if s.closed.Load() {
		closeBody(req)
		return nil, ErrClosed
	}
	rt := s.roundTripper(req.URL)
	if !s.mayHaveToken(req.URL) {
		return rt.RoundTrip(req)
	}
	h, err := s.valid(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := rt.RoundTrip(authorized(req, h.token))
	if err != nil || !isTokenRefused(resp) {
		return resp, err
	}
	return s.recoverUnauthorized(rt, req, resp, h)
}

// tokenless is a session as the RoundTripper of requests without its token.
type tokenless session

// RoundTrip implements [http.RoundTripper].
func (t *tokenless) RoundTrip(req *http.Request) (*http.Response, error) {
	s := (*session)(t)
	if req.URL == nil {
		closeBody(req)
		return nil, errNoURL
	}
	if s.closed.Load() {
		closeBody(req)
		return nil, ErrClosed
	}
	if h := s.held.Load(); h != nil && s.mayHaveToken(req.URL) && !h.usable(s.now()) {
		_ = s.tokenExpired(req.Context(), h, true) // its errors are reported
	}
	return s.roundTripper(req.URL).RoundTrip(req)
}

var errNoURL = errors.New("spotipie: request without a URL")

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the
// transports underneath.
func (t *transport) CloseIdleConnections() {
	s := (*session)(t)
	(&http.Client{Transport: s.cfg.transport}).CloseIdleConnections()
	if mounts := s.mounts.Load(); mounts != nil {
		for _, m := range *mounts {
			(&http.Client{Transport: m.rt}).CloseIdleConnections()
		}
	}
}

// mayHaveToken reports whether the access token belongs to the origin of u.
func (s *session) mayHaveToken(u *url.URL) bool {
	for i := range s.cfg.origins {
		if s.cfg.origins[i].is(u) {
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

// authorized returns a copy of req with the Authorization header. The values
// of its other headers are those of req.
func authorized(req *http.Request, token *Token) *http.Request {
	a := &authorizedRequest{request: *req, value: [1]string{token.secrets().authorization}}
	header := maps.Clone(req.Header)
	if header == nil {
		header = make(http.Header, 1)
	}
	header["Authorization"] = a.value[:]
	a.request.Header = header
	return &a.request
}

// recoverUnauthorized answers a 401 (RFC 6750 section 3.1): it replaces the
// token that was refused, together with all others who were refused the same,
// and sends the request once more if its body can be had once more.
func (s *session) recoverUnauthorized(rt http.RoundTripper, req *http.Request, resp *http.Response, refused *held) (*http.Response, error) {
	if refused.rejected() != "" {
		_ = resp.Body.Close()
		return nil, s.noToken(refused)
	}
	if !s.autoRefresh.Load() || !s.renewable(refused) {
		return resp, nil
	}
	next, err := s.replaceRefused(req.Context(), refused)
	if errors.Is(err, ErrReauthorizationRequired) {
		_ = resp.Body.Close()
		return nil, err
	}
	if next == nil || sameToken(next, refused) {
		return resp, nil
	}
	body, ok := bodyAgain(req)
	if !ok {
		return resp, nil
	}
	_ = resp.Body.Close() // without reading it: it may never end
	again := authorized(req, next.token)
	again.Body = body
	return rt.RoundTrip(again)
}

// isTokenRefused reports whether an answer is about the token: 401 with the
// error code invalid_token (RFC 6750 section 3.1), or without a word on why. A
// 401 that gives no such code means something else, such as that an app's own
// token does not do.
func isTokenRefused(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	challenges := resp.Header.Values("WWW-Authenticate")
	return len(challenges) == 0 || slices.ContainsFunc(challenges, func(c string) bool {
		return strings.Contains(c, "invalid_token")
	})
}

// replaceRefused gets another token than refused. A token that was itself got
// that way moments ago is not replaced again: then it is not the token that
// the server dislikes.
func (s *session) replaceRefused(ctx context.Context, refused *held) (*held, error) {
	now := s.now()
	if last := s.lastRefused.Load(); last != nil && sameToken(last.next, refused) && now.Sub(last.at) < refusedAgain {
		return nil, nil
	}
	next, err := s.replace(ctx, refused)
	if next != nil {
		s.lastRefused.Store(&replacement{next: next, at: now})
	}
	return next, err
}

// replacement is a token that was got because its predecessor was refused.
type replacement struct {
	next *held
	at   time.Time
}

// refusedAgain is how soon after such a replacement the next is made.
const refusedAgain = 10 * time.Second

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
