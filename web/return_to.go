package web

import (
	"net/url"
	"strings"
	"unicode"
)

// maxReturnTo is the maximum length of a path to return to, which is stored in
// a cookie.
const maxReturnTo = 384

// localPath returns a path with its query for a Location header. It accepts
// only a path that leads to this origin, however browsers, proxies and routers
// interpret it.
func localPath(raw string) (path string, ok bool) {
	if len(raw) > maxReturnTo || strings.ContainsFunc(raw, isNotInURL) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	for _, form := range []string{u.EscapedPath(), u.Path} { // unchanged, and decoded
		if !strings.HasPrefix(form, "/") || strings.Contains(form, "//") || strings.ContainsFunc(form, isControl) ||
			strings.Contains(form+"/", "/./") || strings.Contains(form+"/", "/../") {
			return "", false
		}
	}
	return u.String(), true
}

// isNotInURL reports whether URLs cannot have a character, or browsers treat it
// as a slash.
func isNotInURL(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }

// isControl is the same for a path that is decoded.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\\' }

// appPath is localPath for paths of the app. It refuses the paths of the
// handlers, which would lead back to a login, and the callback's has a code.
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

// returnTo returns the path to which a user wants to return, or Home.
func (a *Auth) returnTo(raw string) string {
	if path, ok := a.appPath(raw); ok {
		return path
	}
	return a.opts.Home
}
