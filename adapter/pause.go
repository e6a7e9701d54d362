package adapter

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	defaultMaxPause   = 24 * time.Hour
	defaultQuotaPause = time.Hour
)

// PauseOptions are the settings of [NewPause]. Nil and the zero value mean the
// defaults.
type PauseOptions struct {
	// MaxPause is the longest time that a pause lasts, whatever the server asks
	// for; then the server is asked again. 0 or less means 24 hours, the
	// longest pause that Spotify is known to have asked for.
	MaxPause time.Duration

	// QuotaPause is how long a pause lasts when a quota is used up and the
	// server does not say until when. 0 or less means an hour.
	QuotaPause time.Duration

	// ProbeInterval lets one request through in each such interval of a pause,
	// the first when one interval has passed. If the server answers it, and
	// neither with 429 again nor with a status of 500 or more, the pause is
	// over, for all requests. 0 or less means never: no request is sent during
	// a pause, as the server has asked.
	//
	// Probes help where a pause may last longer than it has to: on most systems
	// a computer that sleeps stops the clock that a pause is measured with.
	ProbeInterval time.Duration

	// OnPause, if not nil, is called when a pause begins, and when one gets
	// longer by a second or more or changes its reason, in the goroutine of the
	// request that got the answer, before the answer is returned. It may be
	// called by several goroutines at once. ctx is the request's. A program
	// that runs again and again can save the pause here, and give it to
	// [Pause.Restore] when it runs next.
	OnPause func(ctx context.Context, pause PauseState)
}

// Pause is a RoundTripper that sends nothing while a server has asked for a
// pause. Make one with [NewPause]. All its methods may be called by several
// goroutines at once.
type Pause struct {
	base  http.RoundTripper
	opts  PauseOptions // with the defaults filled in
	clock clock

	mu     sync.Mutex
	pauses map[string]*pause // by host
}

// NewPause returns a RoundTripper that sends requests through base
// ([http.DefaultTransport] if nil) until a server says to wait: with status 429
// Too Many Requests and a Retry-After header, or because a quota is used up
// ([spotipie.ReasonQuotaExceeded]). That answer is returned unchanged. Until
// the pause is over, every other request to that host, whatever its method and
// path, is not sent but fails at once with a [*spotipie.RateLimitError] that
// has NotSent set.
//
// Spotify counts the requests of an app, not of a user: mount one Pause on all
// sessions of an app. Its quota is that of the developer's account: apps of one
// account may share a Pause, too. Some endpoints of Spotify have limits of
// their own; the pause that these ask for stops all requests to the host.
//
// A 429 without Retry-After, and other statuses, begin no pause. If a server
// asks for several, the one that ends last counts. A [*spotipie.RateLimitError]
// of the base with status 429 begins a pause like an answer.
//
// A pause is measured on the monotonic clock, so that a correction of the
// computer's time neither ends nor prolongs it. It is forgotten with the Pause;
// [Pause.Pauses] and [Pause.Restore] carry it over to another process.
//
// The reason is in the body of the answer: the first 16 KiB of the body of a
// 429 are read before it is returned, for at most a second.
func NewPause(base http.RoundTripper, opts *PauseOptions) *Pause {
	if opts == nil {
		opts = &PauseOptions{}
	}
	p := &Pause{base: orDefaultTransport(base), opts: *opts, clock: systemClock(), pauses: make(map[string]*pause)}
	p.opts.MaxPause = positiveOr(opts.MaxPause, defaultMaxPause)
	p.opts.QuotaPause = positiveOr(opts.QuotaPause, defaultQuotaPause)
	return p
}

// RoundTrip implements [http.RoundTripper].
func (p *Pause) RoundTrip(req *http.Request) (*http.Response, error) {
	if p.base == nil {
		return unusable{errZeroPause}.RoundTrip(req)
	}
	host := hostOf(req.URL)
	probe, err := p.admit(host)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := roundTrip(p.base, req)
	switch limit := pauseAsked(resp, err); {
	case limit != nil:
		if state, changed := p.begin(host, limit, probe); changed && p.opts.OnPause != nil {
			p.tell(req.Context(), state, resp)
		}
	case probe && err == nil && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < http.StatusInternalServerError:
		p.End(host)
	}
	return resp, err
}

// tell calls OnPause. If that panics, nobody gets resp, which may be nil.
func (p *Pause) tell(ctx context.Context, state PauseState, resp *http.Response) {
	returned := false
	defer func() {
		if !returned && resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
	}()
	p.opts.OnPause(ctx, state)
	returned = true
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (p *Pause) CloseIdleConnections() { closeIdleConnections(p.base) }

// Pauses returns the pauses that are not over, by host in alphabetical order.
func (p *Pause) Pauses() []PauseState {
	p.mu.Lock()
	defer p.mu.Unlock()
	var states []PauseState
	for host, held := range p.pauses {
		if p.left(held) > 0 {
			states = append(states, p.state(host, held))
		}
	}
	slices.SortFunc(states, func(a, b PauseState) int { return strings.Compare(a.Host, b.Host) })
	return states
}

// Restore gives p the pauses of another Pause, also of one in another process
// or on another computer. The rest of a pause is calculated from Until and the
// computer's time, but is never more than the whole pause or MaxPause, in case
// that time is wrong. Pauses that are over are ignored, and so are those that
// end before one that p already has. OnPause is not called.
func (p *Pause) Restore(states ...PauseState) {
	if p.base == nil { // RoundTrip says what is wrong
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	wall, now := p.clock.wall(), p.clock.monotonic()
	for _, s := range states {
		host := hostOf(&url.URL{Host: s.Host})
		left := min(s.Until.Sub(wall), p.opts.MaxPause)
		began := now
		if !s.Since.IsZero() {
			left = min(left, s.Until.Sub(s.Since))
			began -= max(wall.Sub(s.Since), 0)
		}
		if host == "" || left <= 0 || left < p.left(p.pauses[host]) {
			continue
		}
		p.pauses[host] = &pause{
			began: began, end: now + left, nextProbe: now + p.opts.ProbeInterval, reason: s.Reason, message: s.Message,
		}
	}
}

// End ends the pause of a host, such as "api.spotify.com", if there is one.
func (p *Pause) End(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pauses, hostOf(&url.URL{Host: host}))
}

// admit returns the error for a request to host during a pause. probe is true
// for a request that may be sent anyway.
func (p *Pause) admit(host string) (probe bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held, ok := p.pauses[host]
	if !ok {
		return false, nil
	}
	left := p.left(held)
	if left <= 0 {
		delete(p.pauses, host)
		return false, nil
	}
	now := p.clock.monotonic()
	if p.opts.ProbeInterval > 0 && now >= held.nextProbe {
		held.nextProbe = now + p.opts.ProbeInterval
		return true, nil
	}
	state := p.state(host, held)
	return false, &spotipie.RateLimitError{
		RetryAfter: left, StatusCode: http.StatusTooManyRequests, Reason: held.reason, Message: held.message,
		Since: state.Since, Until: state.Until, NotSent: true,
	}
}

// begin records the pause that limit asks for, and reports whether OnPause must
// be called.
func (p *Pause) begin(host string, limit *spotipie.RateLimitError, probe bool) (state PauseState, changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := limit.RetryAfter
	if asked <= 0 {
		asked = p.opts.QuotaPause
	}
	now := p.clock.monotonic()
	next := &pause{
		began: now, end: now + min(asked, p.opts.MaxPause), nextProbe: now + p.opts.ProbeInterval,
		reason: limit.Reason, message: limit.Message,
	}
	if held := p.pauses[host]; p.left(held) > 0 {
		if next.end <= held.end && !probe {
			return PauseState{}, false
		}
		next.began = held.began
		changed = probe || next.end-held.end >= time.Second || next.reason != held.reason
	} else {
		changed = true
	}
	p.pauses[host] = next
	return p.state(host, next), changed
}

// pauseAsked returns the limit in an answer or an error, or nil if it asks for
// no pause.
func pauseAsked(resp *http.Response, err error) *spotipie.RateLimitError {
	var limit *spotipie.RateLimitError
	switch {
	case errors.As(err, &limit):
		if limit.StatusCode != http.StatusTooManyRequests {
			return nil
		}
	case err == nil && resp.StatusCode == http.StatusTooManyRequests:
		limit = limitOf(resp, peek(resp))
	default:
		return nil
	}
	if limit.RetryAfter <= 0 && !limit.QuotaExceeded() {
		return nil
	}
	return limit
}
