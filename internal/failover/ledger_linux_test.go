package failover_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
)

// ledger stands before the accounts service and keeps account of each refresh
// token: whose it is, which process has used it, and which one followed.
type ledger struct {
	service http.Handler

	mu     sync.Mutex
	codes  map[string]string       // the user who has agreed, by code
	tokens map[string]*issuedToken // by refresh token
	newest map[string]*issuedToken // by user
	losses map[string]loss         // by user
	issued map[string][]time.Time  // by user
}

type issuedToken struct {
	user   string
	digest string
	usedBy string // the process; empty: none
	// next is the token that was issued for this one, at nextAt.
	next   *issuedToken
	nextAt time.Time
}

// loss is a login that the accounts service has ended.
type loss struct {
	token   *issuedToken // that was sent again, or refused at its first use
	isReuse bool
	again   string    // the process that has sent it again
	at      time.Time // when the request came
}

func newLedger(service http.Handler) *ledger {
	return &ledger{
		service: service, codes: make(map[string]string), tokens: make(map[string]*issuedToken),
		newest: make(map[string]*issuedToken), losses: make(map[string]loss), issued: make(map[string][]time.Time),
	}
}

// noteConsent notes who has agreed to what a callback is the answer to.
func (l *ledger) noteConsent(callbackURL, user string) error {
	u, err := url.Parse(callbackURL)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.codes[u.Query().Get("code")] = user
	return nil
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/token" {
		l.service.ServeHTTP(w, r)
		return
	}
	process, asked := r.Header.Get(nameHeader), loss{at: time.Now()}
	testservices.PassTokenRequest(l.service, w, r, func(form url.Values) {
		asked.token, asked.isReuse = l.use(form.Get("refresh_token"), process)
		asked.again = process
	}, func(form url.Values, answer *httptest.ResponseRecorder) {
		l.noteAnswer(form.Get("code"), asked, answer)
	})
}

// use notes that a refresh token is used, before it is.
func (l *ledger) use(refreshToken, process string) (token *issuedToken, isReuse bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	token = l.tokens[refreshToken]
	if token == nil {
		return nil, false
	}
	if token.usedBy != "" {
		return token, true
	}
	token.usedBy = process
	return token, false
}

// noteAnswer notes the refresh token in an answer, or that the login has ended, by
// what ifRefused says.
func (l *ledger) noteAnswer(code string, ifRefused loss, answer *httptest.ResponseRecorder) {
	sent := ifRefused.token
	var fields struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal(answer.Body.Bytes(), &fields)
	l.mu.Lock()
	defer l.mu.Unlock()
	user := l.codes[code]
	if sent != nil {
		user = sent.user
	}
	if fields.RefreshToken == "" {
		if _, isLost := l.losses[user]; !isLost && sent != nil {
			l.losses[user] = ifRefused
		}
		return
	}
	next := &issuedToken{user: user, digest: digest(fields.RefreshToken)}
	if sent != nil {
		sent.next, sent.nextAt = next, time.Now()
	}
	l.tokens[fields.RefreshToken], l.newest[user] = next, next
	l.issued[user] = append(l.issued[user], time.Now())
}

// renewed reports how many users have got so many tokens since a time, or have
// lost their login.
func (l *ledger) renewed(since time.Time, times int) (users int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for user, at := range l.issued {
		n := 0
		for _, one := range at {
			if one.After(since) {
				n++
			}
		}
		if _, isLost := l.losses[user]; isLost || n >= times {
			users++
		}
	}
	return users
}
