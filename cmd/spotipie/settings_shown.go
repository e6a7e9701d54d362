package main

import "net/http"

// show shows what was set, and by what.
func (s *settings) show(d *debugLog) {
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
			d.printf("%s %s, %s", line.name, line.value, line.from.origin())
		}
	}
	if s.needsPlainHTTP() {
		d.printf("plain http is allowed, %s", s.plainHTTP.origin())
	}
}

// transport sends requests, and shows them if that is asked for.
func (s *settings) transport() http.RoundTripper {
	if s.debug != nil {
		return s.debug.transport()
	}
	return http.DefaultTransport
}
