package spotipie

import (
	"net/url"
	"strings"
)

// origin is scheme, host and port of a URL (RFC 6454), in lower case and
// without the port that the scheme implies.
type origin struct {
	scheme string
	host   string
}

func originOf(u *url.URL) origin {
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host)}
	switch o.scheme {
	case "https":
		o.host = strings.TrimSuffix(o.host, ":443")
	case "http":
		o.host = strings.TrimSuffix(o.host, ":80")
	}
	o.host = strings.TrimSuffix(o.host, ":")
	return o
}

// is reports whether u has this origin. In the usual spelling it allocates
// nothing.
func (o *origin) is(u *url.URL) bool {
	if u.Host == o.host && u.Scheme == o.scheme {
		return true
	}
	return originOf(u) == *o
}
