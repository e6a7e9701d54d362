package spotipie

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTransitions plays every sequence of events up to a length that takes a few
// seconds. After each event it checks that nothing older has replaced anything newer.
// The events happen to one session and its store. Other processes write to the store,
// and the store falls back.
func TestTransitions(t *testing.T) {
	for name, start := range map[string]struct {
		length int
		begin  func(*world)
	}{
		"from nothing": {7, func(*world) {}},
		"from a login that is saved": {6, func(w *world) {
			rec := w.nextConsent()
			w.s = w.rules.given(nil, rec, w.now)
			w.newest = 1
			w.save()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if raceEnabled { // the race detector makes it several times slower
				start.length--
			}
			w := newWorld()
			start.begin(&w)
			e := enumeration{t: t, events: allEvents()}
			e.play(w, start.length)
			t.Logf("%d sequences of up to %d events", e.played, start.length)
		})
	}
}

type enumeration struct {
	t      *testing.T
	events []worldEvent
	trail  []string
	played int
}

func (e *enumeration) play(w world, length int) {
	if length == 0 {
		return
	}
	for _, event := range e.events {
		next := w.clone()
		if !event.happens(&next) {
			continue
		}
		e.played++
		e.trail = append(e.trail, event.name)
		if err := next.check(w); err != nil {
			e.t.Fatalf("%v\nafter: %s\nthe session has %s, the store %s", err, strings.Join(e.trail, "; "), describe(next.s), next.store.describe())
		}
		e.play(next, length-1)
		e.trail = e.trail[:len(e.trail)-1]
	}
}

// world is a session's state, its store, and what really happened.
type world struct {
	rules  rules
	tokens *[4][8]*Token
	now    instant
	s      *state
	store  stored

	versions uint64
	consents int // how many logins there were
	asked    *state
	seen     *stored // what a slow load has read
	first    *stored // an earlier state to which the store can fall back

	spent    [4][8]bool // the refresh tokens that the accounts service has replaced
	latest   [4]int     // for each consent, the latest generation that the session has had
	usedUp   []string   // refresh tokens of the session that were replaced
	newest   int        // the newest consent that the session has had
	owed     string     // the refresh token that the session was given and that is neither saved nor superseded
	refusals []string   // refresh tokens that were refused
	wrote    string     // what the session saved in this event
	logout   bool       // the user has since logged out in another process
}

func newWorld() world {
	tokens := makeTokens()
	return world{
		tokens: &tokens,
		rules:  rules{clientID: "id", flow: FlowAuthorizationCode, early: func() time.Duration { return time.Minute }, random: func() uint64 { return 1 }},
		now:    instant{wall: int64(time.Hour)},
	}
}

func (w world) clone() world {
	w.usedUp, w.refusals = slices.Clip(w.usedUp), slices.Clip(w.refusals)
	w.now = w.now.add(time.Second)
	w.wrote = ""
	return w
}

// token returns the token of a consent after some rotations. The refresh token 2.1 is
// that of the second consent after one rotation.
func (w *world) token(consent, generation int) *Token {
	return w.tokens[consent][generation]
}

func makeTokens() (tokens [4][8]*Token) {
	for consent := range tokens {
		for generation := range tokens[consent] {
			name := fmt.Sprintf("%d.%d", consent, generation)
			token, err := newToken(TokenFields{AccessToken: "A" + name, RefreshToken: name, ExpiresIn: time.Hour}, time.Unix(3600, 0))
			if err != nil {
				panic(err)
			}
			tokens[consent][generation] = token
		}
	}
	return tokens
}

func parseRefreshToken(name string) (consent, generation int) {
	if len(name) != 3 {
		return 0, 0
	}
	return int(name[0] - '0'), int(name[2] - '0')
}

// put saves a record like a store.
func (w *world) put(rec Record) {
	if w.first == nil && w.store.found {
		first := w.store
		w.first = &first
	}
	w.versions = max(w.versions, rec.Version) + 1
	rec.Version = w.versions
	w.store = stored{rec: rec, found: true, version: rec.Version}
}

// load applies a record that was read to the session.
func (w *world) load(read stored) {
	w.s = w.rules.loaded(w.s, read, w.now)
}

// read returns what the store has.
func (w *world) read() stored {
	read := w.store
	if w.s != nil {
		read.seen = w.s.version
	}
	return read
}

// save makes one attempt to save, like saving.go.
func (w *world) save() bool {
	if !w.s.isUnsaved() {
		return false
	}
	version := w.s.versionOrZero()
	for range maxSwaps {
		if !w.s.isUnsaved() {
			return true
		}
		if w.s.detail().unsaved == unsavedDecision || w.storeVersion() != version {
			w.load(w.read())
			if !w.s.isUnsaved() {
				return true
			}
		}
		what := w.s
		if !what.signedIn() {
			w.versions++
			w.store = stored{version: w.versions}
			w.s = w.rules.saved(w.s, what, w.versions)
			return true
		}
		w.wrote = what.refreshToken()
		w.put(what.toSave(w.rules))
		version = w.versions
		w.s = w.rules.saved(w.s, what, version)
	}
	return true
}

func (w *world) storeVersion() uint64 {
	if !w.store.found {
		return 0
	}
	return w.store.version
}

func (w *world) nextConsent() Record {
	w.consents++
	return Record{ClientID: "id", Flow: FlowAuthorizationCode, Token: w.token(w.consents, 0), AuthorizedAt: time.Unix(0, w.now.wall)}
}

type worldEvent struct {
	name string
	// happens changes the world and reports whether the event was possible.
	happens func(w *world) bool
}

func allEvents() []worldEvent {
	return append(ownEvents(), othersEvents()...)
}

func ownEvents() []worldEvent {
	return []worldEvent{
		{"the user consents", func(w *world) bool {
			if w.consents == 3 {
				return false
			}
			rec := w.nextConsent()
			w.s = w.rules.given(w.s, rec, w.now)
			w.newest, w.owed, w.logout = w.consents, rec.Token.RefreshToken(), false
			return true
		}},
		{"a renewal asks", func(w *world) bool {
			if w.asked != nil || !w.rules.isRenewable(w.s) {
				return false
			}
			w.asked = w.s
			return true
		}},
		{"a new token is received", func(w *world) bool {
			if w.asked == nil {
				return false
			}
			used := w.asked.refreshToken()
			consent, generation := parseRefreshToken(used)
			if w.spent[consent][generation] {
				return false
			}
			w.spent[consent][generation] = true
			w.usedUp = append(w.usedUp, used)
			if w.s.refreshToken() == used {
				w.owed = w.token(consent, generation+1).RefreshToken()
			}
			w.s = w.rules.received(w.s, w.asked, w.token(consent, generation+1), w.now, w.now)
			w.asked = nil
			return true
		}},
		{"the refresh token is refused", func(w *world) bool {
			if w.asked == nil {
				return false
			}
			w.refusals = append(w.refusals, w.asked.refreshToken())
			w.s = w.rules.refused(w.s, w.asked, "revoked", w.now)
			w.asked = nil
			return true
		}},
		{"a save succeeds", (*world).save},
		{"a save succeeds and its answer is lost", func(w *world) bool {
			before := w.s
			if !w.save() || !w.store.found || w.wrote == "" {
				return false
			}
			w.s = w.rules.saveFailed(before)
			return true
		}},
		{"a save fails", func(w *world) bool {
			if !w.s.detail().saving {
				return false
			}
			w.s = w.rules.saveFailed(w.s)
			return true
		}},
		{"a load", func(w *world) bool { w.load(w.read()); return true }},
		{"a slow load reads", func(w *world) bool {
			read := w.read()
			w.seen = &read
			return true
		}},
		{"the slow load returns", func(w *world) bool {
			if w.seen == nil {
				return false
			}
			w.load(*w.seen)
			w.seen = nil
			return true
		}},
		{"the user logs out", func(w *world) bool {
			if !w.s.signedIn() {
				return false
			}
			w.s, w.owed = w.rules.loggedOut(w.s, w.now), ""
			return true
		}},
		{"the clock is set back", func(w *world) bool {
			if !w.s.signedIn() {
				return false
			}
			back := instant{wall: w.now.wall - int64(48*time.Hour), monotonic: w.now.monotonic}
			w.s = w.rules.clockSetBack(w.s, back)
			return true
		}},
	}
}

func othersEvents() []worldEvent {
	return []worldEvent{
		{"another process saves the record again", func(w *world) bool {
			if !w.store.found {
				return false
			}
			w.put(w.store.rec)
			return true
		}},
		{"another process renews", func(w *world) bool {
			rec := w.store.rec
			if !w.store.found || rec.Rejected != "" {
				return false
			}
			consent, generation := parseRefreshToken(rec.Token.RefreshToken())
			if w.spent[consent][generation] {
				return false
			}
			w.spent[consent][generation] = true
			rec.Token, rec.Renewals = w.token(consent, generation+1), rec.Renewals+1
			w.put(rec)
			return true
		}},
		{"the user consents in another process", func(w *world) bool {
			if w.consents == 3 {
				return false
			}
			rec := w.nextConsent()
			moment := max(w.now.consentMoment(), consentMoment(w.store.rec.Consent)+1, w.store.version/1000+1)
			rec.Consent = moment<<consentRandomBits | 2
			rec.Version = versionAbove(rec.Consent)
			w.put(rec)
			return true
		}},
		{"another process marks the record as refused", func(w *world) bool {
			if !w.store.found || w.store.rec.Rejected != "" {
				return false
			}
			rec := w.store.rec
			w.refusals = append(w.refusals, rec.Token.RefreshToken())
			rec.Rejected = "revoked"
			w.put(rec)
			return true
		}},
		{"the user logs out in another process", func(w *world) bool {
			if !w.store.found {
				return false
			}
			w.versions++
			w.store = stored{version: w.versions}
			w.logout = true
			return true
		}},
		{"the store falls back", func(w *world) bool {
			if w.first == nil {
				return false
			}
			w.store = *w.first
			return true
		}},
		{"the store comes back empty", func(w *world) bool {
			if !w.store.found {
				return false
			}
			w.store = stored{}
			return true
		}},
	}
}

// check returns an error if an event has broken an invariant.
func (w *world) check(before world) error {
	refresh := w.s.refreshToken()
	if slices.Contains(w.usedUp, refresh) {
		return fmt.Errorf("the used-up refresh token %s is current", refresh)
	}
	if slices.Contains(w.usedUp, w.wrote) {
		return fmt.Errorf("the used-up refresh token %s was saved", w.wrote)
	}
	consent, generation := parseRefreshToken(refresh)
	if generation < w.latest[consent] {
		return fmt.Errorf("generation %d of the tokens was replaced by the older %s", w.latest[consent], refresh)
	}
	w.latest[consent] = generation
	if refresh != "" && consent < w.newest && !w.logout {
		return fmt.Errorf("consent %d was replaced by the older %d", w.newest, consent)
	}
	w.newest = max(w.newest, consent)
	if written, _ := parseRefreshToken(w.wrote); w.wrote != "" && before.store.found && !w.logout && written < w.known(before) {
		return fmt.Errorf("the session saved %s over the newer consent %d", w.wrote, w.known(before))
	}
	if w.s.detail().refused != "" && !slices.Contains(w.refusals, refresh) {
		return fmt.Errorf("%s is marked as refused but was not refused", refresh)
	}
	return w.checkOwed()
}

// known returns the consent in the store that the session could have seen
// before it saved.
func (w *world) known(before world) int {
	consent, _ := parseRefreshToken(before.store.rec.Token.RefreshToken())
	return consent
}

// checkOwed checks that the session keeps a refresh token until it is saved or there is
// something newer.
func (w *world) checkOwed() error {
	if w.owed == "" {
		return nil
	}
	refresh := w.s.refreshToken()
	stored := ""
	if w.store.found {
		stored = w.store.rec.Token.RefreshToken()
	}
	owedConsent, owedGeneration := parseRefreshToken(w.owed)
	for _, has := range []string{refresh, stored} {
		if consent, generation := parseRefreshToken(has); has != "" && (consent > owedConsent || consent == owedConsent && generation >= owedGeneration) {
			if has == stored {
				w.owed = ""
			}
			return nil
		}
	}
	if !w.s.signedIn() && w.logout {
		w.owed = ""
		return nil
	}
	return fmt.Errorf("the session was given %s, but neither the session (%s) nor the store (%s) has it", w.owed, refresh, stored)
}

func describe(s *state) string {
	if !s.signedIn() {
		return fmt.Sprintf("nothing (%+v)", s)
	}
	return fmt.Sprintf("%s (version %d, consent %d, unsaved %d, saving %t, refused %q)",
		s.refreshToken(), s.version, s.consent, s.detail().unsaved, s.detail().saving, s.detail().refused)
}

func (s stored) describe() string {
	if !s.found {
		return fmt.Sprintf("nothing (version %d)", s.version)
	}
	return fmt.Sprintf("%s (version %d, consent %d)", s.rec.Token.RefreshToken(), s.version, s.rec.Consent)
}
