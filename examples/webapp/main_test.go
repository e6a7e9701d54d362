package main

import (
	"context"
	"crypto/rand"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/pgxstore"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/spotipie/spotipie/web"
)

var services testservices.Services

// scs.New starts a goroutine that cannot be stopped after its store is replaced.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(services.Exit),
		goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}

// site is the app on two replicas that take turns, with its own database.
type site struct {
	t       *testing.T
	url     string
	spotify *spotifytest.Server
	db      *pgxpool.Pool
	store   *pgstore.Store
}

// siteOptions configure a site. The zero value means http and a working database.
type siteOptions struct {
	isHTTPS  bool
	database string        // the address of a database with the tables
	timeout  time.Duration // of a request
}

func newSite(t *testing.T, opts siteOptions) *site {
	t.Helper()
	if opts.database == "" {
		opts.database = newDatabase(t, services.Postgres(t))
	}
	s := &site{t: t, db: connect(t, opts.database)}
	var err error
	if s.store, err = pgstore.New(s.db, nil); err != nil {
		t.Fatal(err)
	}
	var replicas []http.Handler
	var turn atomic.Uint64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		replicas[turn.Add(1)%uint64(len(replicas))].ServeHTTP(w, r)
	}))
	if opts.isHTTPS {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	s.url = server.URL
	creds := accounts.App{ClientID: "app", ClientSecret: "its-secret-words", RedirectURIs: []string{s.url + "/auth/callback"}}
	s.spotify = spotifytest.NewWith(t, &accounts.Options{Apps: []accounts.App{creds}})
	keys, err := web.ParseKeys(web.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		replicas = append(replicas, s.newReplica(connect(t, opts.database), keys, opts.timeout))
	}
	return s
}

func (s *site) newReplica(db *pgxpool.Pool, keys web.Keys, timeout time.Duration) http.Handler {
	s.t.Helper()
	opts := s.spotify.Options()
	opts.Scope = nil
	a, err := newApp(db, pgxstore.NewWithCleanupInterval(db, 0), s.spotify.Credentials(), opts, keys)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := a.close(context.Background()); err != nil {
			s.t.Errorf("closing the pool: %v", err)
		}
	})
	if timeout > 0 {
		a.timeout = timeout
	}
	return a.handler()
}

// newDatabase makes a database on a server, with the app's tables, and returns its
// address.
func newDatabase(t *testing.T, server string) string {
	t.Helper()
	name := "app" + strings.ToLower(rand.Text())
	admin, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// connect opens a database as the app does, and closes it when the test ends.
func connect(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	db, err := openDatabase(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// browser is the browser of a user who agrees at Spotify.
type browser struct {
	*site
	account string
	client  *http.Client
	asked   []spotipie.Scopes // at Spotify
}

func (s *site) browser(account string) *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := insecureTransport()
	s.t.Cleanup(transport.CloseIdleConnections)
	return &browser{site: s, account: account, client: &http.Client{
		Jar: jar, Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is the page that a browser shows.
type answer struct {
	path   string
	status int
	header http.Header
	body   string
}

// The values of Sec-Fetch-Site.
const (
	ownPage   = "same-origin"
	otherSite = "cross-site"
)

// get visits a page by a link of the app, and post sends one of its forms.
func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.request(http.MethodGet, path, ownPage)
}

func (b *browser) post(path string) answer {
	b.t.Helper()
	return b.request(http.MethodPost, path, ownPage)
}

// request makes a request and follows redirects, through Spotify too.
func (b *browser) request(method, path, site string) answer {
	b.t.Helper()
	for range 10 {
		got := b.once(method, path, site)
		location := got.header.Get("Location")
		if location == "" {
			return got
		}
		method = http.MethodGet
		if strings.HasPrefix(location, b.spotify.URL) {
			location, site = b.agree(location), otherSite
		}
		path = strings.TrimPrefix(location, b.url)
	}
	b.t.Fatalf("too many redirects, the last one to %s", path)
	return answer{}
}

func (b *browser) once(method, path, site string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", site)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Accept", "text/html")
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{path: path, status: resp.StatusCode, header: resp.Header, body: html.UnescapeString(string(body))}
}

// agree agrees to an authorization request without the page, and returns the callback.
func (b *browser) agree(authorizationURL string) string {
	b.t.Helper()
	u, err := url.Parse(authorizationURL)
	if err != nil {
		b.t.Fatal(err)
	}
	b.asked = append(b.asked, spotipie.ParseScopes(u.Query().Get("scope")))
	callback, err := b.spotify.ConsentAs(authorizationURL, b.account)
	if err != nil {
		b.t.Fatal(err)
	}
	return callback
}

func (b *browser) expect(got answer, status int, words ...string) {
	b.t.Helper()
	for _, word := range words {
		if !strings.Contains(got.body, word) {
			b.t.Errorf("%s has no %q: %s", got.path, word, got.main())
		}
	}
	if got.status != status {
		b.t.Errorf("%s: %d, want %d: %s", got.path, got.status, status, got.main())
	}
}

func (a answer) main() string {
	_, main, _ := strings.Cut(a.body, "<main>")
	return main
}

func (b *browser) signIn() {
	b.t.Helper()
	b.expect(b.get("/auth/login"), http.StatusOK, "Hello, ")
}

func (b *browser) expectNobody() {
	b.t.Helper()
	b.expect(b.get("/"), http.StatusOK, "Sign in with Spotify")
}

// cookie returns the browser's session cookie.
func (b *browser) cookie() *http.Cookie {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, "tune-keeper") {
			return c
		}
	}
	return nil
}

// steal gives another browser the session of this one.
func (b *browser) steal(cookie *http.Cookie) *browser {
	b.t.Helper()
	thief := b.browser("nobody")
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	thief.client.Jar.SetCookies(u, []*http.Cookie{cookie})
	return thief
}

// count returns how many rows a table has.
func (s *site) count(table string) int {
	s.t.Helper()
	var n int
	if err := s.db.QueryRow(s.t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// records returns the keys of the users whose authorizations are kept.
func (s *site) records() []spotipie.Key {
	s.t.Helper()
	keys, err := s.store.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return keys
}
