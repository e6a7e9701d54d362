package replicas_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

// ledger stands before the accounts service and records each refresh token: its
// user, the replica that got it, and how often it was used.
type ledger struct {
	service   http.Handler
	store     spotipie.Store // does not use the proxy
	clientID  string
	wasKilled func(replica string) bool

	mu     sync.Mutex
	codes  map[string]*issuedCode
	tokens map[string]*issuedToken
	counts ledgerCounts
	losses []loss
}

type issuedCode struct {
	account   string
	exchanger string // the replica that has exchanged the code; empty: none
	isRepeat  bool   // the code was sent twice, which revokes the grant
}

type issuedToken struct {
	account string
	code    *issuedCode // the code with which its grant began
	at      time.Time
	replica string // the replica that has used it; empty: none
}

// ledgerCounts are other counts than losses.
type ledgerCounts struct {
	Refreshes    int // requests with a refresh token
	Renewed      int // different refresh tokens in these requests
	Unauthorized int // requests of the Web API with an invalid token
	Codes        int // requests with a code
	CodesTwice   int // requests with a code that was already exchanged
	ShortestAge  time.Duration
}

// loss is an authorization that the accounts service has refused to renew.
type loss struct {
	account string
	// inWindow means that the replica that had used the refresh token was killed
	// before it could save the next one.
	inWindow bool
	isReuse  bool // a refresh token was used twice
	why      string
}

func newLedger(service http.Handler, store spotipie.Store, clientID string, wasKilled func(string) bool) *ledger {
	return &ledger{
		service: service, store: store, clientID: clientID, wasKilled: wasKilled,
		codes: make(map[string]*issuedCode), tokens: make(map[string]*issuedToken),
		counts: ledgerCounts{ShortestAge: time.Hour},
	}
}

// noteConsent records which user has agreed, for the code in a callback.
func (l *ledger) noteConsent(callbackURL, account string) error {
	u, err := url.Parse(callbackURL)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.codes[u.Query().Get("code")] = &issuedCode{account: account}
	return nil
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/token" {
		l.service.ServeHTTP(&watchedStatus{w, l}, r)
		return
	}
	var isLost bool
	testservices.PassTokenRequest(l.service, w, r, func(form url.Values) {
		isLost = l.use(r.Context(), form, r.Header.Get(nameHeader))
	}, func(form url.Values, answer *httptest.ResponseRecorder) {
		l.noteAnswer(form, answer, isLost)
	})
}

// use records the use of a code or a refresh token before it happens. It reports
// whether an authorization is lost by it.
func (l *ledger) use(ctx context.Context, form url.Values, replica string) (isLost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if code := l.codes[form.Get("code")]; code != nil {
		l.counts.Codes++
		if code.exchanger != "" {
			code.isRepeat = true
			l.counts.CodesTwice++
			return false
		}
		code.exchanger = replica
		return false
	}
	token := l.tokens[form.Get("refresh_token")]
	if token == nil {
		return false
	}
	l.counts.Refreshes++
	if token.replica == "" {
		token.replica = replica
		l.counts.Renewed++
		l.counts.ShortestAge = min(l.counts.ShortestAge, time.Since(token.at))
		return false
	}
	l.losses = append(l.losses, l.lossOf(ctx, token, form.Get("refresh_token"), replica))
	return true
}

// lossOf finds out why a refresh token is used again. The process that uses it
// holds the store's lock, so it has seen the record in the store.
func (l *ledger) lossOf(ctx context.Context, token *issuedToken, text, again string) loss {
	result := loss{account: token.account, isReuse: true}
	rec, found, err := l.store.Load(ctx, spotipie.Key{ClientID: l.clientID, Profile: token.account})
	isSaved := err != nil || !found || rec.Token == nil || rec.Token.RefreshToken() != text
	isKilled := l.wasKilled(token.replica)
	result.inWindow = isKilled && !isSaved
	result.why = fmt.Sprintf("replica %s (killed: %t) has used the token, then %s; the store has another one: %t (found %t, error %v)",
		token.replica, isKilled, again, isSaved, found, err)
	return result
}

// noteAnswer records the refresh token in an answer, or that there is none.
func (l *ledger) noteAnswer(form url.Values, answer *httptest.ResponseRecorder, isLost bool) {
	var fields struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal(answer.Body.Bytes(), &fields)
	l.mu.Lock()
	defer l.mu.Unlock()
	code, used := l.codes[form.Get("code")], l.tokens[form.Get("refresh_token")]
	if used != nil {
		code = used.code
	}
	switch {
	case code == nil:
		l.losses = append(l.losses, loss{why: "a code or refresh token that nobody was given"})
	case fields.RefreshToken != "":
		l.tokens[fields.RefreshToken] = &issuedToken{account: code.account, code: code, at: time.Now()}
	case used != nil && !isLost:
		l.losses = append(l.losses, loss{
			account: code.account, inWindow: code.isRepeat && l.wasKilled(code.exchanger),
			why: fmt.Sprintf("the first use of a refresh token is answered with %d; replica %s had exchanged its code, which was sent twice: %t", answer.Code, code.exchanger, code.isRepeat),
		})
	}
}

// lost reports whether the authorization of an account was refused.
func (l *ledger) lost(account string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.losses, func(one loss) bool { return one.account == account })
}

func (l *ledger) results() (counts ledgerCounts, losses []loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts, slices.Clone(l.losses)
}

// watchedStatus counts the answers that refuse an access token.
type watchedStatus struct {
	http.ResponseWriter
	ledger *ledger
}

func (w *watchedStatus) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		w.ledger.mu.Lock()
		w.ledger.counts.Unauthorized++
		w.ledger.mu.Unlock()
	}
	w.ResponseWriter.WriteHeader(status)
}

func isUpstreamTrouble(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}
