package spotipie

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// state is what a session knows of its authorization at one moment. A state never
// changes: the transitions in transitions.go make the next state from it. A nil
// *state means that nothing is known yet. Each session has one, so it is small.
type state struct {
	token *Token // nil: nobody is signed in
	// These are times on the wall clock. Until freshUntil the token is used without any
	// other check. From stale on it is due for renewal. From expired on, or from
	// expiredMonotonic on the monotonic clock, it is not used.
	freshUntil, stale, expired int64
	expiredMonotonic           int64

	authorizedAt int64  // when the user consented; 0 if it is not known
	consent      uint64 // its number, see [Record]
	renewals     uint64 // since the consent
	version      uint64 // the highest version of the stored record that was seen; 0: none
	more         *details
}

// details are the parts of a state that only few sessions have at the same time.
type details struct {
	requestedScope Scopes // if it is not that of the app
	refused        string // what the accounts service said when it refused the refresh token for good
	refusedAt      int64  // when that was; 0 if it is not known
	remindedAt     int64  // when the user was told that the consent ends soon; 0 if they were not
	usedUp         []fingerprint
	unsaved        unsaved
	fallenBack     bool // the store has an older record, which this state must replace
	// saving means that this state is being saved for the first time. Until that
	// has ended callers get handedOut.
	saving    bool
	decidedAt int64 // when the user took the decision that is not saved, on the monotonic clock
	// firstRead is the version that the store had when it was first read after that.
	// 1 means that it had nothing, and 0 that it was not read yet.
	firstRead uint64
	handedOut *state
}

// unsaved says which part of a state is not in the store yet.
type unsaved int8

const (
	unsavedNothing  unsaved = iota
	unsavedAgain            // nothing new: it was saved, but the store has lost it
	unsavedAnswer           // an answer of the accounts service: a new token, or a refusal
	unsavedDecision         // a decision of the user: a consent, a token that was set, a logout
)

// fingerprint identifies a refresh token without revealing it.
type fingerprint uint64

func fingerprintOf(refreshToken string) fingerprint {
	sum := sha256.Sum256([]byte(refreshToken))
	return fingerprint(binary.BigEndian.Uint64(sum[:8]))
}

// keptUsedUp is how many used-up refresh tokens a saved state remembers. An unsaved
// state remembers all.
const keptUsedUp = 8

// detail returns the details. The caller must not change them.
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
	next.freshUntil = next.stale
	if more.saving || next.token == nil {
		next.freshUntil = never
	}
	return &next
}

// never is a time before all others.
const never = -1 << 63

// withoutFresh returns a copy of s in which the token is not fresh, so that callers check again
// and find that the session is closed.
func (s *state) withoutFresh() *state {
	if s == nil {
		return nil
	}
	c := *s
	c.freshUntil = never
	return &c
}

// current returns the state that callers get: s, or while s is being saved for the
// first time, the state that s replaces.
func (s *state) current() *state {
	if d := s.detail(); d.saving {
		return d.handedOut
	}
	return s
}

func (s *state) isUnsaved() bool { return s.detail().unsaved != unsavedNothing }

// unsavedIfLost returns what is not saved if the store has lost s.
func (s *state) unsavedIfLost() unsaved {
	if s.signedIn() {
		return unsavedAgain
	}
	return unsavedDecision
}

// signedIn reports whether there is a token.
func (s *state) signedIn() bool { return s != nil && s.token != nil }

// isLoggedOut reports whether the authorization is known to be gone. It is not if nothing
// is known yet.
func (s *state) isLoggedOut() bool { return s != nil && s.token == nil }

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

// isUsable reports whether the token may be used at a time.
func (s *state) isUsable(now instant) bool {
	return s.signedIn() && now.wall < s.expired && now.monotonic < s.expiredMonotonic && !s.outlivesLifetime(now)
}

// isFresh reports whether the token may be used without any other check.
func (s *state) isFresh(now instant) bool {
	return s != nil && now.wall < s.freshUntil && now.monotonic < s.expiredMonotonic-(s.expired-s.freshUntil) && !s.outlivesLifetime(now)
}

// isStale reports whether the token is due for renewal.
func (s *state) isStale(now instant) bool {
	return now.wall >= s.stale || now.monotonic >= s.expiredMonotonic-(s.expired-s.stale)
}

// outlivesLifetime reports whether the token would live longer than its lifetime, because the
// wall clock was ahead when it was received and has been corrected since.
func (s *state) outlivesLifetime(now instant) bool {
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

// authorizedTime returns when the user last consented.
func (s *state) authorizedTime() time.Time {
	if s == nil {
		return time.Time{}
	}
	return timeOf(s.authorizedAt)
}

// reauthorizeBy returns when the refresh token expires; see [Session].
func (s *state) reauthorizeBy() time.Time {
	if s == nil || s.authorizedAt == 0 || s.refreshToken() == "" {
		return time.Time{}
	}
	return addMonths(timeOf(s.authorizedAt), refreshTokenMonths)
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

// nanosecondsOf returns a time of a record as a state has it: 0 if it is not known, or so
// far away that it makes no sense.
func nanosecondsOf(t time.Time) int64 {
	if year := t.UTC().Year(); year < 1970 || year > 2200 {
		return 0
	}
	return t.UnixNano()
}

// timeOf returns the time of nanoseconds as a state has them: the zero time if they are 0.
func timeOf(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

// record returns what a store keeps of s.
func (s *state) record(r rules) Record {
	d := s.detail()
	rec := Record{
		Token: s.token, AuthorizedAt: timeOf(s.authorizedAt), RequestedScope: r.scope, ClientID: r.clientID, Flow: r.flow,
		Consent: s.consent, Renewals: s.renewals, Rejected: d.refused, RejectedAt: timeOf(d.refusedAt), RemindedAt: timeOf(d.remindedAt),
		Version: s.version,
	}
	if d.requestedScope != nil {
		rec.RequestedScope = d.requestedScope
	}
	return rec
}

// toSave returns the record that s is saved as. Its version must also be higher than
// the number of its consent (see transitions.go).
func (s *state) toSave(r rules) Record {
	rec := s.record(r)
	rec.Version = max(rec.Version, versionAbove(rec.Consent))
	return rec
}

// saveOp returns the name of the store operation that saves s.
func (s *state) saveOp() string {
	if s.signedIn() {
		return opSave
	}
	return opDelete
}

func (s *state) versionOrZero() uint64 {
	if !s.signedIn() {
		return 0
	}
	return s.version
}

// isSame reports whether two states would be saved as the same record.
func (s *state) isSame(other *state) bool {
	return s == other || s != nil && other != nil &&
		s.token.isSame(other.token) && s.consent == other.consent && s.detail().refused == other.detail().refused
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
