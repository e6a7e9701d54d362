package simulation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spotipie/spotipie"
)

// oracle knows what the accounts service and the store know, and what each process
// has been told. After each step it checks that no process did something that it
// could have known to be wrong. The world's mutex guards it.
type oracle struct {
	world     *world
	findings  []Finding
	decisions []*decision
	logouts   map[uint64]*decision // by the version of the deletion
	// rollbacks is how often the store fell back or was wiped. rolledBack is the
	// last time.
	rollbacks    int
	rolledBack   moment
	lostLogout   bool // the store has lost a logout
	countLogouts int
	appLogouts   int // how often the app's own record was deleted
}

// maxFindings is how many findings are reported for one plan.
const maxFindings = 20

// find reports a fault.
func (o *oracle) find(rule string, p *process, format string, args ...any) {
	o.findAt(o.world.now(), rule, p, format, args...)
}

func (o *oracle) findAt(at moment, rule string, p *process, format string, args ...any) {
	name := "--"
	if p != nil {
		name = p.name
	}
	f := Finding{At: at, Rule: rule, Process: name, Text: fmt.Sprintf(format, args...)}
	o.world.log = append(o.world.log, entry{at, name, "FAULT %s: %s", []any{f.Rule, f.Text}})
	if len(o.findings) < maxFindings {
		o.findings = append(o.findings, f)
	}
}

// asked is called when a process sends a token request.
func (o *oracle) asked(p *process, req *tokenRequest, form url.Values) {
	if p.dead {
		return
	}
	now := o.world.now()
	if isApps := form.Get("grant_type") == "client_credentials"; isApps || p.setup.App {
		o.askedForApp(p, isApps, now)
		return
	}
	name := form.Get("refresh_token")
	if name == "" {
		return
	}
	r := o.world.spotify.refresh[name]
	if r == nil {
		o.find("sent-twice", p, "it sends %q, which is no refresh token", name)
		return
	}
	o.checkPace(p, now)
	o.checkLock(p, now)
	if at, wasRefused := r.refused[p]; wasRefused && !p.learnedSince(r, at) && p.forgot < at {
		o.find("sent-refused", p, "it sends %s, which was refused for good", r)
	}
	for _, before := range r.sent {
		if may, why := o.mayResend(p, r, before); !may {
			o.find("sent-twice", p, "it sends %s, which %s has sent at %s: %s", r, before.process.name, clock(before.sent), why)
			break
		}
	}
	r.sent = append(r.sent, req)
}

// maxRequests is how many token requests a process may make in a minute, besides
// those that the program asks for.
const maxRequests = 12

func (o *oracle) checkPace(p *process, now moment) {
	if left := p.banned - now; left > 500*time.Millisecond {
		o.find("pace", p, "it asks for a token %s before the end of the Retry-After it was given", left)
	}
	recent := func(at moment) bool { return now-at < time.Minute }
	p.requests = slices.DeleteFunc(append(p.requests, now), func(at moment) bool { return !recent(at) })
	p.forced = slices.DeleteFunc(p.forced, func(at moment) bool { return !recent(at) })
	if n := len(p.requests); n > maxRequests+2*len(p.forced) {
		o.find("pace", p, "it asks for a token %d times in a minute", n)
		p.requests = nil
	}
}

// quickCheck is how long the answer to a check may take. After a slower one a process
// checks again.
const quickCheck = time.Second

// checkLock checks that a process that makes a token request holds the lock. The
// process may have lost it between its last check and the request.
func (o *oracle) checkLock(p *process, now moment) {
	e := o.world.store.entry(p.key)
	o.world.store.free(e)
	h := p.client.holds[p.key]
	switch {
	case h == nil || h.released:
		o.find("without-lock", p, "it asks for a token without the lock")
	case e.holder == h, p.sleptIn(span{h.proven, now}):
	case h.lost >= h.proven && now-h.proven <= quickCheck: // while the answer was on its way
	default:
		o.find("without-lock", p, "it asks for a token although it has lost the lock at %s, and has not checked since %s", clock(h.lost), clock(h.proven))
	}
}

// given is called when the answer to a token request has reached the session.
func (o *oracle) given(p *process, req *tokenRequest) {
	a := req.issued
	a.late = o.world.wall().Sub(a.issued)
	a.clockRight = p.skew == 0 && a.late < time.Minute // if late, the machine slept, and the lifetime counts from now
	if a.grant.decision == nil && !a.isApps() {
		o.decide(p, a.grant)
	}
	p.learn(a)
	p.given = append(p.given, a)
}

// brought is called when the program is about to set a token.
func (o *oracle) brought(p *process, a *accessToken) {
	a.clockRight = p.skew == 0
	o.decide(p, a.grant)
	p.learn(a)
	p.given = append(p.given, a)
}

// refusedLogin is called when a session has refused a login because it is closed.
func (o *oracle) refusedLogin(g *grant) {
	if g.decision != nil && !g.issued[0].saved && !g.decision.gone {
		g.decision.gone = true
		o.world.note("oracle", "%s is lost before anybody was told of it", g.decision)
	}
}

// refused is called when a token request has failed.
func (o *oracle) refused(p *process, resp *http.Response) {
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		p.banned = max(p.banned, o.world.now()+time.Duration(seconds)*time.Second)
	}
}

// refusedForGood is called when a process has been told that a refresh token, if it
// has sent one, is not valid any more.
func (o *oracle) refusedForGood(p *process, name string) {
	if r := o.world.spotify.refresh[name]; r != nil {
		if r.refused == nil {
			r.refused = make(map[*process]moment)
		}
		r.refused[p] = o.world.now()
	}
}

// loaded is called when a Load has told a process what the store knew when it was
// read.
func (o *oracle) loaded(p *process, rec spotipie.Record, found bool, read moment) {
	a := o.tokenOf(rec.Token)
	if read >= p.lastLoad {
		p.lastLoad, p.lastLoaded = read, a
		o.sawRecord(p, a)
	}
	if found && a != nil && !p.mayUse(a) {
		return
	}
	if p.sawStore != o.rollbacks && read >= o.rolledBack {
		p.sawStore, p.sawStoreAt = o.rollbacks, o.world.now()
	}
	if !found {
		if rec.Version != 0 {
			p.forgot = o.world.now()
		}
		switch logout := o.logouts[rec.Version]; {
		case p.setup.App && rec.Version != 0:
			o.sawDeletion(p, rec.Version)
		case logout != nil && !p.setup.App:
			p.decisions |= logout.bit()
		}
		return
	}
	p.version = max(p.version, rec.Version)
	if a != nil {
		p.learn(a)
		if w := a.grant.decision; w != nil {
			p.saved |= w.bit()
		}
	}
}

// knowsToBeUsedUp reports whether a process knows of a successor of a record's
// refresh token.
func (o *oracle) knowsToBeUsedUp(p *process, rec spotipie.Record) bool {
	a := o.tokenOf(rec.Token)
	return a != nil && !p.dead && a.refresh != nil && a.refresh.used != nil && p.remembers(a.refresh)
}

// saved is called when a Swap has taken effect.
func (o *oracle) saved(p *process, asCalled swapCall, rec, old spotipie.Record, hadOld bool, logout *decision) {
	a := o.tokenOf(rec.Token)
	if a == nil {
		o.find("older-saved", p, "it saves %s, which is no token", nameOf(rec.Token))
		return
	}
	if !a.saved {
		a.saved, a.savedAt = true, o.world.now()
	}
	a.savedLast = o.world.now()
	if a.isApps() || p.setup.App {
		o.savedForApp(p, a, rec, old, hadOld)
		return
	}
	if rec.Token.RefreshToken() != a.refresh.String() {
		o.find("older-saved", p, "it saves %s with %s", a, rec.Token.RefreshToken())
	}
	w := a.grant.decision
	w.version = rec.Version
	w.gone = false // a late Swap, whose caller has left, can save it
	o.checkConsent(p, w, rec)
	switch before := o.tokenOf(old.Token); {
	case hadOld && before != nil:
		switch {
		case a.olderThan(before) && (old.Rejected == "" || a.refresh != before.refresh):
			o.find("older-saved", p, "it saves %s over %s", a, before)
		case o.older(w, before.grant.decision) && p.loggedOutOf(before):
			w.revive(before.grant.decision)
		case o.older(w, before.grant.decision):
			o.find("login-lost", p, "it saves %s (%s) over %s (%s), which is newer", a, w, before, before.grant.decision)
		default:
			o.replace(before.grant.decision, w)
		}
	case logout != nil && o.older(w, logout):
		// In other cases the logout may have come before, or after the process
		// looked, or the store lost it and has it again, or it was made after a loss
		// with a version that is no longer above all others.
		if p.saved.has(w) && !logout.gone && asCalled.lastLoad >= logout.at && o.versionOf(logout) > p.version {
			o.find("login-lost", p, "it saves %s although the user has signed out", a)
		}
		logout.gone, o.lostLogout = true, true
	case logout != nil:
		o.replace(logout, w)
	}
}

// checkConsent checks that a renewal does not change the time of the consent.
func (o *oracle) checkConsent(p *process, w *decision, rec spotipie.Record) {
	at := rec.AuthorizedAt.Truncate(time.Microsecond)
	if !w.consentedSaved {
		w.consented, w.consentedSaved = at, true
	}
	if !at.Equal(w.consented) {
		o.find("consent-time", p, "it saves %s as consented at %s, and it was %s", w, at, w.consented)
	}
}

// failed is called when a store call has failed, as far as the process knows.
func (o *oracle) failed(p *process, err error) {
	if !errors.Is(err, spotipie.ErrVersionConflict) {
		p.lastFailed = o.world.now()
	}
}

// told is called when a process learns that its Swap has taken effect.
func (o *oracle) told(p *process, rec spotipie.Record) {
	p.version = max(p.version, rec.Version)
	if w := o.decisionOf(rec.Token); w != nil {
		p.saved |= w.bit()
	}
}

// versionOf returns the version of the deletion that a logout has made.
func (o *oracle) versionOf(logout *decision) uint64 {
	for version, w := range o.logouts {
		if w == logout {
			return version
		}
	}
	return 0
}

// loggedOut is called when the record was deleted. version is that of the deletion.
func (o *oracle) loggedOut(before *decision, version uint64) {
	w := o.decide(nil, nil)
	w.at = o.world.now()
	if before != nil {
		w.older |= before.bit() | before.older
	}
	for _, saved := range o.decisions { // the store may have lost it: whoever holds it takes the logout for later
		if saved.version != 0 && saved.version < version {
			w.older |= saved.bit() | saved.older
		}
	}
	if o.logouts == nil {
		o.logouts = make(map[uint64]*decision)
	}
	o.logouts[version] = w
	o.countLogouts++
	o.lose()
}

// fellBack is called when the store has lost its last saves. It may have a login
// again that it had lost before.
func (o *oracle) fellBack(before *decision) {
	if again := o.inStore(); again != nil && again.grant != nil {
		again.gone = false
	}
	o.rollbacks++
	o.rolledBack = o.world.now()
	if before != nil && before.grant == nil && o.inStore() != before {
		o.lostLogout = true
	}
	o.lose()
}

// ended is called when a process has died or was closed.
func (o *oracle) ended(p *process) {
	for g := range p.unanswered { // nobody has been told that this login succeeded
		o.refusedLogin(g)
	}
	// If Close did not save something and returned no error, the process is at
	// fault. It is not if the store has lost it since the process last looked.
	if !p.closedWell || p.sawStore != o.rollbacks {
		o.lose()
	}
}

// handedOut is called when a session has returned a token.
func (o *oracle) handedOut(p *process, by string, t *spotipie.Token, called moment) {
	if t == nil || p.dead {
		return
	}
	a := o.tokenOf(t)
	if a == nil {
		o.find("past-end", p, "%s returns %s, which is no token", by, nameOf(t))
		return
	}
	o.checkFlow(p, by, a)
	o.checkForgotten(p, by, a, called)
	o.checkEndOf(p, by, a, t.ExpiresAt())
	o.checkSavedBefore(p, by, a)
}

// shortest is the shortest lifetime for which the oracle checks the end exactly.
const shortest = 10 * time.Second

func (o *oracle) checkEndOf(p *process, by string, a *accessToken, saysExpiresAt time.Time) {
	allowed := time.Second
	if a.lifetime < shortest {
		allowed = time.Minute // the token may have ended while it was announced
	}
	if over := o.world.wall().Sub(a.expires.Add(a.late)); over > allowed {
		if may, why := p.couldNotKnow(a, saysExpiresAt); !may {
			o.find("past-end", p, "%s hands out %s, %s past its end, and %s", by, a, over, why)
		}
	}
}

// checkSavedBefore checks that a new token was saved, or that saving it failed,
// before anybody gets it.
func (o *oracle) checkSavedBefore(p *process, by string, a *accessToken) {
	gaveUp := slices.ContainsFunc(p.storeCalls, func(call context.Context) bool {
		end, limited := call.Deadline()
		return call.Err() != nil || limited && !time.Now().Before(end)
	})
	if !a.saved && slices.Contains(p.given, a) && !(a.refused && a.isApps()) && p.lastFailed < p.since[a] && !gaveUp && !p.isCut(o.world.now()) && !p.sleptIn(span{p.since[a], o.world.now()}) {
		o.find("handed-out-unsaved", p, "%s has %s, which nobody has tried to save", by, a)
	}
}

type apiCallKey struct{}

// apiCall counts the requests that one call of Session.Request makes.
type apiCall struct{ sent int }

// askedAPI is called when a request goes to the Web API.
func (o *oracle) askedAPI(p *process, ctx context.Context, token string) {
	if p.dead {
		return
	}
	if c, ok := ctx.Value(apiCallKey{}).(*apiCall); ok {
		if c.sent++; c.sent > 2 {
			o.find("pace", p, "one request to the Web API is sent %d times", c.sent)
		}
	}
	a := o.world.spotify.access[token]
	if a == nil {
		o.find("past-end", p, "it sends %q to the Web API, which is no token", token)
		return
	}
	o.checkFlow(p, "Request", a)
	saysExpiresAt := p.wall().Add(time.Hour) // handedOut checks the token's own end
	o.checkEndOf(p, "Request", a, saysExpiresAt)
	o.checkSavedBefore(p, "Request", a)
}

// announced is called when the observing listener hears of a token.
func (o *oracle) announced(p *process, t *spotipie.Token) {
	o.listenerCalled(p)
	a := o.tokenOf(t)
	if p.dead || a == nil {
		return
	}
	o.world.note(p.name, "hears of %s", a)
	o.checkFlow(p, "a listener", a)
	if o.world.now() > p.removedAt { // in the same moment the call may have begun before
		o.find("after-close", p, "the listener hears of %s after it was removed", a)
	}
	// A listener that is busy may not hear of a logout that was undone meanwhile.
	// Of an app's tokens the one that is saved later counts.
	undone := a.isApps() && p.lastHeard != nil && !p.lastHeard.saved
	if before, again := p.heard[a]; again && before == (heard{o.logoutsOf(p), p.loggedOut}) && o.rollbacks == 0 && !o.loggedOutSince(p.since[a]) && !undone {
		o.find("order", p, "the listener hears of %s twice", a)
	}
	now := heard{o.logoutsOf(p), p.loggedOut}
	if last := p.lastHeard; last != nil && p.heard[last] == now { // there was no logout in between
		switch {
		case a.olderThan(last) && o.rollbacks == 0 && !undone:
			o.find("order", p, "the listener hears of %s after %s", a, last)
		case o.older(a.grant.decision, last.grant.decision):
			o.find("order", p, "the listener hears of %s (%s) after %s (%s), which is newer", a, a.grant.decision, last, last.grant.decision)
		}
	}
	p.heard[a], p.lastHeard = now, a
	o.checkSavedBefore(p, "the listener", a)
}

// heardLogout is called when a listener hears that the user is logged out.
func (o *oracle) heardLogout(p *process) {
	o.listenerCalled(p)
	p.loggedOut++
	p.forgot = o.world.now()
	p.signedOut.to = min(p.signedOut.to, o.world.now())
	o.world.note(p.name, "hears of a logout")
}

// tokenAfterClose is called when Token of a closed session does not return
// ErrClosed.
func (o *oracle) tokenAfterClose(p *process, err error) {
	if !p.dead {
		o.find("after-close", p, "Token of a closed session returns %v", errorText{err})
	}
}

// listenerCalled is called when a listener is called.
func (o *oracle) listenerCalled(p *process) {
	if p.closed && !p.dead {
		o.find("after-close", p, "a listener is called after Close has returned")
	}
}
