package spotipie

import (
	"testing"
	"time"
)

// TestWhichRecordIsNewer compares a store's record with a session's, in cases that
// occur only in fleets with faults. Plans of internal/simulation have found them all.
func TestWhichRecordIsNewer(t *testing.T) {
	const hour = int64(time.Hour)
	now := instant{wall: 1000 * hour, monotonic: hour}
	r := rules{
		clientID: "id", flow: FlowAuthorizationCode,
		early: func() time.Duration { return 5 * time.Minute }, random: func() uint64 { return 7 },
	}
	token := func(name, refresh string) *Token {
		tok, err := newToken(TokenFields{AccessToken: name, RefreshToken: refresh, ExpiresIn: time.Hour}, time.Unix(0, now.wall))
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	consentAt := func(at int64) uint64 { return nextConsent(0, instant{wall: at}.consentMoment(), 1) }
	rec := func(name, refresh string, consent, renewals, version uint64) Record {
		return Record{Token: token(name, refresh), ClientID: "id", Flow: FlowAuthorizationCode, Consent: consent, Renewals: renewals, Version: version}
	}
	load := func(s *state, rec Record, at instant) *state {
		return r.loaded(s, stored{rec: rec, found: true, version: rec.Version, seen: s.versionOrZero()}, at)
	}
	rejected := func(rec Record) Record {
		rec.Rejected = "revoked"
		return rec
	}
	ending := func(rec Record, later time.Duration) Record {
		fields := rec.Token.Fields()
		fields.ExpiresAt = fields.ExpiresAt.Add(later)
		tok, err := newToken(fields, time.Unix(0, now.wall))
		if err != nil {
			t.Fatal(err)
		}
		rec.Token = tok
		return rec
	}
	past, ahead := consentAt(now.wall-hour), now.wall+5*hour
	// A login that followed a consent whose clock was ahead. The session read the
	// store at once.
	decision := func() *state {
		s := load(nil, rec("older", "R0", consentAt(ahead), 0, 10), now)
		s = r.given(s, Record{Token: token("decision", "R1")}, now)
		return load(s, rec("older", "R0", consentAt(ahead), 0, 10), now)
	}
	// A login by a clock that was ahead and has been set right since. The store was
	// empty when the session first read it.
	hasty := func() *state {
		s := r.given(nil, Record{Token: token("decision", "R1")}, instant{wall: ahead, monotonic: now.monotonic})
		return r.loaded(s, stored{}, now)
	}
	// A login that came while the answer to the login before it was being saved.
	busy := func() *state {
		renewed := load(nil, rec("older", "R0", consentAt(ahead), 0, 10), now)
		renewed = r.received(renewed, renewed, token("answer", "R1"), now, now)
		s := r.given(renewed, Record{Token: token("decision", "R2")}, now)
		s = load(s, rec("older", "R0", consentAt(ahead), 0, 10), now)
		return r.saved(s, renewed, 20)
	}
	answer := func() *state {
		s := load(nil, rec("first", "R0", past, 1, 10), now)
		return r.received(s, s, token("answer", "R1"), now, now)
	}
	refused := func() *state {
		s := load(nil, rec("two", "R2", past, 2, 20), now)
		return r.refused(s, s, "revoked", now)
	}
	app := func() *state { // an app's second answer; saving the first has succeeded, but nobody knows
		s := r.saveFailed(r.received(nil, nil, token("first", ""), now, now))
		return r.received(s, s, token("answer", ""), now, now)
	}
	for _, test := range []struct {
		name  string
		have  *state
		shown Record
		after time.Duration
		want  string
	}{
		{"fewer renewals, the same refresh token, saved later", load(nil, rec("two", "R", past, 2, 20), now), rec("one", "R", past, 1, 30), 0, "one"},
		{"fewer renewals, another refresh token, saved later", load(nil, rec("two", "R2", past, 2, 20), now), rec("one", "R1", past, 1, 30), 0, "two"},
		{"fewer renewals, saved later than a token whose refusal is not saved", refused(), rec("one", "R1", past, 1, 30), 0, "two"},
		{"more renewals, the same version since a store fell back", load(nil, rec("first", "R0", past, 0, 10), now), rec("second", "R1", past, 1, 10), 0, "second"},
		{"a sibling whose refresh token was refused", answer(), rejected(rec("sibling", "R9", past, 2, 20)), 0, "sibling"},
		{"the verdict on what the answer replaces", answer(), rejected(rec("first", "R0", past, 1, 20)), 0, "answer"},
		{"the verdict on the answer's own refresh token", answer(), rejected(rec("first", "R1", past, 2, 20)), 0, "answer"},
		{"a sibling with the same refresh token that ends earlier", answer(), ending(rec("sibling", "R1", past, 2, 20), -time.Hour), 0, "answer"},
		{"fewer renewals since a store fell back, the same refresh token, ends later", answer(), ending(rec("sibling", "R1", past, 1, 20), time.Hour), 0, "sibling"},
		{"the token before an app's unsaved one", app(), rec("first", "", 0, 1, 10), 0, "answer"},
		{"the token of another process of the app", app(), rec("sibling", "", 0, 1, 10), 0, "sibling"},
		{"another decision after the same consent, long after", decision(), rec("later", "R2", consentAt(ahead)+1<<consentRandomBits, 0, 20), time.Minute, "later"},
		{"another decision after the same consent, at once", decision(), rec("other", "R2", consentAt(ahead)+1<<consentRandomBits, 0, 20), time.Millisecond, "decision"},
		{"a decision after ours, at once", hasty(), rec("next", "R2", consentAt(ahead)+1<<consentRandomBits, 0, 20), time.Second / 2, "next"},
		{"what the session itself has saved since it read the store", busy(), rec("answer", "R1", consentAt(ahead), 1, 20), time.Minute, "decision"},
		{"the consent before the decision, saved again after a loss", decision(), rec("older", "R0", consentAt(ahead), 0, 30), time.Minute, "decision"},
		{"the record that was there when the store was read", decision(), rec("older", "R0", consentAt(ahead), 0, 10), time.Minute, "decision"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := load(test.have, test.shown, now.add(test.after)).token.AccessToken(); got != test.want {
				t.Errorf("the session has %q then, want %q", got, test.want)
			}
		})
	}
}

// TestDecisionsThatWaitedKeepTheirOrder lets two logins wait for a store that is down. When
// the store works again it has a deletion, and both logins are saved over it.
func TestDecisionsThatWaitedKeepTheirOrder(t *testing.T) {
	start := instant{wall: 1000 * int64(time.Hour), monotonic: int64(time.Hour)}
	r := rules{clientID: "id", flow: FlowAuthorizationCode, early: func() time.Duration { return time.Minute }, random: func() uint64 { return 7 }}
	login := func(name string, at instant) *state {
		tok, err := newToken(TokenFields{AccessToken: name, RefreshToken: "R" + name, ExpiresIn: time.Hour}, time.Unix(0, at.wall))
		if err != nil {
			t.Fatal(err)
		}
		return r.given(nil, Record{Token: tok}, at)
	}
	deletion := stored{version: uint64(start.add(2*time.Minute).wall) / 1000}
	meet := func(s *state, at instant) *state { return r.loaded(r.saveFailed(s), deletion, at) }

	first := meet(login("first", start), start.add(2*time.Minute))
	second := meet(login("second", start.add(time.Minute)), start.add(2*time.Minute))
	if compareConsents(first.consent, second.consent) >= 0 {
		t.Errorf("the login that was first is numbered %d, and the one a minute later %d", consentMoment(first.consent), consentMoment(second.consent))
	}
	hung := stored{version: uint64(start.add(500*time.Millisecond).wall) / 1000} // a logout while the store answers nobody
	first = r.loaded(login("first", start), hung, start.add(900*time.Millisecond))
	second = r.loaded(login("second", start.add(20*time.Millisecond)), hung, start.add(900*time.Millisecond))
	if compareConsents(first.consent, second.consent) >= 0 {
		t.Error("of two logins that waited a moment, the later one does not have the higher number")
	}
	slept := func(at instant) instant { return instant{wall: at.wall + int64(time.Hour), monotonic: at.monotonic} }
	deletion.version += uint64(time.Hour.Microseconds())
	first = meet(login("first", start), slept(start.add(2*time.Minute)))
	second = meet(login("second", start.add(10*time.Millisecond)), slept(start.add(3*time.Minute)))
	if compareConsents(first.consent, second.consent) >= 0 {
		t.Error("of two logins on a machine that slept, the later one has the lower number since it met the store later")
	}
	deletion.version -= uint64(time.Hour.Microseconds())
	after := deletion
	after.version += uint64(time.Hour.Microseconds()) // it followed a record whose clock was ahead
	if s := r.loaded(r.saveFailed(login("waited", start)), after, start.add(2*time.Minute)); consentMoment(s.consent) <= after.version/1000 {
		t.Error("a login that waited is not numbered above a deletion ahead of its clock")
	}
	now := instant{wall: start.wall - int64(time.Hour), monotonic: start.monotonic} // an hour slow
	if s := meet(login("slow", now), now.add(time.Millisecond)); consentMoment(s.consent) <= deletion.version/1000 {
		t.Error("a login of a clock that is slow is not numbered above the deletion that it found")
	}
}

// TestLoginAfterALogoutBySlowClock checks that a login that follows a logout is numbered
// above it, and so above the login before, although the clock is hours slow.
func TestLoginAfterALogoutBySlowClock(t *testing.T) {
	now := instant{wall: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC).UnixNano(), monotonic: int64(time.Hour)}
	slow := now.add(-3 * time.Hour)
	r := rules{clientID: "id", flow: FlowAuthorizationCode, early: func() time.Duration { return time.Minute }, random: func() uint64 { return 7 }}
	tok, err := newToken(TokenFields{AccessToken: "A", RefreshToken: "R", ExpiresIn: time.Hour}, time.Unix(0, slow.wall))
	if err != nil {
		t.Fatal(err)
	}
	before := nextConsent(0, now.consentMoment(), 1)
	s := r.loaded(nil, stored{version: versionAbove(before)}, slow)
	s = r.given(s, Record{Token: tok}, slow.add(time.Minute))
	if compareConsents(before, s.consent) >= 0 {
		t.Errorf("the login is numbered %d, and the one before the logout %d", consentMoment(s.consent), consentMoment(before))
	}
}
