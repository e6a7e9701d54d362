package login_test

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

func mustParse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// occupy takes a port.
func occupy(t testing.TB) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func noBrowser(t testing.TB) func(string) error {
	return func(string) error { t.Error("a browser was opened"); return nil }
}

// TestPortInUseIsToldBeforeABrowserOpens protects users from agreeing to a login that
// cannot be finished.
func TestPortInUseIsToldBeforeABrowserOpens(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	taken, alsoTaken := occupy(t), occupy(t)
	for name, opts := range map[string]login.Options{
		"in the redirect URI": {RedirectURI: "http://127.0.0.1:" + strconv.Itoa(taken) + "/callback"},
		"in Ports":            {Ports: []int{alsoTaken, taken}},
		"in BindAddress":      {BindAddress: "127.0.0.1:" + strconv.Itoa(taken)},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Browser, opts.Input, opts.Output = noBrowser(t), noTerminal(t), newOutput()
			_, err := login.Authorize(t.Context(), newSession(t, server, nil), &opts)
			e := expectError[*login.PortError](t, err)
			if e.Ports[len(e.Ports)-1] != taken || !strings.Contains(e.Error(), strconv.Itoa(taken)) || !strings.Contains(e.Error(), "Options.Ports") {
				t.Errorf("%v", e)
			}
			want := "without them any free port is taken"
			if opts.RedirectURI != "" {
				want = "a redirect URI registered without a port, such as " + login.DefaultRedirectURI
			}
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%v, want %q", e, want)
			}
		})
	}
	t.Run("an address that the machine does not have", func(t *testing.T) {
		_, err := login.Authorize(t.Context(), newSession(t, server, nil), &login.Options{
			BindAddress: "192.0.2.1", Browser: noBrowser(t), Input: noTerminal(t), Output: newOutput(),
		})
		if e := expectError[*login.PortError](t, err); e.Host != "192.0.2.1" || strings.Contains(e.Error(), "port 0") {
			t.Errorf("%v", e)
		}
	})
}

func TestPortsAndBindAddress(t *testing.T) {
	surroundings(t, nil)
	port, inside := freePort(t), freePort(t)
	fixed := "http://127.0.0.1:" + strconv.Itoa(port) + "/callback"
	server := newServer(t, &accounts.Options{AutoApprove: true, Apps: []accounts.App{{
		ClientID: "app", RedirectURIs: []string{"http://127.0.0.1/callback", fixed},
	}}})
	for name, test := range map[string]struct {
		opts login.Options
		want string
	}{
		"redirect URI without a port, any free one is taken": {login.Options{}, ""},
		"redirect URI with a port":                           {login.Options{RedirectURI: fixed}, fixed},
		"candidate ports, the first is taken":                {login.Options{Ports: []int{occupy(t), port}}, fixed},
		"bind address of all interfaces":                     {login.Options{BindAddress: "0.0.0.0", Ports: []int{port}}, fixed},
		"bind address with its port":                         {login.Options{BindAddress: "127.0.0.1:" + strconv.Itoa(port)}, fixed},
	} {
		t.Run(name, func(t *testing.T) {
			r, b := start(t, newSession(t, server, nil), &test.opts), newBrowser(t)
			address := r.address()
			if got := parameter(t, address, "redirect_uri"); test.want != "" && got != test.want {
				t.Errorf("redirect_uri %q, want %q", got, test.want)
			}
			if err := b.open(address); err != nil {
				t.Fatal(err)
			}
			r.token()
		})
	}

	t.Run("container: the port outside is not the port inside", func(t *testing.T) {
		r := start(t, newSession(t, server, nil), &login.Options{
			BindAddress: "0.0.0.0:" + strconv.Itoa(inside), Ports: []int{port, port + 1},
		})
		answer := mustParse(t, server.Consent(t, r.address()))
		if answer.Port() != strconv.Itoa(port) {
			t.Errorf("the browser is sent to %s", answer.Host)
		}
		proxy := publish(t, port, inside)
		defer proxy()
		if p, err := newBrowser(t).get(answer.String()); err != nil || !strings.Contains(p.body, "Hello") {
			t.Errorf("%s %v", p.body, err)
		}
		r.token()
	})
}

// TestContainerBindAddressDiffersFromRedirectURI protects users of a container, where
// nobody can reach the loopback address.
func TestContainerBindAddressDiffersFromRedirectURI(t *testing.T) {
	surroundings(t, map[string]string{"container": "podman"})
	server, b := newServer(t, nil), newBrowser(t)
	port := freePort(t)
	r := start(t, newSession(t, server, nil), &login.Options{BindAddress: "0.0.0.0", Ports: []int{port}})
	address := r.address()
	if got := parameter(t, address, "redirect_uri"); got != "http://127.0.0.1:"+strconv.Itoa(port)+"/callback" {
		t.Errorf("the redirect URI became %s", got)
	}
	if strings.Contains(r.output.String(), "This is a container") {
		t.Error("the hint is printed though it was followed")
	}
	if err := b.open(address); err != nil {
		t.Fatal(err)
	}
	r.token()

	t.Run("who does not know is told", func(t *testing.T) {
		r := start(t, newSession(t, server, nil), nil)
		r.output.waitFor(t, "This is a container. A browser outside", 1)
	})
}

// TestContainerIsToldACompleteThingToDo protects from a hint with this login's port, because
// the next login has another one.
func TestContainerIsToldACompleteThingToDo(t *testing.T) {
	surroundings(t, map[string]string{"container": "podman"})
	port := freePort(t)
	fixed := "http://127.0.0.1:" + strconv.Itoa(port) + "/callback"
	server := newServer(t, &accounts.Options{Apps: []accounts.App{{
		ClientID: "app", RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback", fixed},
	}}})
	flags := func(address string, port int) string { return fmt.Sprintf("tune-keeper --listen %s/%d", address, port) }
	for name, test := range map[string]struct {
		opts         login.Options
		run, command string
	}{
		"in Go":                      {login.Options{}, "127.0.0.1:8889:8889", `login.Options{BindAddress: "0.0.0.0", Ports: []int{8889}}`},
		"in the program's own flags": {login.Options{ListenCommand: flags}, "127.0.0.1:8889:8889", "tune-keeper --listen 0.0.0.0/8889"},
		"IPv6":                       {login.Options{ListenCommand: flags, RedirectURI: "http://[::1]/callback"}, "[::1]:8889:8889", "tune-keeper --listen 0.0.0.0/8889"},
		"a registered port": {
			login.Options{ListenCommand: flags, RedirectURI: fixed},
			fmt.Sprintf("127.0.0.1:%[1]d:%[1]d", port), fmt.Sprintf("tune-keeper --listen 0.0.0.0/%d", port),
		},
		"a port that was chosen": {
			login.Options{ListenCommand: flags, Ports: []int{port}},
			fmt.Sprintf("127.0.0.1:%[1]d:%[1]d", port), fmt.Sprintf("tune-keeper --listen 0.0.0.0/%d", port),
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, newSession(t, server, nil), &test.opts)
			defer func() { r.cancel(); r.wait() }()
			text := r.output.waitFor(t, "Waiting for 2 minutes.", 1)
			for _, line := range []string{"\n    docker run -p " + test.run + " …\n", "\n    " + test.command + "\n"} {
				if !strings.Contains(text, line) {
					t.Errorf("not printed: %q but %s", line, text)
				}
			}
		})
	}
}

// TestLocalhostIsCorrectedBeforeABrowserOpens protects from Spotify's error page, which says
// only that something is wrong.
func TestLocalhostIsCorrectedBeforeABrowserOpens(t *testing.T) {
	surroundings(t, nil)
	session := newSession(t, newServer(t, nil), nil)
	for uri, suggestion := range map[string]string{
		"http://localhost/callback":      "http://127.0.0.1/callback",
		"http://localhost:8080/callback": "http://127.0.0.1:8080/callback",
		"http://192.0.2.7/callback":      "https://192.0.2.7/callback",
		"https://example.com/callback":   login.DefaultRedirectURI,
		"https://127.0.0.1/callback":     login.DefaultRedirectURI,
		"com.example.app://callback":     login.DefaultRedirectURI,
		"http://127.0.0.1/callback ":     "http://127.0.0.1/callback",
	} {
		_, err := login.Authorize(t.Context(), session, &login.Options{
			RedirectURI: uri, Browser: noBrowser(t), Input: noTerminal(t), Output: newOutput(),
		})
		if e := expectError[*spotipie.RedirectURIError](t, err); e.Suggestion != suggestion {
			t.Errorf("%s: suggested %q, want %q", uri, e.Suggestion, suggestion)
		}
	}
}

func TestOnlyTheLoopbackAddressIsServed(t *testing.T) {
	surroundings(t, nil)
	session := newSession(t, newServer(t, nil), func(_ *spotipie.Credentials, o *spotipie.Options) { o.SkipRedirectURICheck = true })
	_, err := login.Authorize(t.Context(), session, &login.Options{
		RedirectURI: "http://192.0.2.7/callback", Browser: noBrowser(t), Input: noTerminal(t), Output: newOutput(),
	})
	expectError[*spotipie.RedirectURIError](t, err)
}

// TestTheRedirectURIIsKeptToTheLetter protects from an extra or missing slash, which Spotify
// refuses.
func TestTheRedirectURIIsKeptToTheLetter(t *testing.T) {
	surroundings(t, nil)
	for _, uri := range []string{
		"http://127.0.0.1/callback", "http://127.0.0.1/callback/", "http://127.0.0.1", "http://127.0.0.1/",
		"http://127.0.0.1/a%20b/c", "http://127.0.0.1/callback?app=one",
	} {
		t.Run(uri, func(t *testing.T) {
			server := newServer(t, &accounts.Options{AutoApprove: true, Apps: []accounts.App{{
				ClientID: "app", RedirectURIs: []string{uri},
			}}})
			r, b := start(t, newSession(t, server, nil), nil), newBrowser(t)
			address := r.address()
			sent := parameter(t, address, "redirect_uri")
			if without := strings.Replace(sent, ":"+mustParse(t, sent).Port(), "", 1); without != uri {
				t.Errorf("sent %s", sent)
			}
			if err := b.open(address); err != nil {
				t.Fatal(err)
			}
			r.token()
			if p := b.shown(); !strings.Contains(p.body, "Hello") {
				t.Errorf("the page says %d %s", p.status, p.body)
			}
		})
	}
}

func TestLocalhostWorksWithAServiceThatTakesIt(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true, Apps: []accounts.App{{
		ClientID: "app", RedirectURIs: []string{"http://localhost:" + strconv.Itoa(freePort(t)) + "/callback"},
	}}})
	session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) { o.SkipRedirectURICheck = true })
	r, b := start(t, session, nil), newBrowser(t)
	if err := b.open(r.address()); err != nil {
		t.Fatal(err)
	}
	r.token()
}
