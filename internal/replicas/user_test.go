package replicas_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// person is a user with a browser.
type person struct {
	site    *site
	id      string
	account string
	saved   library // the library that they must see
	client  *http.Client

	isSignedIn bool
	// isUnsure means that the last sign-in came during an outage. Perhaps only one
	// replica knows of it.
	isUnsure bool
}

func (s *site) newPerson(id, account string) (*person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &person{site: s, id: id, account: account, client: &http.Client{
		Jar: jar, Transport: s.transport, Timeout: visitTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// visitTimeout is longer than the lease of a lock and a request together.
const visitTimeout = 90 * time.Second

// response is what a browser got.
type response struct {
	status   int
	location string
	replica  string
	body     []byte
}

func (r response) String() string {
	return fmt.Sprintf("%d from replica %q: %.200q, to %q", r.status, r.replica, r.body, withoutQuery(r.location))
}

func (r response) answer() (says answer, err error) {
	err = json.Unmarshal(r.body, &says)
	return says, err
}

func withoutQuery(address string) string { before, _, _ := strings.Cut(address, "?"); return before }

func (p *person) do(ctx context.Context, method, address string, form url.Values, accept string) (response, error) {
	if strings.HasPrefix(address, "/") {
		address = p.site.url + address
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return response{}, err
	}
	req.Header.Set("Accept", accept)
	if accept == page {
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", p.site.url)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return response{}, err
	}
	return response{status: resp.StatusCode, location: resp.Header.Get("Location"), replica: resp.Header.Get(nameHeader), body: body}, nil
}

// Limits of a browser.
const (
	page = "text/html"
	data = "application/json"
)

var errTrouble = errors.New("a page of trouble")

// signIn logs a user in: the app, Spotify, the app. If the error is errTrouble, it
// can be tried again.
func (p *person) signIn(ctx context.Context) error {
	begun, err := p.do(ctx, http.MethodGet, "/auth/login?return_to="+mePath, nil, page)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(begun.location, p.site.spotifyURL) {
		return p.unexpected("the login", begun)
	}
	callback, err := p.site.service.ConsentAs(begun.location, p.id)
	if err != nil {
		return err
	}
	if err := p.site.ledger.noteConsent(callback, p.account); err != nil {
		return err
	}
	metOutage := p.site.hasOutage.Load()
	finished, err := p.do(ctx, http.MethodGet, callback, nil, page)
	if err != nil {
		return err
	}
	if finished.location != mePath {
		return p.unexpected("the callback", finished)
	}
	p.isSignedIn, p.isUnsure = true, metOutage || p.site.hasOutage.Load()
	p.site.logins.Add(1)
	if begun.replica != finished.replica {
		p.site.movedLogins.Add(1)
	}
	return nil
}

// unexpected returns the error for an answer that does not belong to a login.
func (p *person) unexpected(step string, got response) error {
	if isUpstreamTrouble(got.status) || strings.HasPrefix(got.location, "/auth/callback?") {
		return fmt.Errorf("%s: %w: %s", step, errTrouble, got)
	}
	return fmt.Errorf("%s: %s", step, got)
}

// signOut signs the user out. If forget is set, it also deletes the authorization.
func (p *person) signOut(ctx context.Context, forget bool) error {
	form := url.Values{}
	if forget {
		form.Set("forget", "true")
	}
	got, err := p.do(ctx, http.MethodPost, "/auth/logout", form, page)
	if err != nil {
		return err
	}
	if got.status != http.StatusSeeOther && got.status != http.StatusFound {
		p.isUnsure = true
		return p.unexpected("the logout", got)
	}
	p.isSignedIn = false
	return nil
}

// verdict is the kind of an answer.
type verdict int

const (
	good    verdict = iota
	trouble         // 502, 503 or 504
	over            // the user has to sign in
	mixedUp         // another user's data
	strange         // anything else
	verdicts
)

// visit gets a page of the app, and judges the answer.
func (p *person) visit(ctx context.Context, path string) (verdict, response, error) {
	got, err := p.do(ctx, http.MethodGet, path, nil, data)
	switch {
	case err != nil:
		return strange, got, err
	case isUpstreamTrouble(got.status):
		return trouble, got, nil
	case got.status == http.StatusUnauthorized:
		return over, got, nil
	case got.status != http.StatusOK:
		return strange, got, nil
	}
	says, err := got.answer()
	if err != nil {
		return strange, got, err
	}
	switch {
	case path == homePath && says.Account == "":
		return over, got, nil
	case says.Account != p.account,
		path == mePath && says.ID != p.id,
		path == libraryPath && says.Library != p.saved:
		return mixedUp, got, nil
	}
	return good, got, nil
}
