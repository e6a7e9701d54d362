package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// endpoint is the RoundTripper of a process's session. It leads to the accounts
// service and the Web API.
type endpoint struct {
	process *process
	spotify *spotify
}

// tokenRequest is one request to the token endpoint.
type tokenRequest struct {
	process *process
	sent    moment
	// ended is when the sender got the answer or gave up.
	ended    moment
	hasEnded bool
	reached  bool         // the request took effect
	issued   *accessToken // the token in the answer
	// delivered says that the whole answer reached the session.
	delivered bool
}

var errCut = errors.New("connection reset by peer")

// RoundTrip implements [http.RoundTripper].
func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	if err := e.process.awaken(); err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(req.URL.Path, "/api/token") {
		return e.api(req)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return respond(req, http.StatusBadRequest, `{"error":"invalid_request"}`), nil
	}
	return e.token(req, form)
}

// api answers a request to the Web API.
func (e *endpoint) api(req *http.Request) (*http.Response, error) {
	w := e.spotify.world
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	var latency time.Duration
	w.locked(func() {
		w.oracle.askedAPI(e.process, req.Context(), token)
		latency = w.between(time.Millisecond, 20*time.Millisecond)
	})
	if err := e.process.pause(req.Context(), latency); err != nil {
		return nil, err
	}
	w.mu.Lock()
	valid := !e.spotify.trouble[e.process.setup.App].refuses() && e.spotify.valid(token)
	if !valid {
		e.process.wanted = w.now()
	}
	w.note(e.process.name, "the Web API says %s to %s", verdict(valid), token)
	w.mu.Unlock()
	if err := e.process.awaken(); err != nil {
		return nil, err
	}
	if valid {
		return respond(req, http.StatusOK, "{}"), nil
	}
	return respond(req, http.StatusUnauthorized, `{"error":{"status":401,"message":"The access token expired"}}`,
		"WWW-Authenticate", `Bearer realm="spotify", error="invalid_token", error_description="The access token expired"`), nil
}

type verdict bool

func (v verdict) String() string {
	if v {
		return "200"
	}
	return "401"
}

// token answers a token request, with the fault that the plan has for it.
func (e *endpoint) token(req *http.Request, form url.Values) (*http.Response, error) {
	w, p, ctx := e.spotify.world, e.process, req.Context()
	r := &tokenRequest{process: p, sent: w.now()}
	asked := cmp.Or(form.Get("refresh_token"), form.Get("code"), form.Get("grant_type"))
	var fault Action
	var latency time.Duration
	w.locked(func() {
		fault = e.spotify.trouble[p.setup.App].fault()
		latency = w.between(5*time.Millisecond, 80*time.Millisecond)
		w.note(p.name, "asks for a token with %s", asked)
		w.oracle.asked(p, r, form)
	})
	resp, err := e.carryOut(ctx, req, form, r, fault, latency)
	if awake := p.awaken(); awake != nil {
		resp, err = nil, awake
	}
	if err == nil && ctx.Err() != nil {
		resp, err = nil, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.hasEnded, r.ended = true, w.now()
	r.delivered = err == nil && resp.StatusCode == http.StatusOK && r.issued != nil && fault.Fault != GarbageAfter
	switch {
	case r.delivered:
		w.note(p.name, "is given %s for %s", r.issued.pair(), asked)
		w.oracle.given(p, r)
	case err != nil:
		w.note(p.name, "hears nothing about %s: %v", asked, err)
	default:
		w.note(p.name, "hears %d about %s%s", resp.StatusCode, asked, garbageNote(fault.Fault))
		w.oracle.refused(p, resp)
		if resp.StatusCode == http.StatusBadRequest && fault.Fault != GarbageAfter {
			w.oracle.refusedForGood(p, form.Get("refresh_token"))
		}
	}
	return resp, err
}

// carryOut takes a token request to the accounts service and the answer back.
func (e *endpoint) carryOut(ctx context.Context, req *http.Request, form url.Values, r *tokenRequest, fault Action, latency time.Duration) (*http.Response, error) {
	p := e.process
	if fault.Fault == SlowBefore {
		latency += fault.For
	}
	if err := p.pause(ctx, latency); err != nil {
		if errors.Is(err, errDead) && fault.Fault == NoFault { // the request was sent before the process died
			e.answer(form, r)
		}
		return nil, err
	}
	switch fault.Fault {
	case TooManyRequests:
		seconds := strconv.Itoa(int(fault.For / time.Second))
		return respond(req, http.StatusTooManyRequests, `{"error":{"status":429,"message":"API rate limit exceeded"}}`, "Retry-After", seconds), nil
	case Unavailable:
		return respond(req, http.StatusServiceUnavailable, `{"error":"server_error"}`), nil
	case CutBefore:
		return nil, errCut
	case GarbageBefore:
		return respond(req, http.StatusOK, "<!doctype html><title>Welcome</title><p>Please log in to the network."), nil
	}
	status, body := e.answer(form, r)
	switch fault.Fault {
	case GatewayFailed:
		return respond(req, http.StatusBadGateway, "Bad Gateway"), nil
	case CutAfter:
		return nil, errCut
	case SlowAfter:
		if err := p.pause(ctx, fault.For); err != nil {
			return nil, err
		}
	case GarbageAfter:
		body = body[:len(body)/2]
	}
	return respond(req, status, body), nil
}

// answer lets a token request take effect and returns the answer.
func (e *endpoint) answer(form url.Values, r *tokenRequest) (status int, body string) {
	w := e.spotify.world
	w.mu.Lock()
	defer w.mu.Unlock()
	var failed *tokenError
	switch form.Get("grant_type") {
	case "authorization_code":
		r.issued, failed = e.spotify.exchange(form)
	case "refresh_token":
		r.issued, failed = e.spotify.renew(r, form.Get("refresh_token"))
	case "client_credentials":
		r.issued = e.spotify.issue(e.spotify.own, nil)
	default:
		failed = &tokenError{"unsupported_grant_type", "grant_type parameter is missing"}
	}
	r.reached = true
	if failed != nil {
		return http.StatusBadRequest, fmt.Sprintf(`{"error":%q,"error_description":%q}`, failed.code, failed.description)
	}
	return http.StatusOK, answerJSON(r.issued, form.Get("refresh_token"))
}

// answerJSON returns the answer of RFC 6749 section 5.1. It leaves out a refresh
// token that stays the same.
func answerJSON(a *accessToken, asked string) string {
	body := fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":%d`, a, int(a.lifetime/time.Second))
	if a.isApps() {
		return body + "}"
	}
	body += fmt.Sprintf(`,"scope":%q`, scope)
	if name := a.refresh.String(); name != asked {
		body += fmt.Sprintf(`,"refresh_token":%q`, name)
	}
	return body + "}"
}

func respond(req *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: h,
		ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}
}

type garbageNote Fault

func (g garbageNote) String() string {
	if f := Fault(g); f == GarbageBefore || f == GarbageAfter {
		return ", and it is no token"
	}
	return ""
}
