package main

import (
	"net/http"

	"github.com/spotipie/spotipie/internal/tool/debuglog"
)

// show shows what was set, and by what.
func (s *settings) show(d *debuglog.Log) {
	for _, line := range []struct {
		name, value string
		from        setting
	}{
		{"profile", s.Profile.value, s.Profile},
		{"store", s.storeName(), s.Store},
		{"client id", s.ClientID.value, s.ClientID},
		{"client secret", "…", s.secret},
		{"redirect URI", s.RedirectURI.value, s.RedirectURI},
		{"accounts service", s.AccountsURL.value, s.AccountsURL},
		{"Web API", s.APIURL.value, s.APIURL},
	} {
		if line.from.from != "" {
			d.Printf("%s %s, %s", line.name, line.value, line.from.origin())
		}
	}
	if s.needsPlainHTTP() {
		d.Printf("plain http is allowed, %s", s.plainHTTP.origin())
	}
}

// transport sends requests, and shows them if that is asked for.
func (s *settings) transport() http.RoundTripper {
	if s.debug != nil {
		return s.debug.Transport()
	}
	return http.DefaultTransport
}
