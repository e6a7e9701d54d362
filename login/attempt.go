package login

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxAttempts is how often a login starts again at most because a pasted code
// was refused.
const maxAttempts = 20

// attempt is a visit to the accounts service for which the login waits.
type attempt struct {
	authorizationURL string
	state            string
	replaced         chan struct{} // closed when a newer attempt replaces it

	answered    atomic.Bool // by the page
	callbackURL string      // the page's answer; set before it is handed on
}

// attempts are the attempts of one login. Only the latest counts.
type attempts struct {
	mu   sync.Mutex
	list []*attempt
}

func (a *attempts) begin(authorizationURL, state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.list); n > 0 {
		close(a.list[n-1].replaced)
	}
	a.list = append(a.list, &attempt{authorizationURL: authorizationURL, state: state, replaced: make(chan struct{})})
}

func (a *attempts) current() *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list[len(a.list)-1]
}

func (a *attempts) isCurrent(other *attempt) bool { return a.current() == other }

func (a *attempts) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.list)
}

// find returns the attempt with the given state, or nil. It compares the state
// of each attempt in constant time.
func (a *attempts) find(state string) *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found *attempt
	for _, attempt := range a.list {
		if subtle.ConstantTimeCompare([]byte(attempt.state), []byte(state)) == 1 {
			found = attempt
		}
	}
	return found
}

// endState reports whether the state of an attempt ends with the given text.
func (a *attempts) endState(text string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.list, func(attempt *attempt) bool { return strings.HasSuffix(attempt.state, text) })
}

// What is wrong with an answer, for the user who has pasted it.
var (
	errNotCallback = errors.New("it has neither a code nor an error in it")
	errCut         = errors.New("its state is missing; copy the whole address")
	errOtherLogin  = errors.New("it belongs to another login than this")
	errReplaced    = errors.New("it belongs to the address printed before the last one")
	errToOpen      = errors.New("it is the address to open, not the one that the browser ends at after you agreed; " +
		"if the browser shows only an error there, the app's client id or redirect URI is wrong")
	errRest = errors.New("it looks like the rest of an address that was cut in two; " +
		"paste the whole address at once (or press Enter first, if it is the code)")
	errNeedsAddress = errors.New("it has no token in it; copy the whole address, with all that follows the #")
)

// answerOf finds the attempt that the parameters of a callback answer.
func (l *login) answerOf(params url.Values) (*attempt, error) {
	answer := "code"
	if l.implicit {
		answer = "access_token"
	}
	switch {
	case params.Has("response_type"):
		return nil, errToOpen
	case len(params[answer])+len(params["error"]) != 1:
		return nil, errNotCallback
	case len(params["state"]) != 1:
		return nil, errCut
	}
	a := l.attempts.find(params.Get("state"))
	if a == nil {
		return nil, errOtherLogin
	}
	return a, nil
}

// callbackURL makes a callback URL from the redirect URI and the parameters of
// a callback.
func (l *login) callbackURL(params url.Values) string {
	base, _, _ := strings.Cut(l.redirectURI, "?")
	if l.implicit && !params.Has("error") {
		return base + "#" + params.Encode()
	}
	return base + "?" + params.Encode()
}

// isBareCode reports whether text is a code without an address. RFC 6749
// appendix A.11 allows more; this form cannot be mistaken for anything else.
func isBareCode(text string) bool {
	const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+-"
	text = strings.TrimRight(text, "=")
	return len(text) >= minCode && len(text) <= maxCode && strings.Trim(text, characters) == ""
}

// Spotify's codes are longer than minCode and far shorter than maxCode.
const (
	minCode = 16
	maxCode = 4096
)

// trimPasted removes characters that are often copied together with an address.
func trimPasted(text string) string { return strings.Trim(text, " \t\r\n\"'<>") }

// readPasted makes a callback URL from what the user pasted: the address the
// browser ended at, the parameters in it, or only the code. The URL belongs to
// the current attempt. Terminals and mail programs wrap long addresses, so a
// line may also be the rest of the one before.
func (l *login) readPasted(text string) (callbackURL string, err error) {
	text = trimPasted(text)
	begun := l.begun
	l.begun = ""
	if strings.Contains(text, "?") || len(begun)+len(text) > maxLine {
		begun = ""
	}
	if begun != "" {
		if callbackURL, err = l.readAddress(begun + text); err == nil {
			return callbackURL, nil
		}
	}
	if !l.implicit && isBareCode(text) {
		if begun != "" || l.attempts.endState(text) {
			l.begun = begun + text
			return "", errRest
		}
		return l.callbackURL(url.Values{"code": {text}, "state": {l.attempts.current().state}}), nil
	}
	callbackURL, err = l.readAddress(text)
	if err != nil && (begun != "" || l.isCut(text, err)) {
		l.begun = begun + text
	}
	return callbackURL, err
}

// isCut reports whether a text may be the beginning of an answer that was cut
// in two.
func (l *login) isCut(text string, err error) bool {
	switch err {
	case errCut:
		return true
	case errNotCallback, errNeedsAddress:
		return strings.ContainsAny(text, "?#")
	case errOtherLogin:
		_, state, _ := strings.Cut(text, "state=")
		return strings.HasPrefix(l.attempts.current().state, state)
	}
	return false
}

// readAddress is readPasted for a complete address, or its parameters.
func (l *login) readAddress(text string) (callbackURL string, err error) {
	address, fragment, hasFragment := strings.Cut(text, "#")
	_, query, hasQuery := strings.Cut(address, "?")
	if !hasQuery {
		query = address
	}
	params, err := url.ParseQuery(query)
	if l.implicit && err == nil && !params.Has("error") && !params.Has("response_type") {
		if !hasQuery && !hasFragment {
			fragment = text
		}
		if params, err = url.ParseQuery(fragment); err == nil && !params.Has("access_token") {
			return "", errNeedsAddress
		}
	}
	if err != nil {
		return "", errNotCallback
	}
	a, err := l.answerOf(params)
	switch {
	case err != nil:
		return "", err
	case !l.attempts.isCurrent(a):
		return "", errReplaced
	}
	return l.callbackURL(params), nil
}
