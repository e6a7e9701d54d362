package web

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	attemptLifetime = 10 * time.Minute
	// slots is how many attempts an app may have in a browser. Their cookies go
	// with every request, and servers refuse requests whose headers are large.
	slots = 5
	// maxDraws bounds the search for a state of a slot that is free.
	maxDraws = 100
)

// attempt is a login under way, as its cookie has it.
type attempt struct {
	State    string `json:"s"`
	Verifier string `json:"v"`
	Scope    string `json:"a,omitempty"`
	ReturnTo string `json:"r,omitempty"`
	Expires  int64  `json:"e"` // by the pool's clock
}

func (a *Auth) loginOf(t attempt) spotipie.Login {
	return spotipie.Login{
		State: t.State, Verifier: t.Verifier, RedirectURI: a.redirectURI,
		Scope: spotipie.ParseScopes(t.Scope), Expires: time.Unix(t.Expires, 0),
	}
}

// slotOf returns the slot of the attempt with a state: so the callback finds its
// cookie, and however many logins a browser begins, it never has more cookies.
func slotOf(state string) int {
	sum := sha256.Sum256([]byte(state))
	return int(sum[0]) % slots
}

func attemptPurpose(slot int) string { return "login-" + strconv.Itoa(slot) }

// begin begins a login: it gives the browser the cookie, and returns the address
// to send it to.
func (a *Auth) begin(w http.ResponseWriter, r *http.Request, opts *spotipie.AuthorizationURLOptions, returnTo string) (string, error) {
	opts.Lifetime = attemptLifetime
	free := a.freeSlots(r)
	for draw := 1; ; draw++ {
		authorizationURL, login, err := a.pool.AuthorizationURL(opts)
		if err != nil {
			return "", fmt.Errorf("beginning a login: %w", err)
		}
		slot := slotOf(login.State)
		if !free[slot] && draw < maxDraws {
			continue
		}
		value := attempt{
			State: login.State, Verifier: login.Verifier,
			Scope: login.Scope.String(), ReturnTo: returnTo, Expires: login.Expires.Unix(),
		}
		if err := a.sealer.setCookie(w, attemptPurpose(slot), value, attemptLifetime); err != nil {
			return "", fmt.Errorf("beginning a login: %w", err)
		}
		return authorizationURL, nil
	}
}

// freeSlots returns the slots that no attempt has, or the one of the oldest.
// What cannot be opened, or has ended, leaves its slot free.
func (a *Auth) freeSlots(r *http.Request) (free [slots]bool) {
	oldest, begun := 0, time.Time{}
	found := false
	for slot := range slots {
		expires, ok := a.sealer.cookie(r, attemptPurpose(slot), &attempt{})
		switch {
		case !ok:
			free[slot], found = true, true
		case begun.IsZero() || expires.Before(begun):
			oldest, begun = slot, expires
		}
	}
	if !found {
		free[oldest] = true
	}
	return free
}

// attemptOf returns the attempt of a state, if this browser has begun it.
func (a *Auth) attemptOf(r *http.Request, state string) (attempt, bool) {
	var t attempt
	if _, ok := a.sealer.cookie(r, attemptPurpose(slotOf(state)), &t); !ok {
		return attempt{}, false
	}
	return t, isEqualSecret(t.State, state)
}
