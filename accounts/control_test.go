package accounts_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

// newControlled makes a world that accepts control requests.
func newControlled(t testing.TB, opts accounts.Options) *world {
	t.Helper()
	opts.Control = true
	return newWorld(t, opts)
}

// controlRequest makes a control request like a program on this machine.
func controlRequest(method, name, body string) *http.Request {
	r := httptest.NewRequest(method, "/_service/"+name, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8888"
	r.Header.Set("Content-Type", "application/json")
	return r
}

// control sends a control request, which must succeed.
func (w *world) control(name, body string) map[string]any {
	w.t.Helper()
	return w.do(controlRequest("POST", name, body)).object(w.t)
}

func TestControl(t *testing.T) {
	w := newControlled(t, accounts.Options{Now: aMoment})
	if got := w.control("advance", `{"seconds":90.5}`)["now"]; got != "2026-11-24T09:01:30Z" {
		t.Errorf("now %v", got)
	}
	if got := w.get("/v1/me", "").header.Get("Date"); got != "Tue, 24 Nov 2026 09:01:30 GMT" {
		t.Errorf("Date %q", got)
	}

	url, err := json.Marshal("http://127.0.0.1:8888/authorize?" + authorizeQuery().Encode())
	if err != nil {
		t.Fatal(err)
	}
	callback := w.control("consent", `{"user":"grace","authorization_url":`+string(url)+`}`)["callback_url"].(string)
	if !strings.HasPrefix(callback, redirectURI+"?code=AQ") || !strings.HasSuffix(callback, "&state=xyz") {
		t.Errorf("callback %q", callback)
	}

	w.control("approve", `{"user":"grace"}`)
	token := w.login("")
	if got := w.get("/v1/me", token.AccessToken).object(t)["id"]; got != "grace" {
		t.Errorf("signed in as %v", got)
	}
	w.control("deny", `{}`)
	if got := w.authorize().location(t).Query().Get("error"); got != "access_denied" {
		t.Errorf("error %q, want access_denied", got)
	}
	if got := w.control("expire", `{"user":"ada"}`)["expired"]; got != 0.0 {
		t.Errorf("%v of ada's tokens expired", got)
	}
	if got := w.control("expire", `{"user":"grace"}`)["expired"]; got != 1.0 {
		t.Errorf("%v tokens expired", got)
	}
	token.AccessToken = w.refresh(token.RefreshToken).tokens(t).AccessToken
	if got := w.control("expire", `{}`)["expired"]; got != 1.0 {
		t.Errorf("%v tokens of everyone expired", got)
	}
	if got := w.control("revoke", `{"user":"grace","client_id":"`+otherID+`"}`)["revoked"]; got != 0.0 {
		t.Errorf("%v authorizations of another app revoked", got)
	}
	if got := w.control("revoke", `{"user":"grace"}`)["revoked"]; got != 1.0 {
		t.Errorf("%v authorizations revoked", got)
	}
	w.refresh(token.RefreshToken).expect(t, 400, bodyRevoked)

	token = w.login("")
	if got := w.control("expire-refresh-tokens", `{"user":"grace"}`)["expired"]; got != 1.0 {
		t.Errorf("%v authorizations expired", got)
	}
	w.refresh(token.RefreshToken).expect(t, 400, bodyExpired)

	w.control("faults", `{"kind":"rate_limited","target":"api","path":"/v1/me","times":2,"retry_after_seconds":11.5}`)
	w.control("faults", `{"kind":"respond","target":"api","status":418,"header":{"X-Pot":"tea"},"body":"short and stout"}`)
	w.get("/v1/me", token.AccessToken).expect(t, 429, rateLimited, "Retry-After", "12")
	w.get("/v1/search", token.AccessToken).expect(t, 418, "short and stout", "X-Pot", "tea")
	w.do(controlRequest("DELETE", "faults", "")).expect(t, 200, `{"faults":0}`)
	w.get("/v1/me", token.AccessToken).object(t)

	w.do(controlRequest("POST", "reset", "{}")).expect(t, 200, "{}")
	if !w.Now().Equal(aMoment()) || w.Stats() != (accounts.Stats{}) {
		t.Errorf("after the reset: %v, %+v", w.Now(), w.Stats())
	}
	if a := w.authorize(); a.status != 200 || !strings.Contains(a.body, "<form") {
		t.Errorf("after the reset there is no consent page: %d", a.status)
	}
	w.control("approve", `{"user":"ada"}`)
	w.control("approve", `{"user":""}`)
	if a := w.authorize(); a.status != 200 {
		t.Errorf("the consent page is not shown again: %d", a.status)
	}
}

// Each bad request gets a JSON error that says what is wrong, and changes nothing.
func TestControlBadInput(t *testing.T) {
	w := newControlled(t, accounts.Options{AutoApprove: true, Now: aMoment})
	tests := []struct{ name, request, body, want string }{
		{"no body", "advance", ``, "the body is not a JSON object"},
		{"null", "advance", `null`, "the body is not a JSON object"},
		{"an array", "advance", `[1]`, "the body is not a JSON object"},
		{"half an object", "advance", `{"seconds":`, "the body: unexpected EOF"},
		{"two objects", "advance", `{"seconds":1}{"seconds":1}`, "the body has more than one JSON object"},
		{"something behind", "advance", `{"seconds":1}x`, "the body has more than one JSON object"},
		{"unknown field", "advance", `{"minutes":1}`, `the body: unknown field "minutes"`},
		{"field missing", "advance", `{}`, `the body has no "seconds"`},
		{"a text", "advance", `{"seconds":"1h"}`, "the body: cannot unmarshal string into Go struct field .seconds of type float64"},
		{"negative time", "advance", `{"seconds":-1}`, "seconds is -1, not a number from 0 to 3153600000"},
		{"too far", "advance", `{"seconds":1e300}`, "seconds is 1e+300, not a number from 0 to 3153600000"},
		{"no number", "advance", `{"seconds":1e999}`, "the body: cannot unmarshal number 1e999 into Go struct field .seconds of type float64"},
		{"unknown user", "approve", `{"user":"eve"}`, `there is no user "eve", only ada, grace`},
		{"no user", "approve", `{}`, `the body has no "user"`},
		{"consent of an unknown user", "consent", `{"user":"eve","authorization_url":"/authorize"}`, `there is no user "eve", only ada, grace`},
		{"consent to nothing", "consent", `{"user":"ada"}`, "this is not a URL of the authorization endpoint"},
		{"consent to an error page", "consent", `{"user":"ada","authorization_url":"/authorize"}`, "the authorization request: INVALID_CLIENT: Invalid client"},
		{"expiry of an unknown user", "expire", `{"user":"eve"}`, `there is no user "eve", only ada, grace`},
		{"expiry of nobody's refresh tokens", "expire-refresh-tokens", `{}`, `the body has no "user"`},
		{"revocation of an unknown user", "revoke", `{"user":"eve"}`, `there is no user "eve", only ada, grace`},
		{"revocation of an unknown app", "revoke", `{"user":"ada","client_id":"x"}`, `there is no app with the client id "x"`},
		{"no denial", "deny", `{"times":0}`, "times is 0; 0 denials are prepared already, and at most 1000 are possible"},
		{"negative denials", "deny", `{"times":-9223372036854775808}`, "times is -9223372036854775808; 0 denials are prepared already, and at most 1000 are possible"},
		{"too many denials", "deny", `{"times":1001}`, "times is 1001; 0 denials are prepared already, and at most 1000 are possible"},
		{"unknown fault", "faults", `{"kind":"flood"}`, `unknown fault "flood"`},
		{"unknown target", "faults", `{"kind":"cut","target":"moon"}`, `unknown fault target "moon"`},
		{"negative times", "faults", `{"kind":"cut","times":-1}`, `fault "cut" has a negative number`},
		{"negative delay", "faults", `{"kind":"slow","delay_seconds":-1}`, "delay_seconds is -1, not a number from 0 to 600"},
		{"long delay", "faults", `{"kind":"slow","delay_seconds":601}`, "delay_seconds is 601, not a number from 0 to 600"},
		{"negative pause", "faults", `{"kind":"rate_limited","retry_after_seconds":-1}`, "retry_after_seconds is -1, not a number from 0 to 31536000"},
		{"header with a line break", "faults", `{"kind":"respond","header":{"X":"a\r\nSet-Cookie: b"}}`, `HTTP does not allow the header "X" of fault "respond"`},
		{"header with a colon", "faults", `{"kind":"respond","header":{"X:Y":"a"}}`, `HTTP does not allow the header "X:Y" of fault "respond"`},
		{"reset with something", "reset", `{"everything":true}`, `the body: unknown field "everything"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := w.do(controlRequest("POST", test.request, test.body))
			var got struct {
				Error string `json:"error"`
			}
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 400 || got.Error != test.want {
				t.Errorf("status %d, body %s\nwant %s", a.status, a.body, test.want)
			}
		})
	}
	if !w.Now().Equal(aMoment()) {
		t.Errorf("the clock says %v", w.Now())
	}
	w.get("/v1/me", w.login("").AccessToken).object(t)

	for name, test := range map[string]struct {
		request *http.Request
		status  int
	}{
		"unknown":        {controlRequest("POST", "nothing", "{}"), 404},
		"nothing":        {controlRequest("POST", "", "{}"), 404},
		"GET":            {controlRequest("GET", "advance", ""), 405},
		"PUT of a fault": {controlRequest("PUT", "faults", "{}"), 405},
		"too large":      {controlRequest("POST", "faults", `{"body":"`+strings.Repeat("x", 1<<20)+`"}`), 413},
	} {
		if a := w.do(test.request); a.status != test.status || !strings.HasPrefix(a.body, `{"error":"`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for _, mediaType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"} {
		r := controlRequest("POST", "reset", "{}")
		r.Header.Set("Content-Type", mediaType)
		if a := w.do(r); a.status != 415 {
			t.Errorf("as %q: %d", mediaType, a.status)
		}
	}
}

// Only programs on this machine can make control requests.
func TestControlFromElsewhere(t *testing.T) {
	w := newControlled(t, accounts.Options{Now: aMoment})
	advance := func(change func(*http.Request)) answer {
		r := controlRequest("POST", "advance", `{"seconds":1}`)
		change(r)
		return w.do(r)
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
	for name, change := range map[string]func(*http.Request){
		"another machine":        from("192.0.2.7:1234"),
		"another, IPv6":          from("[2001:db8::1]:1234"),
		"no address":             from(""),
		"a name of this machine": host("rebound.example:8888"),
		"a name like localhost":  host("localhost.example"),
		"a name with a loopback": host("127.0.0.1.example"),
		"no Host":                host(""),
		"a page":                 header("Origin", "https://page.example"),
		"a page of its own":      header("Origin", "http://127.0.0.1:8888"),
		"a page of no origin":    header("Origin", "null"),
		"a browser":              header("Sec-Fetch-Site", "same-origin"),
		"a proxy":                header("X-Forwarded-For", "192.0.2.7"),
		"a newer proxy":          header("Forwarded", "for=192.0.2.7"),
	} {
		a := advance(change)
		if a.status != 403 || !strings.HasPrefix(a.body, `{"error":"control requests are for programs on this machine: `) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", name, got)
		}
	}
	r := preflight("/_service/advance", "POST")
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8888"
	if a := w.do(r); a.status != 403 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight: %d", a.status)
	}
	if !w.Now().Equal(aMoment()) {
		t.Fatalf("the clock says %v", w.Now())
	}
	for name, change := range map[string]func(*http.Request){
		"localhost": host("localhost:8888"), "no port": host("127.0.0.1"), "IPv6": host("[::1]:8888"), "IPv6 without a port": host("[::1]"),
		"from IPv6": from("[::1]:1234"), "from IPv4 in IPv6": from("[::ffff:127.0.0.1]:1234"), "another loopback": host("127.1.2.3:80"),
	} {
		if a := advance(change); a.status != 200 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestControlIsOff(t *testing.T) {
	w := newWorld(t, accounts.Options{Now: aMoment})
	for _, name := range []string{"advance", "reset", "faults", "nothing"} {
		a := w.do(controlRequest("POST", name, `{"seconds":1}`))
		if a.status != 404 || !strings.Contains(a.body, "control requests are off") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if !w.Now().Equal(aMoment()) {
		t.Errorf("the clock says %v", w.Now())
	}
}

// No number of control requests can use unlimited memory or move the clock too far.
func TestControlFlood(t *testing.T) {
	w := newControlled(t, accounts.Options{AutoApprove: true, Now: aMoment})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				w.do(controlRequest("POST", "faults", `{"kind":"cut","target":"token","every":1000000}`))
				w.do(controlRequest("POST", "deny", `{"times":10}`))
				w.do(controlRequest("POST", "advance", `{"seconds":10000000}`))
				w.do(controlRequest("POST", "approve", `{"user":"grace"}`))
			}
		})
	}
	wg.Wait()
	if got := w.Now().Sub(aMoment()); got > 100*365*24*time.Hour {
		t.Errorf("the clock is %v ahead", got)
	}
	for name, body := range map[string]string{"faults": `{"kind":"cut"}`, "deny": `{"times":1000}`, "advance": `{"seconds":3153600000}`} {
		if a := w.do(controlRequest("POST", name, body)); a.status != 400 {
			t.Errorf("%s after the flood: %d %s", name, a.status, a.body)
		}
	}
	w.control("reset", "{}")
	w.get("/v1/me", w.login("").AccessToken).object(t)
}

func FuzzControl(f *testing.F) {
	f.Add("advance", `{"seconds":1}`)
	f.Add("faults", `{"kind":"respond","status":200,"header":{"A":"b"},"body":"x","delay_seconds":0}`)
	f.Add("consent", `{"user":"ada","authorization_url":"/authorize?client_id=`+clientID+`&response_type=code"}`)
	f.Add("revoke", `{"user":"ada"}`)
	f.Add("deny", `{"times":3}`)
	f.Fuzz(func(t *testing.T, name, body string) {
		w := newControlled(t, accounts.Options{Now: aMoment})
		r := controlRequest("POST", "x", body)
		r.URL.Path = "/_service/" + name
		a := w.do(r)
		if !json.Valid([]byte(a.body)) || a.status >= 500 || w.Now().Before(aMoment()) {
			t.Errorf("%s %q: %d %q, time %v", name, body, a.status, a.body, w.Now())
		}
	})
}
