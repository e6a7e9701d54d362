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

// clockoff VARIABLE DURATION sets a variable to an address at which the service at
// $URL answers as to a machine whose clock is wrong by DURATION. Only the Date
// header differs.
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

// setback STORE CLIENT_ID PROFILE DURATION changes a stored access token as if the
// clock was set back by DURATION after the token was received.
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
