package login_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// surroundings removes everything in the environment that would change the texts, and sets
// the variables in env.
func surroundings(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "WSL_DISTRO_NAME", "WSL_INTEROP", "container",
		"KUBERNETES_SERVICE_HOST", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER",
	} {
		t.Setenv(name, env[name])
	}
}

// server is a short name.
type server = spotifytest.Server

func newServer(t testing.TB, opts *accounts.Options) *spotifytest.Server {
	t.Helper()
	if opts == nil {
		opts = &accounts.Options{AutoApprove: true}
	}
	return spotifytest.NewWith(t, opts)
}

// newSession returns an authorization code session without a token.
func newSession(t testing.TB, server *spotifytest.Server, change func(*spotipie.Credentials, *spotipie.Options)) *spotipie.AuthorizationCodeSession {
	t.Helper()
	creds, opts := server.Credentials(), server.Options()
	if change != nil {
		change(&creds, opts)
	}
	s, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func newImplicitSession(t testing.TB, server *spotifytest.Server) *spotipie.ImplicitGrantSession {
	t.Helper()
	s, err := spotipie.NewImplicitGrantSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// page is the page that the browser shows at the end.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

// browser is a browser without a screen. It follows redirects, and does what the script on
// the page of the implicit grant does.
type browser struct {
	t       testing.TB
	pages   chan page
	visited chan *url.URL // every address that it requested
	loaded  chan page     // the pages that asked to be reloaded
}

func newBrowser(t testing.TB) *browser {
	return &browser{t: t, pages: make(chan page, 10), visited: make(chan *url.URL, 100), loaded: make(chan page, 100)}
}

// passed returns the pages that were shown before the last one.
func (b *browser) passed() []page {
	var pages []page
	for len(b.loaded) > 0 {
		pages = append(pages, <-b.loaded)
	}
	return pages
}

// open is for Options.Browser.
func (b *browser) open(address string) error {
	p, err := b.get(address)
	if err == nil {
		b.pages <- p
	}
	return err
}

func (b *browser) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			b.visited <- req.URL
			return nil
		},
	}
}

func (b *browser) get(address string) (page, error) {
	p, err := b.load(address)
	for err == nil && p.header.Get("Refresh") != "" {
		b.loaded <- p
		time.Sleep(200 * time.Millisecond) // less than a real browser waits
		p, err = b.load(p.url.String())
	}
	if err != nil || !strings.Contains(p.body, `name="fragment"`) || p.url.Fragment == "" {
		return p, err
	}
	here := *p.url
	here.Fragment, here.RawFragment = "", ""
	resp, err := b.client().PostForm(here.String(), url.Values{"fragment": {p.url.EscapedFragment()}})
	if err != nil {
		return page{}, err
	}
	return readPage(resp)
}

func (b *browser) load(address string) (page, error) {
	resp, err := b.client().Get(address)
	if err != nil {
		return page{}, err
	}
	return readPage(resp)
}

func readPage(resp *http.Response) (page, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return page{status: resp.StatusCode, url: resp.Request.URL, header: resp.Header, body: string(body)}, err
}

// shown returns the last page that the browser shows.
func (b *browser) shown() page {
	b.t.Helper()
	select {
	case p := <-b.pages:
		return p
	case <-time.After(5 * time.Second):
		b.t.Fatal("the browser shows nothing")
		return page{}
	}
}

// output collects what is printed for the user.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// waitFor waits until the output has the text n times, and returns it.
func (o *output) waitFor(t testing.TB, text string, n int) string {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		if s := o.String(); strings.Count(s, text) >= n {
			return s
		}
		select {
		case <-o.changed:
		case <-deadline:
			t.Fatalf("%q is not printed %d times but this is:\n%s", text, n, o.String())
		}
	}
}

// authorizationURL returns the last address printed for the user to open.
func (o *output) authorizationURL(t testing.TB, n int) string {
	t.Helper()
	text := o.waitFor(t, "/authorize?", n)
	i := strings.LastIndex(text, "http://")
	for !strings.HasPrefix(text[i:], "http://127.0.0.1") || !strings.Contains(strings.Fields(text[i:])[0], "/authorize?") {
		i = strings.LastIndex(text[:i], "http://")
	}
	return strings.Fields(text[i:])[0]
}

// outcome is the result of Authorize or Prompt.
type outcome struct {
	token *spotipie.Token
	err   error
}

// running is a login in a goroutine, whose browser does nothing by itself.
type running struct {
	t      testing.TB
	output *output
	done   chan outcome
	cancel context.CancelFunc
	opened chan string
}

// start begins a login that the test itself answers.
func start(t testing.TB, session spotipie.Session, opts *login.Options) *running {
	t.Helper()
	var o login.Options
	if opts != nil {
		o = *opts
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, output: newOutput(), done: make(chan outcome, 1), cancel: cancel, opened: make(chan string, 1)}
	o.Output = r.output
	if o.Browser == nil {
		o.Browser = func(address string) error { r.opened <- address; return nil }
	}
	if o.Input == nil {
		o.Input = noTerminal(t)
	}
	go func() {
		token, err := login.Authorize(ctx, session, &o)
		r.done <- outcome{token, err}
	}()
	t.Cleanup(cancel)
	return r
}

// address returns the authorization URL that the browser was told to open.
func (r *running) address() string {
	r.t.Helper()
	select {
	case address := <-r.opened:
		return address
	case o := <-r.done:
		r.t.Fatalf("ended before a browser opened: %v", o.err)
	case <-time.After(5 * time.Second):
		r.t.Fatal("no browser was opened")
	}
	return ""
}

func (r *running) wait() outcome {
	r.t.Helper()
	select {
	case o := <-r.done:
		return o
	case <-time.After(10 * time.Second):
		r.t.Fatalf("the login has not ended; printed:\n%s", r.output)
		return outcome{}
	}
}

func (r *running) token() *spotipie.Token {
	r.t.Helper()
	o := r.wait()
	if o.err != nil {
		r.t.Fatalf("login: %v", o.err)
	}
	return o.token
}

func (r *running) running() {
	r.t.Helper()
	select {
	case o := <-r.done:
		r.t.Fatalf("the login has ended: %v", o.err)
	default:
	}
}

// parameter reads a parameter of an address.
func parameter(t testing.TB, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

func expectError[E error](t testing.TB, err error) E {
	t.Helper()
	var target E
	if !errors.As(err, &target) {
		t.Fatalf("error %v, want a %T", err, target)
	}
	return target
}
