//go:build unix

package tool

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spotipie/spotipie"
)

// clockoff VARIABLE DURATION puts the address of the service at $URL into a
// variable, as it answers to a machine whose clock is off by that: the Date
// header is all the machine can go by.
func clockoff(ts *testscript.TestScript, _ bool, args []string) {
	off, err := time.ParseDuration(args[1])
	ts.Check(err)
	service, err := url.Parse(ts.Getenv("URL"))
	ts.Check(err)
	proxy := httputil.NewSingleHostReverseProxy(service)
	proxy.ModifyResponse = func(resp *http.Response) error {
		resp.Header.Set("Date", time.Now().Add(-off).UTC().Format(http.TimeFormat))
		return nil
	}
	server := httptest.NewServer(proxy)
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// setback STORE CLIENT_ID PROFILE DURATION makes a stored access token one that
// was got before the clock was set back by that.
func setback(ts *testscript.TestScript, _ bool, args []string) {
	by, err := time.ParseDuration(args[3])
	ts.Check(err)
	change(ts, args, func(rec *spotipie.Record) {
		fields := rec.Token.Fields()
		fields.ExpiresAt = fields.ExpiresAt.Add(by)
		rec.Token, err = spotipie.NewToken(fields)
		ts.Check(err)
	})
}
