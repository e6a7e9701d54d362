package spotipie

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The keys of a token's JSON, which are those of the Python package's
// OAuth2Token and, but for expires_at, of a token endpoint's answer (RFC 6749
// section 5.1).
const (
	keyAccessToken  = "access_token"
	keyExpiresIn    = "expires_in"
	keyScope        = "scope"
	keyState        = "state"
	keyTokenType    = "token_type"
	keyExpiresAt    = "expires_at"
	keyRefreshToken = "refresh_token"
)

// maxTokenJSON bounds what is read of a token file or a token endpoint's
// answer.
const maxTokenJSON = 1 << 20

// TokenFromMap makes a token from the keys access_token, expires_in, scope,
// state, token_type, expires_at and refresh_token; the first two are required
// and null counts as absent. It understands two formats: a stored token (scope
// is a list, and there is expires_at) and an answer of the token endpoint
// (scope is a string, and the lifetime counts from now). Times are in seconds.
// Wrong types and unknown keys are a [*TokenFormatError]; with
// ignoreUnknownKeys, unknown keys are ignored.
func TokenFromMap(m map[string]any, ignoreUnknownKeys bool) (*Token, error) {
	return tokenFromMap(m, ignoreUnknownKeys, time.Now())
}

func tokenFromMap(m map[string]any, ignoreUnknownKeys bool, now time.Time) (*Token, error) {
	if m == nil {
		return nil, &TokenFormatError{Reason: "the map is nil"}
	}
	var f TokenFields
	for key, value := range m {
		if err := setTokenField(&f, key, value, ignoreUnknownKeys); err != nil {
			return nil, err
		}
	}
	if f.AccessToken != "" && m[keyExpiresIn] == nil {
		return nil, &TokenFormatError{Key: keyExpiresIn, Reason: "is missing"}
	}
	return newToken(f, now)
}

func setTokenField(f *TokenFields, key string, value any, ignoreUnknown bool) error {
	var err error
	switch key {
	case keyAccessToken:
		f.AccessToken, err = asString(key, value)
	case keyRefreshToken:
		f.RefreshToken, err = asString(key, value)
	case keyState:
		f.State, err = asString(key, value)
	case keyTokenType:
		f.TokenType, err = asString(key, value)
	case keyScope:
		f.Scope, err = asScopes(value)
	case keyExpiresIn:
		var seconds float64
		if seconds, err = asSeconds(key, value); err == nil {
			f.ExpiresIn = time.Duration(seconds * float64(time.Second))
		}
	case keyExpiresAt:
		var seconds float64
		if seconds, err = asSeconds(key, value); err == nil && value != nil {
			whole, fraction := math.Modf(seconds)
			f.ExpiresAt = time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000)
		}
	default:
		if !ignoreUnknown {
			return &TokenFormatError{Key: key, Reason: "is not a key of a token"}
		}
	}
	return err
}

func asString(key string, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", &TokenFormatError{Key: key, Reason: "is not a string"}
}

func asScopes(value any) (Scopes, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		return ParseScopes(v), nil
	case Scopes:
		return v, nil
	case []string:
		scopes := make(Scopes, len(v))
		for i, s := range v {
			scopes[i] = Scope(s)
		}
		return scopes, nil
	case []any:
		scopes := make(Scopes, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, &TokenFormatError{Key: keyScope, Reason: "has an entry that is not a string"}
			}
			scopes[i] = Scope(s)
		}
		return scopes, nil
	}
	return nil, &TokenFormatError{Key: keyScope, Reason: "is neither a string nor a list of strings"}
}

// maxSeconds keeps conversions to time.Duration in range; what is sensible is
// judged by newToken.
const maxSeconds = 9e9

func asSeconds(key string, value any) (float64, error) {
	var seconds float64
	switch v := value.(type) {
	case nil:
		return 0, nil
	case int:
		seconds = float64(v)
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	case json.Number:
		var err error
		if seconds, err = parseDecimal(string(v)); err != nil {
			return 0, &TokenFormatError{Key: key, Reason: "is not a number of seconds"}
		}
	default:
		return 0, &TokenFormatError{Key: key, Reason: "is not a number of seconds"}
	}
	if math.IsNaN(seconds) || math.Abs(seconds) > maxSeconds {
		return 0, &TokenFormatError{Key: key, Reason: "is out of range"}
	}
	return seconds, nil
}

// parseDecimal is [strconv.ParseFloat], which has the same result for short
// numbers, but makes a new goroutine get a larger stack for them.
func parseDecimal(text string) (float64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	digits, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || digits > 1<<53 || digits < -1<<53 || len(fraction) > 15 || strings.HasPrefix(fraction, "-") || strings.HasPrefix(fraction, "+") {
		return strconv.ParseFloat(text, 64)
	}
	return float64(digits) / math.Pow10(len(fraction)), nil
}

// Map returns the token as a map with all seven keys: scope as a []string,
// expires_in in whole seconds, expires_at in seconds since the epoch, absent
// values as nil. It contains the secrets.
func (t *Token) Map() map[string]any {
	scope := make([]string, len(t.orZero().scope))
	for i, s := range t.orZero().scope {
		scope[i] = string(s)
	}
	return map[string]any{
		keyAccessToken:  t.secret().access(),
		keyExpiresIn:    int(t.ExpiresIn() / time.Second),
		keyScope:        scope,
		keyState:        orNil(t.secret().state),
		keyTokenType:    tokenType,
		keyExpiresAt:    float64(t.orZero().expiresAt/1000) / 1e6,
		keyRefreshToken: orNil(t.secret().refresh),
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ParseTokenJSON reads a token from a JSON object in either of the formats that
// [TokenFromMap] understands. Unknown keys and data after the object are
// errors.
func ParseTokenJSON(data []byte) (*Token, error) {
	m, err := parseJSONObject(data)
	if err != nil {
		return nil, err
	}
	return TokenFromMap(m, false)
}

// MarshalJSON returns the token as the Python package writes it. It contains
// the secrets, since JSON is for storing tokens.
func (t Token) MarshalJSON() ([]byte, error) {
	if t.secrets == nil {
		return []byte("null"), nil
	}
	m := t.Map()
	return json.Marshal(struct {
		AccessToken  any `json:"access_token"`
		ExpiresIn    any `json:"expires_in"`
		Scope        any `json:"scope"`
		State        any `json:"state"`
		TokenType    any `json:"token_type"`
		ExpiresAt    any `json:"expires_at"`
		RefreshToken any `json:"refresh_token"`
	}{m[keyAccessToken], m[keyExpiresIn], m[keyScope], m[keyState], m[keyTokenType], m[keyExpiresAt], m[keyRefreshToken]})
}

// UnmarshalJSON reads a token as [ParseTokenJSON] does. It fails if t already
// is a token, since tokens never change.
func (t *Token) UnmarshalJSON(data []byte) error {
	if t.secrets != nil {
		return errors.New("spotipie: token: UnmarshalJSON into a token that is already made")
	}
	parsed, err := ParseTokenJSON(data)
	if err != nil {
		return err
	}
	*t = *parsed
	return nil
}

// ReadTokenFile reads a token from a JSON file that [Token.WriteFile] or the
// Python package has written, or from spotipy's .cache. Errors name the file and
// never quote it.
func ReadTokenFile(path string) (*Token, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("spotipie: reading token file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenJSON+1))
	if err != nil {
		return nil, fmt.Errorf("spotipie: reading token file: %w", err)
	}
	if len(data) > maxTokenJSON {
		return nil, fmt.Errorf("spotipie: token file %s is larger than 1 MiB: it is not a token", path)
	}
	t, err := ParseTokenJSON(data)
	if err != nil {
		return nil, fmt.Errorf("spotipie: token file %s: %w", path, err)
	}
	return t, nil
}

// WriteFile writes the token to a JSON file that only its owner can read (mode
// 0600), and makes missing folders (mode 0700). The file is replaced as a
// whole: after a crash it is the old one or the new one. To share a token
// between processes use a [Store].
func (t *Token) WriteFile(path string) error {
	if err := t.writeFile(path); err != nil {
		return fmt.Errorf("spotipie: writing token file: %w", err)
	}
	return nil
}

func (t *Token) writeFile(path string) (err error) {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(append(data, '\n')); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
