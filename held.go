package spotipie

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// held is what a session holds: the parts of a [Record], and the moments that
// matter in nanoseconds of the wall clock. There is one for each session, so it
// is kept small.
type held struct {
	token        *Token
	authorizedAt int64 // 0 if it is not known
	version      uint64
	due          int64 // stale from here on: time to renew in the background
	expired      int64 // not handed out from here on
	// renewAt is when the next look at the token is due: due at first, later
	// the end of a back-off. It is never after expired, so a token may be
	// handed out without a second thought before it.
	renewAt  atomic.Int64
	failures atomic.Int32 // in the background, one after the other
	saving   saving
	rare     *heldRare // nil if all of it is zero
}

// heldRare are the parts of held that few sessions have.
type heldRare struct {
	requestedScope Scopes // if it is not the session's
	rejected       string
	used           string // the refresh token that an unsaved record was got with and may have used up
}

// saving says whether a record still has to be saved, and over what.
type saving int8

const (
	saved           saving = iota // nothing to do
	saveIfUnchanged               // a renewal: only over the version it was based on
	saveOver                      // the user's word: over whatever is there
)

func (s *session) newHeld(rec Record, sv saving) *held {
	t := rec.Token
	quarter := t.expiresIn / 4
	h := &held{
		token:   t,
		version: rec.Version,
		expired: t.expiresAt - int64(min(expiredMargin, quarter)),
		saving:  sv,
	}
	if !rec.AuthorizedAt.IsZero() {
		h.authorizedAt = rec.AuthorizedAt.UnixNano()
	}
	if rec.Rejected != "" || !rec.RequestedScope.Equal(s.cfg.scope) {
		h.rare = &heldRare{requestedScope: rec.RequestedScope.Normalize(), rejected: rec.Rejected}
	}
	h.due = h.expired
	if s.renewable(h) {
		h.due = min(h.expired, t.expiresAt-int64(min(jitter(s.cfg.earlyRefresh), quarter)))
	}
	h.renewAt.Store(h.due)
	if sv != saved {
		h.postpone(s.now(), 0)
	}
	return h
}

// record returns what a store keeps of h.
func (s *session) record(h *held) Record {
	rec := Record{Token: h.token, ClientID: s.clientID, RequestedScope: s.cfg.scope, Version: h.version}
	if h.authorizedAt != 0 {
		rec.AuthorizedAt = time.Unix(0, h.authorizedAt).UTC()
	}
	if h.rare != nil {
		rec.RequestedScope, rec.Rejected = h.rare.requestedScope, h.rare.rejected
	}
	return rec
}

// rejected returns the words in which the refresh token was refused for good.
func (h *held) rejected() string {
	if h == nil || h.rare == nil {
		return ""
	}
	return h.rare.rejected
}

// renewable reports whether the session could get another token in place of h,
// which may be nil, without the user.
func (s *session) renewable(h *held) bool {
	switch s.self.Flow() {
	case FlowClientCredentials:
		return true
	case FlowAuthorizationCode:
		return h != nil && h.token.RefreshToken() != "" && h.rejected() == ""
	}
	return false
}

// ahead reports whether h would live longer than its token was given: the clock
// was ahead when it was received, and has been set right since.
func (h *held) ahead(now int64) bool { return h.expired-now > int64(h.token.expiresIn) }

// usable reports whether h may be handed out at a moment.
func (h *held) usable(now time.Time) bool { return h != nil && now.UnixNano() < h.expired }

// shut is the renewAt of a closed session: every look is refused, for good.
const shut = math.MinInt64

// shut makes every later Token go the slow way, which finds the session closed.
func (h *held) shut() { h.renewAt.Store(shut) }

// lookAt sets when the next look at h is due.
func (h *held) lookAt(at int64) {
	for {
		old := h.renewAt.Load()
		if old == shut || h.renewAt.CompareAndSwap(old, at) {
			return
		}
	}
}

func (h *held) usedUp() string {
	if h.rare == nil {
		return ""
	}
	return h.rare.used
}

// claim takes the turn to look after h, which only one caller gets until the
// next postpone.
func (h *held) claim(now time.Time) bool {
	at := h.renewAt.Load()
	return at != shut && now.UnixNano() >= at && h.renewAt.CompareAndSwap(at, h.expired)
}

// postpone puts off the next look at h by the back-off, or by retryAfter if
// that is longer.
func (h *held) postpone(now time.Time, retryAfter time.Duration) {
	wait := max(backoff(int(h.failures.Add(1))-1), retryAfter)
	at := now.Add(wait).UnixNano()
	if h.saving == saved {
		at = max(at, h.due)
	}
	h.lookAt(min(at, h.expired))
}

const (
	minBackoff = 5 * time.Second
	maxBackoff = 60 * time.Second
)

// backoff returns how long to wait after so many failures before: 5 s, 10 s,
// 20 s, 40 s, then 60 s, give or take 20 %.
func backoff(failures int) time.Duration {
	return jitter(min(minBackoff<<min(failures, 10), maxBackoff))
}

// jitter returns d give or take 20 %, so that many sessions started together
// do not act together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
