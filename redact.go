package spotipie

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// redacted replaces a secret where it might be printed. It shows only whether
// there is one.
func redacted(secret string) string {
	if secret == "" {
		return "none"
	}
	return "[redacted]"
}

// secret is a string that nothing can print by accident. fmt calls no methods
// on unexported fields and follows pointers in some cases; of a function it
// prints the address.
type secret func() string

func newSecret(s string) secret { return func() string { return s } }

// How many bytes of a text from outside an error repeats, and of a list of scopes.
// The names of all of Spotify's scopes are half as long together.
const (
	maxForeignText   = 200
	maxForeignScopes = 1000
)

// foreignText makes a text from outside fit for an error message: one line of
// valid UTF-8, not long, and without the given secrets, which the other side
// may have echoed.
func foreignText(text string, secrets ...string) string {
	return oneLine(hideSecrets(text, secrets), maxForeignText)
}

// foreignScopes is foreignText for scopes.
func foreignScopes(scopes Scopes) string { return oneLine(scopes.String(), maxForeignScopes) }

// oneLine makes a text one line of printable characters, not longer than cut.
func oneLine(text string, cut int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= cut {
		return text
	}
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// redactedError is an error whose own text shows a secret.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.err }

// withoutSecrets returns err with a text that shows none of the secrets, even
// if a transport or the other side has put one there.
func withoutSecrets(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	var panicked *panicError
	if errors.As(err, &panicked) { // before its text is cut, perhaps within a secret
		if text := hideSecrets(panicked.text, secrets); text != panicked.text {
			return &panicError{text: text, site: panicked.site}
		}
	}
	text := hideSecrets(err.Error(), secrets)
	if text == err.Error() {
		return err
	}
	return &redactedError{text: text, err: err}
}

func hideSecrets(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// foreignURL is foreignText for a URL, of which it leaves out the user with the
// password, the query and the fragment: they may be secret.
func foreignURL(raw string) string {
	scheme, rest, found := strings.Cut(raw, "//")
	if !found || strings.Index(scheme, ":") != len(scheme)-1 { // what is before the slashes may be a password
		scheme, rest = "", raw
	} else {
		scheme += "//"
	}
	end := ""
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		if strings.Contains(rest[i:], "@") { // the character may be in a password
			return foreignText(scheme + "…")
		}
		rest, end = rest[:i], rest[i:i+1]+"…"
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = "…" + rest[i:]
	}
	return foreignText(scheme + rest + end)
}
