package simulation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	// slack is how long after its limit a call may return.
	slack = time.Second
	// longest is how long a call without a limit may take: it waits for the lock,
	// asks, saves and calls the listeners, each within its budget.
	longest = 2 * time.Minute
	// closeLimit is how long a program waits for Close.
	closeLimit = time.Minute
)

// use makes a call of the session and waits for it, but not forever.
func (p *process) use(a Action) {
	w := p.world
	if p.awaken() != nil {
		return
	}
	c := &call{process: p, name: callName(a.Kind), began: w.now()}
	var gone bool
	w.locked(func() {
		if gone = p.gone(); !gone {
			w.running[c] = true
			w.note(p.name, "%s is called", c.name)
		}
	})
	if gone {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.perform(c, a)
	}()
	timer := time.NewTimer(10 * time.Minute)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// perform makes a call, and tells the oracle how long it took.
func (p *process) perform(c *call, a Action) {
	w := p.world
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), apiCallKey{}, new(apiCall)))
	defer cancel()
	if a.For > 0 {
		ctx, cancel = context.WithTimeout(ctx, a.For)
		defer cancel()
	}
	err := p.calls(ctx, a.Kind)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, c)
	if p.dead {
		return
	}
	took := w.now() - c.began
	w.note(p.name, "%s returns after %s: %v", c.name, took, errorText{err})
	limit := longest
	if a.Kind == CallAPI { // it may need another token than the one it waited for
		limit *= 2
	}
	if a.For > 0 {
		limit = a.For
	}
	for _, s := range p.asleep {
		limit += overlap(s, span{c.began, w.now()})
	}
	if took > limit+slack {
		w.oracle.find("late-return", p, "%s took %s, and %s was the most", c.name, took, limit)
	}
	p.lastErr = err
}

func (p *process) calls(ctx context.Context, k Kind) error {
	w := p.world
	began := w.now()
	switch k {
	case CallToken:
		token, err := p.session.Token(ctx)
		w.locked(func() { w.oracle.handedOut(p, "Token", token, began) })
		return err
	case CallRefreshToken:
		w.locked(func() { p.forced, p.wanted = append(p.forced, began), began })
		token, err := p.session.RefreshToken(ctx)
		w.locked(func() { w.oracle.handedOut(p, "RefreshToken", token, began) })
		return err
	case CallAPI:
		resp, err := p.session.Request(ctx, http.MethodGet, p.setup.path(), nil)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return statusError(resp.StatusCode)
		}
	case CallLoad:
		_, err := p.session.Load(ctx)
		return err
	case CallFetchToken:
		w.locked(func() { p.forced, p.wanted = append(p.forced, began), began })
		token, err := p.session.FetchToken(ctx, "")
		w.locked(func() { w.oracle.handedOut(p, "FetchToken", token, began) })
		return err
	case CallLogout:
		return p.logout(ctx)
	case CallLogin:
		return p.login(ctx)
	case CallSetToken, CallSetRecord:
		if p.setup.App {
			return p.setAppToken(ctx)
		}
		return p.setToken(ctx, k == CallSetRecord)
	}
	return nil
}

type statusError int

func (e statusError) Error() string { return fmt.Sprint("status ", int(e)) }

// login logs the session in, with the user's consent.
func (p *process) login(ctx context.Context) error {
	authorizationURL, _, err := p.session.AuthorizationURL(nil)
	if err != nil {
		return err
	}
	var callbackURL string
	var g *grant
	p.world.locked(func() {
		if g, callbackURL, err = p.world.spotify.authorize(authorizationURL); err == nil {
			p.unanswered[g] = true
		}
	})
	if err != nil {
		return err
	}
	_, err = p.session.FetchToken(ctx, callbackURL)
	return p.loginResult(g, err)
}

// setToken gives the session the token of a login from elsewhere.
func (p *process) setToken(ctx context.Context, record bool) error {
	w := p.world
	var fields spotipie.TokenFields
	var at time.Time
	var g *grant
	w.locked(func() {
		a := w.spotify.login()
		w.oracle.brought(p, a)
		g = a.grant
		p.unanswered[g] = true
		at = p.wall()
		fields = spotipie.TokenFields{
			AccessToken: a.String(), RefreshToken: a.refresh.String(), Scope: spotipie.Scopes{scope},
			ExpiresIn: notZero(a.lifetime), ExpiresAt: at.Add(a.lifetime - spotipie.DefaultExpiryMargin),
		}
		w.note(p.name, "sets %s and %s", a, a.refresh)
	})
	token, err := spotipie.NewToken(fields)
	if err != nil {
		return err
	}
	if record {
		return p.loginResult(g, p.session.SetRecord(ctx, spotipie.Record{Token: token, AuthorizedAt: at.Round(0).UTC()}))
	}
	return p.loginResult(g, p.session.SetToken(ctx, token))
}

// loginResult tells the oracle the result of a login.
func (p *process) loginResult(g *grant, err error) error {
	w := p.world
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(p.unanswered, g)
	if errors.Is(err, spotipie.ErrClosed) {
		w.oracle.refusedLogin(g)
	}
	return err
}

// useUntilWell calls the Web API until it answers, a few times.
func (p *process) useUntilWell() {
	w := p.world
	for try := range 5 {
		if try > 0 {
			time.Sleep(65 * time.Second)
		}
		p.use(Action{Kind: CallAPI, For: time.Minute})
		var err error
		w.locked(func() { err = p.lastErr; p.unwell = err })
		if err == nil || errors.Is(err, spotipie.ErrReauthorizationRequired) || !p.setup.App && errors.Is(err, spotipie.ErrNotAuthorized) || isMismatch(err) {
			return
		}
	}
}

// close closes the session, as a program does before it ends, and ends the process.
func (p *process) close() {
	w := p.world
	if p.awaken() != nil {
		return
	}
	w.mu.Lock()
	p.closing = true
	removeFirst := w.random.IntN(2) == 0
	w.mu.Unlock()
	if removeFirst {
		p.remove()
		w.locked(func() { p.removedAt = w.now() })
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	c := &call{process: p, name: "Close", began: w.now()}
	w.locked(func() { w.running[c] = true })
	err := p.session.Close(ctx)
	w.locked(func() {
		delete(w.running, c)
		if p.dead {
			return
		}
		p.closed = true
		w.note(p.name, "Close returns after %s: %v", w.now()-c.began, errorText{err})
		limit := closeLimit
		for _, s := range p.asleep {
			limit += overlap(s, span{c.began, w.now()})
		}
		if took := w.now() - c.began; took > limit+slack {
			w.oracle.find("late-return", p, "Close took %s", took)
		}
		w.oracle.closed(p, err)
	})
	if _, err := p.session.Token(context.Background()); !errors.Is(err, spotipie.ErrClosed) {
		w.locked(func() { w.oracle.tokenAfterClose(p, err) })
	}
	select {
	case <-p.watched:
	case <-p.died:
	case <-time.After(watchAgain + slack): // when the session closes the program may be waiting to watch again
		w.locked(func() {
			w.oracle.find("watch", p, "Watch has not returned %s after Close", watchAgain+slack)
		})
	}
	p.unwatch()
	w.locked(func() {
		if !p.dead {
			w.note(p.name, "ends")
			p.kill()
		}
	})
}

func callName(k Kind) string {
	return map[Kind]string{
		CallToken: "Token", CallRefreshToken: "RefreshToken", CallAPI: "Request", CallLoad: "Load",
		CallLogin: "FetchToken", CallSetToken: "SetToken", CallSetRecord: "SetRecord",
		CallFetchToken: "FetchToken", CallLogout: "Logout",
	}[k]
}
