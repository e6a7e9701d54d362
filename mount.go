package spotipie

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrMountPrefix means that the prefix of a mount is wrong. It must be a scheme
// with its slashes, such as "https://", or the beginning of an http or https
// URL with at least the host, or the beginning of a path of the Web API, such as
// "/v1/".
var ErrMountPrefix = errors.New("not a URL prefix such as https://, https://api.spotify.com/v1/me or /v1/me")

// mount is a RoundTripper for the URLs that start with a prefix. Scheme and
// host of the prefix must match as wholes, so that https://api.spotify.com is
// not a prefix of https://api.spotify.com.example. An empty host matches any.
type mount struct {
	prefix string // as given, in lower case up to the path
	origin origin
	path   string
	rt     http.RoundTripper
}

func newMount(prefix string, rt http.RoundTripper) (mount, error) {
	u, err := url.Parse(prefix)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" ||
		u.Hostname() == "" && (u.Host != "" || u.Path != "" || !strings.Contains(prefix, "://")) {
		return mount{}, fmt.Errorf("spotipie: mounting %q: %w", foreignURL(prefix), ErrMountPrefix)
	}
	o := originOf(u)
	return mount{prefix: o.scheme + "://" + o.host + u.EscapedPath(), origin: o, path: u.EscapedPath(), rt: rt}, nil
}

func (m mount) takes(u *url.URL) bool {
	if m.origin.host == "" {
		return u.Scheme == m.origin.scheme
	}
	return m.origin.is(u) && strings.HasPrefix(pathOf(u), m.path)
}

func pathOf(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// router is the RoundTripper of a session that sends each request through its
// mount. The session's own token requests go through it too.
type router keeper

func (k *keeper) router() *router { return (*router)(k) }

// RoundTrip implements [http.RoundTripper].
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	return r.of(req.URL).RoundTrip(req)
}

// of returns the RoundTripper for requests to u.
func (r *router) of(u *url.URL) http.RoundTripper {
	if mounts := r.mounts.Load(); mounts != nil {
		for _, m := range *mounts {
			if m.takes(u) {
				return m.rt
			}
		}
	}
	return r.app.transport
}

// mount makes rt send the requests whose URL starts with prefix.
func (r *router) mount(prefix string, rt http.RoundTripper) error {
	m, err := newMount(r.app.absolute(prefix), rt)
	if err != nil {
		return err
	}
	if isTypedNil(rt) {
		return fmt.Errorf("spotipie: mounting %q: the RoundTripper is a nil %T: make it first, or use nil to remove a mount", m.prefix, rt)
	}
	for {
		old := r.mounts.Load()
		var mounts []mount
		if old != nil {
			mounts = slices.DeleteFunc(slices.Clone(*old), func(o mount) bool { return o.prefix == m.prefix })
		}
		if rt != nil {
			mounts = append(mounts, m)
		}
		slices.SortStableFunc(mounts, func(a, b mount) int { return len(b.prefix) - len(a.prefix) })
		if r.mounts.CompareAndSwap(old, &mounts) {
			return nil
		}
	}
}

// closeIdleConnections closes the idle connections of all transports.
func (r *router) closeIdleConnections() {
	(&http.Client{Transport: r.app.transport}).CloseIdleConnections()
	if mounts := r.mounts.Load(); mounts != nil {
		for _, m := range *mounts {
			(&http.Client{Transport: m.rt}).CloseIdleConnections()
		}
	}
}
