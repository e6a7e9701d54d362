package simulation

import (
	"errors"
	"slices"
	"strings"

	"github.com/spotipie/spotipie"
)

// checkSaved checks that each session has saved its token by itself after the
// store works again.
func (o *oracle) checkSaved() {
	for _, p := range o.world.processes {
		if !p.gone() {
			o.checkKept(p, "not-saved", "it was given %s, and has not saved it although the store is well")
			o.checkAppKept(p, "it was given %s, and has not saved it although the store is well")
		}
	}
}

// closed is called when Close has returned.
func (o *oracle) closed(p *process, err error) {
	p.closedWell = err == nil
	if err == nil {
		o.checkKept(p, "not-saved", "Close returns no error, and %s is not saved")
		o.checkAppKept(p, "Close returns no error, and %s is not saved")
	}
}

// checkKept reports the tokens that a process was given and has not saved, if
// nothing newer replaces them.
func (o *oracle) checkKept(p *process, rule, format string) {
	for _, a := range p.given {
		w := a.grant.decision
		if a.isApps() || a.refreshable() || w.gone || p.unanswered[a.grant] || a.grant.revoked != "" || p.known[a.grant].access != a || o.older(w, o.inStore()) || o.mayReplace(o.inStore(), w) {
			continue
		}
		superseded := false
		for _, other := range o.decisions {
			superseded = superseded || p.decisions.has(other) && (o.older(w, other) || o.mayReplace(other, w))
		}
		if !superseded {
			o.find(rule, p, format, a)
		}
	}
}

// refreshable reports whether the refresh token that came with an access token,
// or one that came later, has been saved.
func (a *accessToken) refreshable() bool {
	return slices.ContainsFunc(a.grant.issued, func(b *accessToken) bool { return b.saved && b.refresh.number >= a.refresh.number })
}

// checkEnd is called some time after the last fault. All sessions and the store must
// then agree on the user's last decision, and each session must have a token if it
// can.
func (o *oracle) checkEnd() {
	inStore := o.inStore()
	if !o.lostLogout {
		o.checkLatest(inStore)
	}
	for _, p := range o.world.processes {
		if p.gone() {
			continue
		}
		e := o.world.store.entry(p.key)
		t := p.session.CurrentToken()
		switch {
		case o.hasOthers(p):
		case !e.found && t != nil:
			o.find("disagree", p, "it holds %s, and the store nothing", nameOf(t))
		case e.found && !o.agree(t, e.rec.Token):
			o.find("disagree", p, "it holds %s, and the store %s", nameOf(t), nameOf(e.rec.Token))
		}
		o.checkWell(p, e)
		if a := o.tokenOf(t); a != nil && p.unwell == nil && !p.heardOf(a) {
			o.find("order", p, "its listener has never heard of %s", a)
		}
	}
}

// checkLatest checks that the store has the latest decision.
func (o *oracle) checkLatest(inStore *decision) {
	latest := o.latest()
	var names []string
	for _, w := range latest {
		if w == inStore {
			return
		}
		names = append(names, w.String())
	}
	if len(latest) == 0 && (inStore == nil || inStore.grant == nil) { // both say that nobody is signed in
		return
	}
	found := "nothing"
	if inStore != nil {
		found = inStore.String()
	}
	if len(names) == 0 {
		names = []string{"nothing"}
	}
	o.find("login-lost", nil, "the store ends with %s, and the user's last decision is %s", found, strings.Join(names, " or "))
}

// checkWell checks that a session has a token if it can have one, and returns the
// right error if not.
func (o *oracle) checkWell(p *process, e *record) {
	a := o.tokenOf(e.rec.Token)
	switch {
	case o.hasOthers(p):
		if !isMismatch(p.unwell) {
			o.find("flow", p, "the store has %s, and it says %v", a, errorText{p.unwell})
		}
	case p.setup.App:
		if p.unwell != nil {
			o.find("no-token", p, "the app gets no token: %v", errorText{p.unwell})
		}
	case !e.found || a == nil:
		if !errors.Is(p.unwell, spotipie.ErrNotAuthorized) {
			o.find("no-token", p, "nobody is signed in, and it says %v", errorText{p.unwell})
		}
	case a.grant.revoked == "" && p.unwell != nil:
		o.find("no-token", p, "it gets no token although %s is good: %v", a.refresh, errorText{p.unwell})
	}
}

// agree reports whether two tokens are the same. All tokens of a dead grant count as
// the same.
func (o *oracle) agree(a, b *spotipie.Token) bool {
	x, y := o.tokenOf(a), o.tokenOf(b)
	return x == y && nameOf(a) == nameOf(b) || x != nil && y != nil && x.grant == y.grant && x.grant.revoked != ""
}

func (p *process) heardOf(a *accessToken) bool {
	_, heard := p.heard[a]
	return heard
}
