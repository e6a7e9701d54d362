package login_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// do makes a request that does not belong to the login.
func do(t testing.TB, method, address string, change func(*http.Request)) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	p, err := readPage(resp)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStraysNeverEndALogin(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	r := start(t, newSession(t, server, nil), nil)
	address := r.address()
	callback := parameter(t, address, "redirect_uri")
	state := parameter(t, address, "state")
	root := strings.TrimSuffix(callback, "/callback")
	host := func(name string) func(*http.Request) { return func(req *http.Request) { req.Host = name } }
	u, _ := url.Parse(callback)

	for name, stray := range map[string]struct {
		method, address string
		change          func(*http.Request)
		status          int
	}{
		"the icon":                      {"GET", root + "/favicon.ico", nil, 404},
		"another path":                  {"GET", root + "/admin", nil, 404},
		"a path that only looks alike":  {"GET", callback + "/", nil, 404},
		"another method":                {"DELETE", callback + "?code=c&state=" + state, nil, 405},
		"HEAD with the right state":     {"HEAD", callback + "?code=c&state=" + state, nil, 405},
		"a form":                        {"POST", callback + "?code=c&state=" + state, nil, 405},
		"preflight":                     {"OPTIONS", callback + "?code=c&state=" + state, nil, 405},
		"another host (DNS rebinding)":  {"GET", callback + "?code=c&state=" + state, host("evil.example"), 421},
		"localhost":                     {"GET", callback + "?code=c&state=" + state, host("localhost:" + u.Port()), 421},
		"another port":                  {"GET", callback + "?code=c&state=" + state, host("127.0.0.1:1"), 421},
		"no state":                      {"GET", callback + "?code=c", nil, 303},
		"a wrong state":                 {"GET", callback + "?code=c&state=" + state[1:], nil, 303},
		"an empty state":                {"GET", callback + "?code=c&state=", nil, 303},
		"two states":                    {"GET", callback + "?code=c&state=" + state + "&state=x", nil, 303},
		"two codes":                     {"GET", callback + "?code=c&code=d&state=" + state, nil, 303},
		"code and error":                {"GET", callback + "?code=c&error=e&state=" + state, nil, 303},
		"a denial without state":        {"GET", callback + "?error=access_denied", nil, 303},
		"a denial with a wrong state":   {"GET", callback + "?error=access_denied&state=x", nil, 303},
		"neither code nor error":        {"GET", callback + "?state=" + state, nil, 303},
		"a malformed query":             {"GET", callback + "?code=%zz&state=" + state, nil, 303},
		"a second tab without anything": {"GET", callback, nil, 200},
		"a second tab at the end":       {"GET", callback + "/done", nil, 200},
		"a second tab at the start":     {"GET", root + "/", nil, 200},
	} {
		p := do(t, stray.method, stray.address, stray.change)
		if p.status != stray.status {
			t.Errorf("%s: status %d, want %d", name, p.status, stray.status)
		}
		if strings.Contains(p.body, state) {
			t.Errorf("%s: the answer has the state in it", name)
		}
		if location := p.header.Get("Location"); (p.status == 303) != (location == "/callback/stray") {
			t.Errorf("%s: sent on to %q", name, location)
		}
		if allow := p.header.Get("Allow"); (p.status == 405) != (allow == "GET") {
			t.Errorf("%s: Allow %q", name, allow)
		}
		r.running()
	}
	if p := do(t, "GET", callback+"/stray", nil); p.status != 400 || !strings.Contains(p.body, "goes on waiting") {
		t.Errorf("where they are sent: %d %s", p.status, p.body)
	}
	rawStrays(t, u.Host)
	r.running()
	if err := b.open(address); err != nil {
		t.Fatal(err)
	}
	r.token()
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

// rawStrays sends data that is not HTTP, and leaves connections half open.
func rawStrays(t *testing.T, host string) {
	t.Helper()
	for _, text := range []string{"", "GET", "\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 100<<10)} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(text))
		t.Cleanup(func() { _ = conn.Close() })
	}
}

func TestStraysNeverEndAnImplicitLogin(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true}), newBrowser(t)
	r := start(t, newImplicitSession(t, server), nil)
	address := r.address()
	callback := parameter(t, address, "redirect_uri")
	state := parameter(t, address, "state")
	post := func(body, site string) page {
		return do(t, "POST", callback, func(req *http.Request) {
			req.Body = http.NoBody
			if body != "" {
				req.Body = nopCloser{strings.NewReader(body)}
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Sec-Fetch-Site", site)
		})
	}
	fragment := func(values string) string { return url.Values{"fragment": {values}}.Encode() }
	good := fragment("access_token=t&token_type=Bearer&expires_in=3600&state=" + state)
	for name, stray := range map[string]struct {
		p      page
		status int
	}{
		"the address without its fragment": {do(t, "GET", callback, nil), 200},
		"a code":                           {do(t, "GET", callback+"?code=c&state="+state, nil), 200},
		"a form of another site":           {post(good, "cross-site"), 403},
		"a form of another port":           {post(good, "same-site"), 403},
		"a form of no site":                {post(good, "none"), 403},
		"nothing":                          {post("", "same-origin"), 303},
		"a wrong state":                    {post(fragment("access_token=t&state=x"), "same-origin"), 303},
		"a malformed fragment":             {post(fragment("access_token=%zz"), "same-origin"), 303},
		"a malformed form":                 {post("fragment=%zz", "same-origin"), 303},
		"too much":                         {post(fragment(strings.Repeat("x", 70<<10)), "same-origin"), 413},
		"another method":                   {do(t, "PUT", callback, nil), 405},
	} {
		if stray.p.status != stray.status {
			t.Errorf("%s: status %d, want %d", name, stray.p.status, stray.status)
		}
	}
	r.running()
	if err := b.open(address); err != nil {
		t.Fatal(err)
	}
	r.token()
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }

func TestARepeatedCallbackIsAnsweredLikeTheFirst(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	if err := server.QueueFault(accounts.Fault{Target: accounts.TargetToken, Kind: accounts.FaultSlow, Delay: 100e6}); err != nil {
		t.Fatal(err)
	}
	r := start(t, newSession(t, server, nil), nil)
	answer := server.Consent(t, r.address())
	pages := make(chan page, 3)
	for range cap(pages) {
		go func() { pages <- do(t, "GET", answer, nil) }()
	}
	for range cap(pages) {
		p := <-pages
		location := p.header.Get("Location")
		if p.status != http.StatusSeeOther || !strings.HasPrefix(location, "/callback/done?visit=") {
			t.Errorf("status %d, Location %q", p.status, location)
		}
		r.running()
		if p := do(t, "GET", "http://"+mustParse(t, answer).Host+location, nil); !strings.Contains(p.body, "Hello") {
			t.Errorf("the page says %s", p.body)
		}
	}
	r.token()
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

func TestABrowserThatNeverFetchesThePageDoesNotHoldTheProgram(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	r := start(t, newSession(t, server, nil), nil)
	do(t, "GET", server.Consent(t, r.address()), nil)
	r.token()
}

func TestTheAddressBarHoldsNoSecret(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		t.Run(fmt.Sprintf("implicit %t", legacy), func(t *testing.T) {
			surroundings(t, nil)
			server, b := newServer(t, &accounts.Options{AutoApprove: true, Legacy: legacy}), newBrowser(t)
			var address string
			opts := &login.Options{Input: noTerminal(t), Output: newOutput(), Browser: func(a string) error {
				address = a
				return b.open(a)
			}}
			var err error
			var secrets []string
			if legacy {
				s := newImplicitSession(t, server)
				_, err = login.Authorize(t.Context(), s, opts)
				secrets = []string{s.CurrentToken().AccessToken()}
			} else {
				s := newSession(t, server, nil)
				_, err = login.Authorize(t.Context(), s, opts)
				secrets = []string{s.CurrentToken().AccessToken(), s.CurrentToken().RefreshToken()}
			}
			if err != nil {
				t.Fatal(err)
			}
			p := b.shown()
			secrets = append(secrets, parameter(t, address, "state"), "code=")
			query := p.url.Query()
			query.Del("visit") // not a secret: it distinguishes tabs, and works once
			if p.url.Path != "/callback/done" || len(query) > 0 || p.url.Fragment != "" {
				t.Errorf("the browser ends at %s", p.url)
			}
			var header bytes.Buffer
			_ = p.header.Write(&header)
			for _, secret := range secrets {
				if strings.Contains(p.body+header.String(), secret) {
					t.Error("the page holds a secret")
				}
			}
		})
	}
}
