package spotipie

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// state is what a session knows of its authorization at one moment. It is never
// changed: the transitions in transitions.go make the next one of it. A nil
// *state knows nothing yet. There is one for each session, so it is kept small.
type state struct {
	token *Token // nil: nobody is signed in
	// The moments that matter, on the wall clock. Until fresh the token is used
	// without looking further, from stale on it is due for renewal, and from
	// expired on it is not used, nor from expiredMonotonic on the other clock.
	fresh, stale, expired int64
	expiredMonotonic      int64

	authorizedAt int64  // when the user consented; 0 if it is not known
	consent      uint64 // its number, see [Record]
	renewals     uint64 // since the consent
	version      uint64 // the highest version of the stored record that was seen; 0: none
	more         *details
}

// details are the parts of a state that few sessions have at a time.
type details struct {
	requestedScope Scopes // if it is not that of the app
	refused        string // the words in which token's refresh token was refused for good
	refusedAt      int64  // when that was; 0 if it is not known
	remindedAt     int64  // when the user was told that the consent ends soon; 0 if they were not
	usedUp         []fingerprint
	unsaved        unsaved
	fallenBack     bool // the store has shown an older state, which is to be saved over
	// saving: this state is being saved for the first time. Until that is over
	// callers get what handedOut has.
	saving bool
	said   int64 // when the user's word that is not saved was spoken, on the monotonic clock
	// looked is the version of what the store had when it was first looked at
	// since then; 1: nothing. 0: it was not looked at yet.
	looked    uint64
	handedOut *state
}

// unsaved says what of a state is not in the store yet.
type unsaved int8

const (
	unsavedNothing unsaved = iota
	unsavedAgain           // nothing new: it was saved, and the store has lost it
	unsavedAnswer          // what the accounts service has answered: a new token, or a refusal
	unsavedWord            // the user's word: a consent, a token that was set, a logout
)

// fingerprint identifies a refresh token without revealing it.
type fingerprint uint64

func fingerprintOf(refreshToken string) fingerprint {
	sum := sha256.Sum256([]byte(refreshToken))
	return fingerprint(binary.BigEndian.Uint64(sum[:8]))
}

// keptUsedUp is how many used-up refresh tokens are remembered once the state
// is saved. Until then all are.
const keptUsedUp = 8

// detail returns the details, which are not to be changed.
func (s *state) detail() *details {
	if s == nil || s.more == nil {
		return &details{}
	}
	return s.more
}

// with returns a copy of s after a change.
func (s *state) with(change func(next *state, more *details)) *state {
	var next state
	if s != nil {
		next = *s
	}
	more := *s.detail()
	change(&next, &more)
	next.more = nil
	if more.requestedScope != nil || more.refused != "" || more.remindedAt != 0 || len(more.usedUp) > 0 || more.unsaved != unsavedNothing || more.fallenBack || more.saving {
		next.more = &more
	}
	next.fresh = next.stale
	if more.saving || next.token == nil {
		next.fresh = never
	}
	return &next
}

// never is a moment before all others.
const never = -1 << 63

// current returns the state that callers get: s, or what it replaces while it
// is being saved for the first time.
func (s *state) current() *state {
	if d := s.detail(); d.saving {
		return d.handedOut
	}
	return s
}

func (s *state) isUnsaved() bool { return s.detail().unsaved != unsavedNothing }

// signedIn reports whether there is a token.
func (s *state) signedIn() bool { return s != nil && s.token != nil }

func (s *state) tokenOrNil() *Token {
	if s == nil {
		return nil
	}
	return s.token
}

// refreshToken returns the refresh token, or an empty string.
func (s *state) refreshToken() string {
	if !s.signedIn() {
		return ""
	}
	return s.token.RefreshToken()
}

// isUsable reports whether the token may be used at a moment.
func (s *state) isUsable(now instant) bool {
	return s.signedIn() && now.wall < s.expired && now.monotonic < s.expiredMonotonic && !s.isTooLong(now)
}

// isFresh reports whether the token may be used without looking further.
func (s *state) isFresh(now instant) bool {
	return s != nil && now.wall < s.fresh && now.monotonic < s.expiredMonotonic-(s.expired-s.fresh) && !s.isTooLong(now)
}

// isStale reports whether the token is due for renewal.
func (s *state) isStale(now instant) bool {
	return now.wall >= s.stale || now.monotonic >= s.expiredMonotonic-(s.expired-s.stale)
}

// isTooLong reports whether the token would live longer than its lifetime: the
// wall clock was ahead when it was received, and has been corrected since.
func (s *state) isTooLong(now instant) bool {
	return s.expired-now.wall > int64(max(s.token.expiresIn, shortestLife))
}

func (s *state) consentOrZero() uint64 {
	if s == nil {
		return 0
	}
	return s.consent
}

// isUsedUp reports whether a refresh token is known to have been used up.
func (s *state) isUsedUp(refreshToken string) bool {
	used := s.detail().usedUp
	return len(used) > 0 && refreshToken != "" && slices.Contains(used, fingerprintOf(refreshToken))
}

// sameAccess reports whether two states have the same access token.
func sameAccess(a, b *state) bool {
	return a.signedIn() && b.signedIn() && (a.token == b.token || a.token.AccessToken() == b.token.AccessToken())
}

// reauthorizeBy returns when the refresh token expires; see [Session].
func (s *state) reauthorizeBy() time.Time {
	if s == nil || s.authorizedAt == 0 || s.refreshToken() == "" {
		return time.Time{}
	}
	return addMonths(time.Unix(0, s.authorizedAt).UTC(), refreshTokenMonths)
}

// refreshTokenMonths is how long a refresh token lives after the consent.
const refreshTokenMonths = 6

// addMonths returns the same day some months later, or the last of that month
// if it has no such day.
func addMonths(t time.Time, months int) time.Time {
	later := t.AddDate(0, months, 0)
	if later.Day() != t.Day() { // it went on into the next month
		later = later.AddDate(0, 0, -later.Day())
	}
	return later
}

// record returns what a store keeps of s.
func (s *state) record(r rules) Record {
	d := s.detail()
	rec := Record{
		Token: s.token, ClientID: r.clientID, Flow: r.flow, Consent: s.consent, Renewals: s.renewals,
		RequestedScope: r.scope, Rejected: d.refused, Version: s.version,
	}
	if s.authorizedAt != 0 {
		rec.AuthorizedAt = time.Unix(0, s.authorizedAt).UTC()
	}
	if d.refusedAt != 0 {
		rec.RejectedAt = time.Unix(0, d.refusedAt).UTC()
	}
	if d.remindedAt != 0 {
		rec.RemindedAt = time.Unix(0, d.remindedAt).UTC()
	}
	if d.requestedScope != nil {
		rec.RequestedScope = d.requestedScope
	}
	return rec
}

// toSave returns the record that s is saved as. Its version is to exceed the
// number of its consent too (see transitions.go).
func (s *state) toSave(r rules) Record {
	rec := s.record(r)
	rec.Version = max(rec.Version, versionAbove(rec.Consent))
	return rec
}

// noToken returns why there is no token and the session cannot get one.
func (s *state) noToken() error {
	switch {
	case !s.signedIn():
		return ErrNotAuthorized
	case s.detail().refused != "":
		return fmt.Errorf("%w: %w", ErrReauthorizationRequired, &TokenEndpointError{
			StatusCode: http.StatusBadRequest, Code: codeInvalidGrant, Description: s.detail().refused,
		})
	}
	return ErrTokenExpired
}
