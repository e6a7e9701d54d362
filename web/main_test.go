package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/spotipie/spotipie/web"
)

// scs.New starts a goroutine that cannot be stopped after its store is replaced.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}

// Keys for tests. They are the same in each run and not secret.
var (
	keyText    = strings.Repeat("QUJD", 10) + "QUI="
	oldKeyText = strings.Repeat("WFla", 10) + "WFk="
)

func parseKeys(t testing.TB, text string) web.Keys {
	t.Helper()
	keys, err := web.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// app is a web app with several replicas and its own accounts service.
type app struct {
	t       testing.TB
	spotify *spotifytest.Server
	url     string // its origin, as browsers see it
	inside  string // where it listens
	store   spotipie.Store
	creds   spotipie.Credentials
	keys    []string // of each replica
	change  func(*web.Options, *spotipie.PoolOptions)

	replicas []*replica
	next     atomic.Uint64 // the replica for the next request

	mu     sync.Mutex
	errors []*web.Error // the errors that OnError got
}

type replica struct {
	pool    *spotipie.Pool
	auth    *web.Auth
	handler http.Handler
}

// appOptions adjust an app. The zero value has two replicas on http.
type appOptions struct {
	accounts accounts.Options
	keys     []string // of each replica; default: two have the same
	store    spotipie.Store
	isHTTPS  bool
	origin   string // of a proxy before it
	change   func(*web.Options, *spotipie.PoolOptions)
}

// newApp starts an app whose replicas take turns: two successive requests never
// reach the same one.
func newApp(t testing.TB, opts appOptions) *app {
	t.Helper()
	a := &app{t: t, store: opts.store, keys: opts.keys, change: opts.change}
	if a.store == nil {
		a.store = spotipie.NewMemoryStore()
	}
	if a.keys == nil {
		a.keys = []string{keyText, keyText}
	}
	server := httptest.NewUnstartedServer(a)
	if opts.isHTTPS {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	a.inside, a.url = server.URL, cmp.Or(opts.origin, server.URL)
	a.creds = spotipie.Credentials{ClientID: "app", ClientSecret: "its-secret-words", RedirectURI: a.url + "/auth/callback"}
	if opts.accounts.Apps == nil {
		opts.accounts.Apps = []accounts.App{{ClientID: a.creds.ClientID, ClientSecret: a.creds.ClientSecret, RedirectURIs: []string{a.creds.RedirectURI}}}
	}
	a.spotify = spotifytest.NewWith(t, &opts.accounts)
	for _, keys := range a.keys {
		a.replicas = append(a.replicas, a.newReplica(keys))
	}
	return a
}

func (a *app) newReplica(keys string) *replica {
	a.t.Helper()
	session := a.spotify.Options()
	session.Scope, session.Store = nil, a.store
	poolOptions := &spotipie.PoolOptions{Options: *session}
	options := &web.Options{Keys: parseKeys(a.t, keys), Now: a.spotify.Now, AppName: "Tune Keeper", OnError: a.heard}
	if a.change != nil {
		a.change(options, poolOptions)
	}
	pool, err := spotipie.NewPool(a.creds, poolOptions)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		if err := pool.Close(context.Background()); err != nil {
			a.t.Logf("closing the pool: %v", err)
		}
	})
	auth, err := web.New(pool, options)
	if err != nil {
		a.t.Fatal(err)
	}
	return &replica{pool: pool, auth: auth, handler: routes(auth)}
}

func (a *app) heard(_ *http.Request, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var known *web.Error
	if !errors.As(err, &known) {
		a.t.Errorf("OnError got %T: %v", err, err)
		return
	}
	a.errors = append(a.errors, known)
}

// lastError returns the latest error of OnError, and forgets all errors.
func (a *app) lastError() *web.Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.errors) == 0 {
		return nil
	}
	last := a.errors[len(a.errors)-1]
	a.errors = nil
	return last
}

// ServeHTTP is the load balancer before the replicas.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.replicas[a.next.Add(1)%uint64(len(a.replicas))].handler.ServeHTTP(w, r)
}

// routes returns the handler of the app.
func routes(auth *web.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("/{$}", auth.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "home of %q", web.UserFrom(r.Context()))
	})))
	mux.Handle("/me", auth.Require()(answerMe(auth)))
	mux.Handle("/library", auth.Require(spotipie.ScopeUserLibraryRead)(answerMe(auth)))
	mux.Handle("/playlists", auth.Require(spotipie.ScopePlaylistReadPrivate)(answerMe(auth)))
	return mux
}

// answerMe answers with the user's name at Spotify.
func answerMe(auth *web.Auth) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := web.SessionFrom(r.Context())
		user, err := spotipie.CurrentUser(r.Context(), session)
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		if user.Key() != web.UserFrom(r.Context()) {
			fmt.Fprint(w, "MIXED UP: ")
		}
		fmt.Fprintf(w, "%s has %s at %s", user.ID, session.Scope(), r.URL.RequestURI())
	})
}

// browser is a user's browser. It has cookies, and says where requests come from,
// like real browsers. At Spotify its user agrees, or not.
type browser struct {
	*app
	client  *http.Client
	account string                // at Spotify
	isSilly bool                  // does not say where requests come from, like some browsers until 2023
	before  func(location string) // is called before each redirect
}

func (a *app) browser(account string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = insecure()
	a.t.Cleanup(transport.CloseIdleConnections)
	return &browser{app: a, account: account, client: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is what the browser shows.
type page struct {
	url    string
	status int
	header http.Header
	body   string
}

func (p page) String() string {
	body := p.body
	if _, main, found := strings.Cut(body, "<main>"); found {
		body = main
	}
	return fmt.Sprintf("%d %s: %s", p.status, p.url, body)
}

// The values of Sec-Fetch-Site.
const (
	typed     = "none"
	ownPage   = "same-origin"
	otherSite = "cross-site"
)

// visit types an address of the app.
func (b *browser) visit(path string) page { b.t.Helper(); return b.follow(b.get(path, typed), typed) }

// click follows a link on a page of the app.
func (b *browser) click(path string) page {
	b.t.Helper()
	return b.follow(b.get(path, ownPage), ownPage)
}

// comeFromElsewhere follows a link on another site.
func (b *browser) comeFromElsewhere(path string) page {
	b.t.Helper()
	return b.follow(b.get(path, otherSite), otherSite)
}

// submit sends a form of a page of the app.
func (b *browser) submit(path string, fields ...string) page {
	b.t.Helper()
	return b.follow(b.post(path, ownPage, b.url, fields...), ownPage)
}

func (b *browser) get(path, site string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.absolute(path), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req, site)
}

func (b *browser) post(path, site, origin string, fields ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.absolute(path), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", origin)
	return b.do(req, site)
}

func (b *browser) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return b.url + path
	}
	return path
}

func (b *browser) do(req *http.Request, site string) page {
	b.t.Helper()
	if !b.isSilly {
		req.Header.Set("Sec-Fetch-Site", site)
		req.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{url: req.URL.String(), status: resp.StatusCode, header: resp.Header, body: string(body)}
}

// follow follows redirects, through Spotify's consent too.
func (b *browser) follow(p page, site string) page {
	b.t.Helper()
	for range 10 {
		location := p.header.Get("Location")
		if location == "" {
			return p
		}
		if b.before != nil {
			b.before(location)
		}
		if strings.HasPrefix(location, b.spotify.URL) {
			location, site = b.agree(location), otherSite
		}
		p = b.get(location, site)
	}
	b.t.Fatalf("redirected again and again, at last to %s", p.url)
	return page{}
}

// agree agrees to an authorization request without the page, and returns the callback.
func (b *browser) agree(authorizationURL string) string {
	b.t.Helper()
	if b.account == "" { // the user does not agree
		u, err := url.Parse(authorizationURL)
		if err != nil {
			b.t.Fatal(err)
		}
		query := u.Query()
		return query.Get("redirect_uri") + "?error=access_denied&state=" + query.Get("state")
	}
	callback, err := b.spotify.ConsentAs(authorizationURL, b.account)
	if err != nil {
		b.t.Fatal(err)
	}
	return callback
}

// begin begins a login and stops before Spotify.
func (b *browser) begin(path string) (authorizationURL string) {
	b.t.Helper()
	p := b.get(path, typed)
	location := p.header.Get("Location")
	if !strings.HasPrefix(location, b.spotify.URL+"/authorize?") {
		b.t.Fatalf("no redirect to Spotify: %s", p)
	}
	return location
}

// beginAndAgree begins a login and returns the callback without following it.
func (b *browser) beginAndAgree(path string) (callback string) {
	b.t.Helper()
	return b.agree(b.begin(path))
}

// signIn signs in and checks that it worked.
func (b *browser) signIn() {
	b.t.Helper()
	b.expect(b.visit("/auth/login?return_to=/me"), http.StatusOK, b.account+" has ")
}

func (b *browser) expect(p page, status int, words string) {
	b.t.Helper()
	if p.status != status || !strings.Contains(p.body, words) || strings.Contains(p.body, "MIXED UP") {
		b.t.Errorf("got %s, want %d and %q", p, status, words)
	}
}

// expectNobody checks that nobody is signed in.
func (b *browser) expectNobody() {
	b.t.Helper()
	b.expect(b.visit("/"), http.StatusOK, `home of ""`)
}

// expectUser checks that the owner of the account is signed in.
func (b *browser) expectUser(account string) {
	b.t.Helper()
	b.expect(b.visit("/me"), http.StatusOK, account+" has ")
}

// expectError checks the last error that OnError got.
func (a *app) expectError(page string, status int, words string) {
	a.t.Helper()
	err := a.lastError()
	if err == nil || err.Page != page || err.Status != status || !strings.Contains(err.Error(), words) {
		a.t.Errorf("OnError heard %+v, want page %s, %d and %q", err, page, status, words)
	}
}

// cookies returns the browser's cookies for the app whose names have a part.
func (b *browser) cookies(part string) []*http.Cookie {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.DeleteFunc(b.client.Jar.Cookies(u), func(c *http.Cookie) bool { return !strings.Contains(c.Name, part) })
}

// setCookie puts a cookie into the browser, as an attacker might.
func (b *browser) setCookie(name, value string) {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: u.Scheme == "https"}})
}

// expectCodes checks how many codes were sent to Spotify.
func (a *app) expectCodes(want int) {
	a.t.Helper()
	if got := a.spotify.Stats().TokenRequests.AuthorizationCode; got != want {
		a.t.Errorf("%d codes were sent to Spotify, want %d", got, want)
	}
}

// records returns how many authorizations the store has.
func (a *app) records() int {
	a.t.Helper()
	keys, err := a.store.List(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return len(keys)
}

// program makes a request like a script or a program.
func (b *browser) program(method, path string) (status int, answer map[string]any) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(body, &answer); err != nil {
			b.t.Fatal(err)
		}
	}
	return resp.StatusCode, answer
}
