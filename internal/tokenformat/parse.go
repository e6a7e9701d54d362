package tokenformat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// MaxSize is how many bytes a token file may have. Real ones have about a
// thousand.
const MaxSize = 1 << 20

// ErrUnknown means that the file is in none of the formats. The error's text
// says, if possible, what it is instead.
var ErrUnknown = errors.New("not a token file of spotipy, tekore, spotipie for Python, rspotify or golang.org/x/oauth2, " +
	"an answer of the token endpoint, or a refresh token")

// hasKey reports whether the format has a key that is not ignored.
func (f Format) hasKey(key string) bool {
	switch key {
	case "access_token", "expires_in", "refresh_token":
		return true
	case "token_type":
		return f != Rspotify
	case "scope", "expires_at":
		return f != OAuth2 && f != RefreshToken
	case "expiry":
		return f == OAuth2
	case "scopes":
		return f == Rspotify
	case "state":
		return f == Python
	}
	return false
}

// Parse detects the format of a token file and returns its login. It does not
// adjust times. A token that does not say when it ends counts as expired, so
// that it is renewed before it is used. Parse ignores unknown keys.
//
// The error wraps [ErrUnknown] if the file is in no known format, and is a
// [*spotipie.TokenFormatError] if the format is known but the token is wrong.
// Errors never quote values.
func Parse(data []byte) (*Login, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // editors on Windows add it
	if len(data) <= MaxSize {
		if login := readTekore(data); login != nil {
			return login, nil
		}
		if login, err := readBare(data); login != nil || err != nil {
			return login, err
		}
	}
	object, err := parseObject(data)
	if err != nil {
		return nil, err
	}
	if text, ok := object["refresh_token"].(string); ok && object["access_token"] == nil && looksIssued(text) {
		return &Login{Format: RefreshToken, RefreshToken: text, Passed: passed(object, RefreshToken)}, nil
	}
	format, err := recognise(object)
	if err != nil {
		return nil, err
	}
	token, err := tokenOf(object, format)
	if err != nil {
		return nil, badToken(format, err)
	}
	return &Login{Format: format, Token: token, RefreshToken: token.RefreshToken(), Passed: passed(object, format)}, nil
}

// passed names the keys of an object that a format does not have.
func passed(object map[string]any, format Format) []string {
	var keys []string
	for key := range object {
		if !format.hasKey(key) {
			keys = append(keys, keyName(key))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// tokenError is an error of the library with the format's name in place of the
// library's.
type tokenError struct {
	text string
	err  error
}

func (e *tokenError) Error() string { return e.text }
func (e *tokenError) Unwrap() error { return e.err }

func badToken(format Format, err error) error {
	var wrong *spotipie.TokenFormatError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("%s: %w", format.Description(), err)
	}
	return &tokenError{fmt.Sprintf("it is %s, but its %s %s", format.Description(), wrong.Key, wrong.Reason), err}
}

func unknown(reason string) error { return fmt.Errorf("%s: %w", reason, ErrUnknown) }

func parseObject(data []byte) (map[string]any, error) {
	if len(data) > MaxSize {
		return nil, unknown("it is larger than 1 MiB")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, unknown("it is empty")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, unknown("it is not a JSON object") // the decoder's own text may quote the input
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, unknown("it has data after the JSON object")
	}
	return object, nil
}

// recognise detects the format by keys that only one of them has.
func recognise(object map[string]any) (Format, error) {
	if _, ok := object["access_token"]; !ok {
		return "", unknown(withoutAccessToken(object))
	}
	format := Spotipy
	_, hasExpiry := object["expiry"]
	_, hasExpiresAt := object["expires_at"]
	_, hasScopes := object["scopes"]
	_, hasState := object["state"]
	_, hasType := object["token_type"]
	_, expiresAtText := object["expires_at"].(string)
	_, scopeList := object["scope"].([]any)
	switch {
	case hasExpiry:
		format = OAuth2
	case !hasExpiresAt:
		format = Answer
	case hasState || scopeList:
		format = Python
	case expiresAtText || hasScopes || !hasType:
		format = Rspotify
	}
	return format, nil
}

// withoutAccessToken says what else a file may be.
func withoutAccessToken(object map[string]any) string {
	if _, ok := object["record"]; ok && object["format"] != nil {
		return "it is a record of a file store of this tool (use it with --store file:DIR)"
	}
	if _, ok := object["token"].(map[string]any); ok && object["client_id"] != nil {
		return "it is a record of a store of this tool, not a token alone"
	}
	return "it has no access_token"
}

// keyName names a key, unless it may be a secret in the wrong place.
func keyName(key string) string {
	letters := func(r rune) bool { return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	if key == "" || len(key) > 24 || strings.Trim(key, "_") == "" || strings.ContainsFunc(key, func(r rune) bool { return !letters(r) }) {
		return "a key that is not shown"
	}
	return key
}

// ended is the expiry of tokens that do not say when they end, in seconds since
// the epoch.
const ended = 0

func tokenOf(object map[string]any, format Format) (*spotipie.Token, error) {
	fields := map[string]any{
		"access_token": object["access_token"], "token_type": object["token_type"],
		"expires_in": object["expires_in"], "refresh_token": object["refresh_token"],
		"scope": object["scope"], "state": object["state"],
	}
	if fields["expires_in"] == nil {
		fields["expires_in"] = json.Number("0")
	}
	if scopes, ok := object["scopes"]; ok && object["scope"] == nil {
		fields["scope"] = scopes
	}
	end, err := expiresAt(object, format)
	if err != nil {
		return nil, err
	}
	fields["expires_at"] = end
	token, err := spotipie.TokenFromMap(fields, false)
	if err != nil || object["expires_in"] != nil {
		return token, err
	}
	return spotipie.NewToken(token.Fields()) // its lifetime lasts from now until it ends
}

// expiresAt returns when the token ends, in seconds since the epoch.
func expiresAt(object map[string]any, format Format) (any, error) {
	key := "expires_at"
	if format == OAuth2 {
		key = "expiry"
	}
	switch value := object[key].(type) {
	case nil:
		return ended, nil
	case string:
		if format == Spotipy || format == Python {
			return value, nil // and is refused
		}
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil, &spotipie.TokenFormatError{Key: key, Reason: "is not a time such as 2026-01-31T12:00:00Z"}
		}
		if at.IsZero() { // x/oauth2: it never expires, but all of Spotify's tokens do
			return ended, nil
		}
		return float64(at.UnixMicro()) / 1e6, nil
	default:
		if format == OAuth2 || format == Rspotify && !isNumber(value) {
			return nil, &spotipie.TokenFormatError{Key: key, Reason: "is not a time such as 2026-01-31T12:00:00Z"}
		}
		return value, nil
	}
}

func isNumber(value any) bool {
	_, ok := value.(json.Number)
	return ok
}
