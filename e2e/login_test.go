package e2e

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
	"github.com/spotipie/spotipie/spotifytest"
)

const appName = "Tune Keeper"

const (
	agree  = "button[value=agree]"
	cancel = "button[value=cancel]"
)

// newServer starts an accounts service that asks the user for consent.
func newServer(t *testing.T, opts accounts.Options) *spotifytest.Server {
	t.Helper()
	opts.Apps = []accounts.App{{
		ClientID: "tune-keeper", Name: appName,
		RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback"},
	}}
	return spotifytest.NewWith(t, &opts)
}

func sessionOptions(server *spotifytest.Server) *spotipie.Options {
	opts := server.Options()
	opts.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail, spotipie.ScopeUserLibraryRead, spotipie.ScopePlaylistModifyPrivate}
	return opts
}

func newSession(t *testing.T, server *spotifytest.Server) *spotipie.AuthorizationCodeSession {
	t.Helper()
	s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), sessionOptions(server))
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, s)
	return s
}

// running is a login that waits for the user in a tab.
type running struct {
	t         *testing.T
	done      chan error
	addresses chan string
}

// start begins a login that opens its address in the tab.
func start(t *testing.T, b *tab, session spotipie.Session, opts login.Options) *running {
	t.Helper()
	r := &running{t: t, done: make(chan error, 1), addresses: make(chan string, 1)}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	opts.AppName, opts.Input, opts.Output = appName, null, t.Output()
	opts.Browser = func(address string) error {
		r.addresses <- address
		return b.open(address)
	}
	go func() {
		_, err := login.Authorize(t.Context(), session, &opts)
		r.done <- err
	}()
	return r
}

func (r *running) wait() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.t.Fatal("the login has not ended")
		return nil
	}
}

func (r *running) succeed() {
	r.t.Helper()
	if err := r.wait(); err != nil {
		r.t.Fatal(err)
	}
}

// address returns the address that the browser was told to open, its state, and
// the callback's address.
func (r *running) address() (address, state, callback string) {
	r.t.Helper()
	address = <-r.addresses
	u, err := url.Parse(address)
	if err != nil {
		r.t.Fatal(err)
	}
	return address, u.Query().Get("state"), u.Query().Get("redirect_uri")
}

func secretsOf(s spotipie.Session, state string) []string {
	secrets := []string{state, s.CurrentToken().AccessToken()}
	if refresh := s.CurrentToken().RefreshToken(); refresh != "" {
		secrets = append(secrets, refresh)
	}
	return secrets
}

func TestAuthorizationCodeWithPKCE(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	session := newSession(t, server)
	r := start(t, b, session, login.Options{})
	_, state, callback := r.address()

	b.heading(appName + " asks for access")
	b.check("consent")
	b.click(agree)
	b.heading("Hello, Ada")
	r.succeed()

	b.check("signed-in")
	if text := b.text(); !strings.Contains(text, appName) || !strings.Contains(text, "You can close this tab.") {
		t.Errorf("the page says %q", text)
	}
	b.expectNothingFromElsewhere(server.URL, strings.TrimSuffix(callback, "/callback"))
	b.expectSafe(secretsOf(session, state)...)
}

func TestTheKeyboardIsEnough(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	session := newSession(t, server)
	r := start(t, b, session, login.Options{})
	b.heading("asks for access")
	b.focus("input[type=radio]")
	b.press(kb.ArrowDown) // the second user
	b.focus(agree)
	b.press(kb.Enter)
	b.heading("Hello, Grace")
	r.succeed()
}

func TestLoopbackAddressOfIPv6(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	session := newSession(t, server)
	r := start(t, b, session, login.Options{RedirectURI: "http://[::1]/callback"})
	b.heading("asks for access")
	b.click(agree)
	b.heading("Hello, Ada")
	r.succeed()
}

func TestImplicitGrant(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{Legacy: true})
	session, err := spotipie.NewImplicitGrantSession(server.Credentials(), sessionOptions(server))
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	r := start(t, b, session, login.Options{})
	_, state, callback := r.address()
	b.heading("asks for access")

	other := b.another() // shows the page at an address without an answer
	other.visit(callback)
	other.heading("One moment")
	other.check("fragment")
	if !strings.Contains(other.text(), "There is no answer in this address") {
		t.Errorf("the page says %q", other.text())
	}

	b.click(agree)
	b.heading("Hello, Ada")
	r.succeed()
	b.expectNothingFromElsewhere(server.URL, strings.TrimSuffix(callback, "/callback"))
	b.expectSafe(secretsOf(session, state)...)
}

func TestImplicitGrantWithoutScript(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{Legacy: true})
	session, err := spotipie.NewImplicitGrantSession(server.Credentials(), sessionOptions(server))
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	r := start(t, b, session, login.Options{})
	b.heading("asks for access")
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.click(agree)
	b.heading("One moment")
	if !strings.Contains(b.text(), "Switch on JavaScript") {
		t.Errorf("the page says %q", b.text())
	}
	b.screenshot("fragment-without-script")
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
	run(b, chromedp.Reload())
	b.heading("Hello, Ada")
	r.succeed()
}

func TestDenial(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	r := start(t, b, newSession(t, server), login.Options{})
	_, state, _ := r.address()
	b.heading("asks for access")
	b.click(cancel)
	b.heading("You did not agree")
	if err := r.wait(); !errors.Is(err, spotipie.ErrAccessDenied) {
		t.Errorf("error %v", err)
	}
	b.check("denied")
	b.expectSafe(state)
}

func TestSecondConsentAndShowDialog(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	r := start(t, b, newSession(t, server), login.Options{})
	b.heading("asks for access")
	b.click("input[value=grace]")
	b.click(agree)
	b.heading("Hello, Grace")
	r.succeed()

	// Spotify does not ask a user again who has agreed before.
	r = start(t, b, newSession(t, server), login.Options{})
	b.heading("Hello, Grace")
	r.succeed()

	// It does if the app wants that.
	r = start(t, b, newSession(t, server), login.Options{ForceDialog: true})
	b.heading("asks for access")
	b.click("input[value=ada]")
	b.click(agree)
	b.heading("Hello, Ada")
	r.succeed()
}

func TestWrongStateAndSecondTab(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	session := newSession(t, server)
	r := start(t, b, session, login.Options{})
	address, state, callback := r.address()
	b.heading("asks for access")

	stray := b.another()
	stray.visit(callback + "?code=forged&state=forged")
	stray.heading("This is not the answer " + appName + " is waiting for")
	stray.check("stray")

	stray.visit(callback)
	stray.heading(appName + " is waiting for you to agree")
	stray.check("started")
	stray.expectSafe(state)

	second := b.another()
	second.visit(address)
	second.heading("asks for access")
	second.click(agree)
	second.heading("Hello, Ada")
	r.succeed()
	second.expectSafe(secretsOf(session, state)...)
}

func TestClosedTab(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	t.Run("and opened again", func(t *testing.T) {
		closed := b.another()
		r := start(t, closed, newSession(t, server), login.Options{})
		address, _, _ := r.address()
		closed.heading("asks for access")
		closed.close()
		again := b.another()
		again.visit(address)
		again.heading("asks for access")
		again.click(agree)
		again.heading("Hello, Ada")
		r.succeed()
	})
	t.Run("and left closed", func(t *testing.T) {
		closed := b.another()
		r := start(t, closed, newSession(t, server), login.Options{Timeout: time.Second, ForceDialog: true})
		closed.heading("asks for access")
		closed.close()
		var timeout *login.TimeoutError
		if err := r.wait(); !errors.As(err, &timeout) {
			t.Errorf("error %v", err)
		}
	})
}

func TestFailedExchange(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	fault := accounts.Fault{
		Target: accounts.TargetToken, Kind: accounts.FaultRespond, Status: http.StatusBadRequest,
		Body: `{"error":"invalid_grant","error_description":"Invalid authorization code"}`,
	}
	if err := server.QueueFault(fault); err != nil {
		t.Fatal(err)
	}
	r := start(t, b, newSession(t, server), login.Options{})
	_, state, _ := r.address()
	b.heading("asks for access")
	b.click(agree)
	b.heading("The sign-in failed")
	var answer *spotipie.TokenEndpointError
	if err := r.wait(); !errors.As(err, &answer) {
		t.Errorf("error %v", err)
	}
	b.check("error")
	b.expectSafe(state)
}

// portrait draws a profile picture.
func portrait() image.Image {
	const size = 192
	p := image.NewRGBA(image.Rect(0, 0, size, size))
	within := func(x, y, centre, radius int) bool {
		dx, dy := x-size/2, y-centre
		return dx*dx+dy*dy < radius*radius
	}
	for y := range size {
		for x := range size {
			c := color.RGBA{uint8(120 + y/3), uint8(150 + x/6), 210, 255}
			if within(x, y, 75, 36) || within(x, y, 200, 76) {
				c = color.RGBA{250, 240, 230, 255}
			}
			p.SetRGBA(x, y, c)
		}
	}
	return p
}

// TestThePictureIsShown serves the picture over https from a host that only the
// program can reach.
func TestThePictureIsShown(t *testing.T) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, portrait()); err != nil {
		t.Fatal(err)
	}
	images := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture.Bytes()) }))
	t.Cleanup(images.Close)
	b, server := newTab(t), newServer(t, accounts.Options{Users: []accounts.User{{ID: "ada", DisplayName: "Ada", ImageURL: images.URL}}})
	opts := sessionOptions(server)
	opts.Transport = images.Client().Transport
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	t.Cleanup(opts.Transport.(*http.Transport).CloseIdleConnections)
	r := start(t, b, session, login.Options{AccentColor: "#b3261e"})
	b.heading("asks for access")
	b.click(agree)
	b.heading("Hello, Ada")
	r.succeed()
	if !run(b, chromedp.Evaluate[bool](`document.querySelector("img.picture")?.naturalWidth > 0`)) {
		t.Error("the picture is not shown")
	}
	b.check("signed-in-with-picture")
}
