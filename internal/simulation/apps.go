package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spotipie/spotipie"
)

// This file has what differs for the sessions of the app, which are of the client
// credentials flow: there is no user, no refresh token and no decision that must not be
// lost. Any process may get another token at any time.

// appsKey is the key that the sessions of the app share.
var appsKey = spotipie.Key{ClientID: clientID, Profile: "robot"}

func (s Setup) key() spotipie.Key {
	if s.App && !s.AtUsersKey {
		return appsKey
	}
	return usersKey
}

// path returns the path of the requests to the Web API. /v1/me needs a user.
func (s Setup) path() string {
	if s.App {
		return "/v1/artists/4Z8W4fKeB5YxbusRsdQVPb"
	}
	return "/v1/me"
}

func (s Setup) newSession(opts *spotipie.Options) (Session, error) {
	creds := spotipie.Credentials{ClientID: clientID, RedirectURI: redirectURI}
	if !s.App {
		return spotipie.NewAuthorizationCodeSession(creds, opts)
	}
	creds.ClientSecret = clientSecret
	app, err := spotipie.NewClientCredentialsSession(creds, opts)
	return appSession{app}, err
}

// appSession has the methods of a user's session. It signs in without a user.
type appSession struct {
	*spotipie.ClientCredentialsSession
}

func (appSession) AuthorizationURL(*spotipie.AuthorizationURLOptions) (authorizationURL, state string, err error) {
	return "", "", errors.New("the app has no user to ask")
}

func (s appSession) FetchToken(ctx context.Context, _ string) (*spotipie.Token, error) {
	return s.ClientCredentialsSession.FetchToken(ctx)
}

func (p Plan) hasApps() bool {
	for _, s := range p.Processes {
		if s.App {
			return true
		}
	}
	return false
}

// logout signs a session of the app out.
func (p *process) logout(ctx context.Context) error {
	w := p.world
	w.locked(func() { p.signedOut, p.isDeciding, p.forgot = span{w.now(), forever}, true, w.now() })
	err := p.session.Logout(ctx)
	w.locked(func() {
		p.signedOut.to = w.now()
		p.isDeciding = err != nil // deleting is tried again
	})
	return err
}

// setAppToken gives a session of the app a token that was got elsewhere.
func (p *process) setAppToken(ctx context.Context) error {
	w := p.world
	var fields spotipie.TokenFields
	w.locked(func() {
		a := w.spotify.issue(w.spotify.own, nil)
		a.brought, a.clockRight, p.isDeciding = true, p.skew == 0, true
		p.learn(a)
		p.given = append(p.given, a)
		fields = spotipie.TokenFields{
			AccessToken: a.String(), ExpiresIn: notZero(a.lifetime), ExpiresAt: p.wall().Add(a.lifetime - spotipie.DefaultExpiryMargin),
		}
		w.note(p.name, "sets %s", a)
	})
	token, err := spotipie.NewToken(fields)
	if err == nil {
		err = p.session.SetToken(ctx, token)
	}
	w.locked(func() { p.isDeciding = err != nil })
	return err
}

// signAppOut signs a session of the app out when all is well. All must get a token
// again.
func (w *world) signAppOut() {
	var apps []*process
	w.locked(func() {
		for _, p := range w.processes {
			if p.setup.App && !p.gone() {
				apps = append(apps, p)
			}
		}
	})
	if len(apps) == 0 {
		return
	}
	var p *process
	w.locked(func() { p = apps[w.random.IntN(len(apps))] })
	p.use(Action{Kind: CallLogout, For: time.Minute})
	w.locked(func() {
		if p.lastErr != nil && !w.oracle.hasOthers(p) {
			w.oracle.find("forgotten", p, "Logout fails although all is well: %v", errorText{p.lastErr})
		}
	})
}

// mayUse reports whether a token was got by the flow of the process's session.
func (p *process) mayUse(a *accessToken) bool { return a.isApps() == p.setup.App }

// hasOthers reports whether the store has a record of the other flow under the
// process's key. Its session must answer with a [*spotipie.RecordMismatchError].
func (o *oracle) hasOthers(p *process) bool {
	e := o.world.store.entry(p.key)
	a := o.tokenOf(e.rec.Token)
	return e.found && a != nil && !p.mayUse(a)
}

func isMismatch(err error) bool {
	mismatch := (*spotipie.RecordMismatchError)(nil)
	return errors.As(err, &mismatch)
}

// checkFlow checks that a session uses no token of the other flow.
func (o *oracle) checkFlow(p *process, by string, a *accessToken) {
	if !p.mayUse(a) {
		o.find("flow", p, "%s has %s, which was got by the other flow", by, a)
	}
}

// sawRecord is called when a session has read the store, which had a, or no token.
func (o *oracle) sawRecord(p *process, a *accessToken) {
	if a == nil || p.mayUse(a) {
		p.othersSince = 0
		return
	}
	if p.othersSince == 0 {
		p.othersSince = o.world.now()
	}
	for _, own := range p.given {
		own.refused = true
	}
}

// sawDeletion is called when a session of the app has seen in the store that it is signed
// out. The program knows it when a listener has heard of it, or after a while.
func (o *oracle) sawDeletion(p *process, version uint64) {
	for _, then := range o.world.store.entry(p.key).history {
		if !then.found && then.version == version && then.at > p.signedOut.from {
			p.signedOut = span{then.at, o.world.now() + longest}
		}
	}
}

// checkForgotten checks that a session does not return a token that it had before it
// was signed out, unless another process has saved it again.
func (o *oracle) checkForgotten(p *process, by string, a *accessToken, called moment) {
	s := p.signedOut
	since, known := p.since[a]
	if known && since < s.from && called > s.to && a.savedLast < s.from && (o.rollbacks == 0 || o.rolledBack < s.from) {
		o.find("forgotten", p, "%s returns %s, although the session was signed out at %s", by, a, clock(s.to))
	}
}

// askedForApp is called when a session of the app makes a token request, or another one
// makes the request of such a session.
func (o *oracle) askedForApp(p *process, isApps bool, now moment) {
	if !isApps || !p.setup.App {
		o.find("flow", p, "it makes a token request of the other flow")
		return
	}
	o.checkPace(p, now)
	o.checkLock(p, now)
	o.checkNeed(p, now)
	o.checkPlace(p, now)
}

// checkPlace checks that a session of the app gets no token that it cannot save because
// the record is the user's. After Logout or SetToken it need not read the store, and may
// not know if that has failed since it took the lock.
func (o *oracle) checkPlace(p *process, now moment) {
	h, since := p.client.holds[p.key], p.othersSince
	if !o.hasOthers(p) || since == 0 || now-since < longest || p.sleptIn(span{since, now}) || h == nil || p.lastFailed >= h.since {
		return
	}
	o.find("flow", p, "it asks for a token although it knows since %s that the record is the user's", clock(since))
}

// recently is how long a reason to get another token counts: a process may wait for the
// lock and a pause, and may be suspended.
const recently = 5 * time.Minute

// checkNeed checks that a session of the app needs a token: it must not have seen a valid
// one in the store since it took the lock, unless it was told to get another one. If the
// token was saved after that, the request may be another attempt after a 5xx.
func (o *oracle) checkNeed(p *process, now moment) {
	a, h := p.lastLoaded, p.client.holds[p.key]
	if a == nil || !a.isApps() || h == nil || p.lastLoad < h.since || a.savedAt >= h.since {
		return
	}
	left := a.expires.Sub(o.world.wall())
	if left < a.lifetime/2 || a.lifetime < shortest || !a.clockRight || p.wasWrong || p.isDeciding || o.rollbacks > 0 {
		return
	}
	if beforeLogout := o.world.wall().Sub(a.issued) > now-p.signedOut.from; beforeLogout {
		return // the logout is newer than the token
	}
	if now-p.wanted > recently && !p.sleptIn(span{p.wanted, now}) {
		o.find("needless", p, "it asks for a token although it has seen %s in the store, which is valid for another %s", a, left)
	}
}

// savedForApp is called when a Swap of a session of the app, or of a token of the app, has
// taken effect.
func (o *oracle) savedForApp(p *process, a *accessToken, rec, old spotipie.Record, hadOld bool) {
	replaced := o.tokenOf(old.Token)
	switch {
	case !p.mayUse(a) || rec.Flow != spotipie.FlowClientCredentials:
		o.find("flow", p, "it saves %s, of the flow %q", a, rec.Flow)
	case hadOld && replaced != nil && !replaced.isApps():
		o.find("flow", p, "it saves %s over %s, which is the user's", a, replaced)
	case hadOld && replaced != nil && a.olderThan(replaced) && o.rollbacks == 0:
		o.find("older-saved", p, "it saves %s over %s", a, replaced)
	}
	if p.key == usersKey {
		o.usurped()
	}
}

// usurped is called when the user's place in the store has a token of the app. A user's
// session then no longer sees what the store had there, or had lost. It saves only a
// login that was never saved.
func (o *oracle) usurped() {
	for _, w := range o.decisions {
		if !o.isWaiting(w) {
			w.gone = true
		}
	}
}

// isWaiting reports whether w is a login that a session has, and that was never saved.
func (o *oracle) isWaiting(w *decision) bool {
	return w.grant != nil && !w.grant.isSaved() && slices.ContainsFunc(o.world.processes, func(p *process) bool {
		return p != nil && !p.dead && (p.unanswered[w.grant] || o.decisionOf(p.session.CurrentToken()) == w)
	})
}

// deletedByApp is called when a session of the app has deleted the record old.
func (o *oracle) deletedByApp(p *process, old spotipie.Record) {
	if a := o.tokenOf(old.Token); a != nil && !a.isApps() {
		o.find("flow", p, "it deletes %s, which is the user's", a)
	}
	o.appLogouts++
}

// logoutsOf returns how often the user was signed out, or for a session of the app, the
// app.
func (o *oracle) logoutsOf(p *process) int {
	if p.setup.App {
		return o.appLogouts
	}
	return o.countLogouts
}

// checkAppKept reports the token of the app that a session holds and has not saved.
func (o *oracle) checkAppKept(p *process, format string) {
	a := o.tokenOf(p.session.CurrentToken())
	if p.setup.App && a != nil && a.isApps() && !a.saved && !o.hasOthers(p) {
		o.find("not-saved", p, format, a)
	}
}
