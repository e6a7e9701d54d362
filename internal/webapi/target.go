package webapi

import (
	"errors"
	"net/url"
	"strings"
)

// Target returns the URL for a path that the user has given: an http or https
// URL is unchanged; everything else is relative to the Web API's base URL,
// which ends in /v1
// (https://developer.spotify.com/documentation/web-api/concepts/api-calls), so
// that me, /me and /v1/me are the same.
func Target(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case strings.HasPrefix(path, "//"):
		return "", errors.New("a path starts with one slash or none, a URL with https://")
	case strings.Contains(path, "#"):
		return "", errors.New("a fragment (#…) is never sent: write %23 for # in a path")
	case strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }):
		return "", errors.New("the path has spaces or other characters that URLs do not allow: use -f for parameters, or write %20 for a space")
	}
	u, err := url.Parse(path)
	if err != nil && !strings.Contains(path, "://") {
		u, err = url.Parse("/" + path) // a colon before the first slash does not end a scheme here
	}
	switch {
	case err != nil:
		return "", errors.New("it is neither a path nor a URL")
	case u.User != nil:
		return "", errors.New("a URL with a user name is refused: it would be sent as credentials")
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		return path, nil
	case u.Scheme != "" && strings.Contains(path, "://"):
		return "", errors.New("it is neither an http nor an https URL")
	}
	relative := strings.TrimPrefix(path, "/")
	if isVersioned(relative) {
		return "/" + relative, nil
	}
	return "/v1/" + relative, nil
}

// isVersioned reports whether a path names the Web API's version itself.
func isVersioned(path string) bool {
	first, _, _ := strings.Cut(path, "?")
	first, _, _ = strings.Cut(first, "/")
	number, ok := strings.CutPrefix(first, "v")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}
