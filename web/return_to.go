package web

import (
	"net/url"
	"strings"
	"unicode"
)

// maxReturnTo is how long a path to return to is at most: it travels in a
// cookie.
const maxReturnTo = 384

// localPath returns a path with its query as a Location header takes it, if it
// leads to this origin, whatever a browser, a proxy or a router makes of it.
func localPath(raw string) (path string, ok bool) {
	if len(raw) > maxReturnTo || strings.ContainsFunc(raw, isNotInURL) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	for _, form := range []string{u.EscapedPath(), u.Path} { // as it is, and as it is once decoded
		if !strings.HasPrefix(form, "/") || strings.Contains(form, "//") || strings.ContainsFunc(form, isControl) ||
			strings.Contains(form+"/", "/./") || strings.Contains(form+"/", "/../") {
			return "", false
		}
	}
	return u.String(), true
}

// isNotInURL reports whether a character cannot stand in a URL, or is taken for
// a slash by browsers.
func isNotInURL(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }

// isControl is the same for a path that is decoded.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\\' }

// appPath is localPath for paths of the app. Those of the handlers are none: they
// lead back to where the user is, and the callback's has a code.
func (a *Auth) appPath(raw string) (path string, ok bool) {
	path, ok = localPath(raw)
	if !ok {
		return "", false
	}
	if u, err := url.Parse(path); err != nil || a.paths.has(u.Path) {
		return "", false
	}
	return path, true
}

// returnTo returns the path that a user wants to get back to, or Home.
func (a *Auth) returnTo(raw string) string {
	if path, ok := a.appPath(raw); ok {
		return path
	}
	return a.opts.Home
}
