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
	// slots is how many logins of an app a browser may have under way. Their
	// cookies are sent with every request, and servers refuse requests with
	// large headers.
	slots = 5
	// maxDraws limits how often begin draws a state until one belongs to a free
	// slot.
	maxDraws = 100
)

// attempt is a login under way, as stored in its cookie.
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

// slotOf returns the slot of the attempt with a state. So the callback finds
// its cookie, and a browser never has more cookies than slots.
func slotOf(state string) int {
	sum := sha256.Sum256([]byte(state))
	return int(sum[0]) % slots
}

func attemptPurpose(slot int) string { return "login-" + strconv.Itoa(slot) }

// begin begins a login: it sets the cookie, and returns the address to send the
// browser to.
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

// freeSlots returns the slots without an attempt, or else the slot of the
// oldest attempt. A slot is free if its cookie cannot be decrypted or has
// expired.
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

// attemptOf returns the attempt with a state, if this browser has begun it.
func (a *Auth) attemptOf(r *http.Request, state string) (attempt, bool) {
	var t attempt
	if _, ok := a.sealer.cookie(r, attemptPurpose(slotOf(state)), &t); !ok {
		return attempt{}, false
	}
	return t, isEqualSecret(t.State, state)
}
