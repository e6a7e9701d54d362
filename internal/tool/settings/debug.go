package settings

import (
	"net/http"

	"github.com/spotipie/spotipie/internal/tool/debuglog"
)

// show logs each setting and where it comes from.
func (s *Settings) show(d *debuglog.Log) {
	for _, line := range []struct {
		name, value string
		from        Setting
	}{
		{"profile", s.Profile.Value, s.Profile},
		{"store", s.StoreName(), s.Store},
		{"client id", s.ClientID.Value, s.ClientID},
		{"client secret", "…", s.Secret},
		{"redirect URI", s.RedirectURI.Value, s.RedirectURI},
		{"accounts service", s.AccountsURL.Value, s.AccountsURL},
		{"Web API", s.APIURL.Value, s.APIURL},
	} {
		if line.from.From != "" {
			d.Printf("%s %s, %s", line.name, line.value, line.from.Origin())
		}
	}
	if s.NeedsPlainHTTP() {
		d.Printf("plain http is allowed, %s", s.plainHTTP.Origin())
	}
}

// Transport sends requests, and logs them with --debug.
func (s *Settings) Transport() http.RoundTripper {
	if s.Debug != nil {
		return s.Debug.Transport()
	}
	return http.DefaultTransport
}
