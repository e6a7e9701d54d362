package login_test

import (
	"bytes"
	"errors"
	"html/template"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// TestThePagesRunNoForeignScript protects from names and messages that contain a script.
func TestThePagesRunNoForeignScript(t *testing.T) {
	surroundings(t, nil)
	const script = `</style></title><script>alert(1)</script>`
	server := newServer(t, &accounts.Options{AutoApprove: true, Users: []accounts.User{{ID: "mallory", DisplayName: script}}})
	b := newBrowser(t)
	r := start(t, newSession(t, server, nil), &login.Options{AppName: script})
	address := r.address()
	callback := parameter(t, address, "redirect_uri")
	stray, err := newBrowser(t).get(callback + "?error=" + url.QueryEscape(script) + "&error_description=" + url.QueryEscape(script) + "&state=x")
	if err != nil {
		t.Fatal(err)
	}
	started := do(t, "GET", callback, nil)
	if err := b.open(address); err != nil {
		t.Fatal(err)
	}
	r.token()
	for name, p := range map[string]page{"stray": stray, "started": started, "signed-in": b.shown()} {
		if strings.Contains(p.body, "<script") || !strings.Contains(p.body, "&lt;script&gt;") {
			t.Errorf("%s: %s", name, p.body)
		}
	}
}

func TestTheErrorPageRunsNoForeignScript(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	r := start(t, newSession(t, server, nil), nil)
	address := r.address()
	p, err := newBrowser(t).get(parameter(t, address, "redirect_uri") +
		"?error=server_error&error_description=%3Cscript%3E&state=" + parameter(t, address, "state"))
	if err != nil {
		t.Fatal(err)
	}
	expectError[*spotipie.AuthorizationError](t, r.wait().err)
	if strings.Contains(p.body, "<script") || !strings.Contains(p.body, "&lt;script&gt;") {
		t.Error(p.body)
	}
}

func TestEveryAnswerKeepsTheBrowserSafe(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true})
	r := start(t, newImplicitSession(t, server), nil)
	callback := parameter(t, r.address(), "redirect_uri")
	root := strings.TrimSuffix(callback, "callback")
	nonces := map[string]bool{}
	for _, address := range []string{callback, callback + "/stray", callback + "/done", root, root + "none", callback} {
		p := do(t, "GET", address, nil)
		for name, want := range map[string]string{
			"Cache-Control":                "no-store",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", address, name, got, want)
			}
		}
		csp := p.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") ||
			!strings.Contains(csp, "base-uri 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %s", address, csp)
		}
		script, form := "script-src 'none'", "form-action 'none'"
		if own := regexp.MustCompile(`<script nonce="(\w+)">`).FindStringSubmatch(p.body); address == callback {
			script, form = "script-src 'nonce-"+own[1]+"'", "form-action 'self'"
		}
		if p.status != http.StatusNotFound && !strings.Contains(csp, script+";") || !strings.Contains(csp, form+";") {
			t.Errorf("%s: policy %s, want %s and %s", address, csp, script, form)
		}
		for _, nonce := range regexp.MustCompile(`style-src 'nonce-(\w+)'`).FindAllStringSubmatch(csp, -1) {
			if nonces[nonce[1]] || len(nonce[1]) < 20 {
				t.Errorf("%s: the nonce %s is used again", address, nonce[1])
			}
			nonces[nonce[1]] = true
		}
		if regexp.MustCompile(`(?:src|href|action)="(?:http|//)|url\(|@import`).MatchString(p.body) {
			t.Errorf("%s: it uses something from elsewhere: %s", address, p.body)
		}
	}
	if len(nonces) != 5 {
		t.Errorf("%d nonces", len(nonces))
	}
}

func TestNoConnectionOutlivesItsAnswer(t *testing.T) {
	surroundings(t, nil)
	r := start(t, newSession(t, newServer(t, nil), nil), nil)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(parameter(t, r.address(), "redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if !resp.Close {
		t.Error("the connection is kept for a further request")
	}
}

// signIn logs in with the given options and returns the last page.
func signIn(t *testing.T, session *spotipie.AuthorizationCodeSession, opts login.Options) page {
	t.Helper()
	b := newBrowser(t)
	opts.Browser, opts.Input, opts.Output = b.open, noTerminal(t), newOutput()
	if _, err := login.Authorize(t.Context(), session, &opts); err != nil {
		t.Fatal(err)
	}
	return b.shown()
}

func TestOwnPages(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	pages := template.Must(template.New("signed-in").Parse(
		`<!doctype html><title>Hi</title><script nonce="{{.Nonce}}">/**/</script>{{.AppName}} {{.User}} {{.AccentColor}}`))
	p := signIn(t, newSession(t, server, nil), login.Options{Pages: pages, AppName: "A & B", AccentColor: "#abc"})
	if !strings.HasSuffix(p.body, "</script>A &amp; B Ada #abc") {
		t.Errorf("the page is %s", p.body)
	}
	nonce := regexp.MustCompile(`<script nonce="(\w+)">`).FindStringSubmatch(p.body)
	if nonce == nil || !strings.Contains(p.header.Get("Content-Security-Policy"), "script-src 'nonce-"+nonce[1]+"'") {
		t.Errorf("policy %s", p.header.Get("Content-Security-Policy"))
	}

	t.Run("the others stay", func(t *testing.T) {
		server.DenyNext(1)
		b := newBrowser(t)
		_, err := login.Authorize(t.Context(), newSession(t, server, nil), &login.Options{
			Pages: pages, Browser: b.open, Input: noTerminal(t), Output: newOutput(),
		})
		if !errors.Is(err, spotipie.ErrAccessDenied) || !strings.Contains(b.shown().body, "You did not agree") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("that cannot work are told at once", func(t *testing.T) {
		for _, bad := range []*template.Template{
			template.Must(template.New("denied").Parse(`{{.Nothing}}`)),
			template.Must(template.New("success").Parse(`never used`)),
		} {
			_, err := login.Authorize(t.Context(), newSession(t, server, nil), &login.Options{Pages: bad, Browser: noBrowser(t)})
			if err == nil || !strings.HasPrefix(err.Error(), "login: Options.Pages: ") {
				t.Errorf("error %v", err)
			}
		}
	})
}

func TestThePictureIsPartOfThePage(t *testing.T) {
	surroundings(t, nil)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture.Bytes()) }))
	t.Cleanup(plain.Close)
	var authorization []string
	images := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = append(authorization, r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/ada.png", http.StatusFound)
		case "/downgrade":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write(picture.Bytes())
		case "/huge":
			_, _ = w.Write(picture.Bytes())
			_, _ = io.CopyN(w, zeros{}, 300<<10)
		case "/svg":
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
		default:
			_, _ = w.Write(picture.Bytes())
		}
	}))
	images.StartTLS()
	t.Cleanup(images.Close)
	transport := images.Client().Transport.(*http.Transport)
	transport.DisableKeepAlives = true

	for path, shown := range map[string]bool{
		images.URL + "/ada.png": true, images.URL + "/moved": true, images.URL + "/downgrade": false, images.URL + "/missing": false,
		images.URL + "/huge": false, images.URL + "/svg": false, plain.URL: false, "javascript:alert(1)": false,
	} {
		server := newServer(t, &accounts.Options{AutoApprove: true, Users: []accounts.User{{ID: "ada", DisplayName: "Ada", ImageURL: path}}})
		p := signIn(t, newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) { o.Transport = transport }), login.Options{})
		if got := strings.Contains(p.body, `src="data:`); got != shown || got && !strings.Contains(p.body, `src="data:image/png;base64,`) {
			t.Errorf("%s: picture %t, want %t: %s", path, got, shown, p.body)
		}
		if !strings.Contains(p.body, "Hello, <bdi>Ada</bdi>") {
			t.Errorf("%s: %s", path, p.body)
		}
	}
	for _, header := range authorization {
		if header != "" {
			t.Error("the picture's host was sent the token")
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAGreetingThatFailsIsNotMissed(t *testing.T) {
	surroundings(t, nil)
	for _, kind := range []accounts.FaultKind{accounts.FaultServerError, accounts.FaultInvalidJSON, accounts.FaultTruncated, accounts.FaultRateLimited} {
		server := newServer(t, nil)
		if err := server.QueueFault(accounts.Fault{Target: accounts.TargetAPI, Kind: kind}); err != nil {
			t.Fatal(err)
		}
		if p := signIn(t, newSession(t, server, nil), login.Options{}); !strings.Contains(p.body, "You are signed in") {
			t.Errorf("%s: %s", kind, p.body)
		}
	}
}
