package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spotipie/spotipie/internal/sealingkey"
)

// ErrNoKey means that a text or variable has no key.
var ErrNoKey = errors.New("there is no cookie key: make one with `openssl rand -base64 32`")

// Keys encrypt cookies, with AES-256-GCM: the first key encrypts, and each of
// them can decrypt. The zero Keys has no key. Printing it shows how many there
// are.
//
// To rotate, put the new key after the old one on all replicas, then before it
// on all, and remove the old one after [Options].SessionLifetime. Cookies that
// no key can decrypt are ignored: their users sign in again. A key should
// encrypt at most 2^32 cookies: rotate it once a year.
type Keys struct {
	keys []sealingkey.Key
}

// GenerateKey returns a new random key as a text for [ParseKeys]: 32 bytes in
// base64, like the output of "openssl rand -base64 32".
func GenerateKey() string { return sealingkey.Generate() }

// ParseKeys returns the keys in a text, each 32 bytes in base64 (RFC 4648
// section 4), with white space between them. The first one encrypts, and each
// of them can decrypt. A password is not a key and is refused. Without a key
// the error is [ErrNoKey]. Errors do not quote the text.
func ParseKeys(text string) (Keys, error) {
	var all []sealingkey.Key
	for _, field := range strings.Fields(text) {
		key, err := sealingkey.Parse(field)
		if err != nil {
			return Keys{}, fmt.Errorf("web: cookie key %d is not 32 bytes in base64: make one with `openssl rand -base64 32`", len(all)+1)
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return Keys{}, fmt.Errorf("web: %w", ErrNoKey)
	}
	return Keys{keys: all}, nil
}

// KeysFromEnv returns the keys in an environment variable, in the format of
// [ParseKeys]. If the variable is not set, or empty, the error is [ErrNoKey].
func KeysFromEnv(name string) (Keys, error) {
	keys, err := ParseKeys(os.Getenv(name))
	if err != nil {
		return Keys{}, fmt.Errorf("environment variable %s: %w", name, err)
	}
	return keys, nil
}

func (k Keys) isZero() bool { return len(k.keys) == 0 }

// seal encrypts plain and binds it to bound.
func (k Keys) seal(plain, bound []byte) []byte {
	return k.keys[0].Seal(plain, bound)
}

// open returns what was passed to seal, if one of the keys has encrypted it and
// nobody has changed it.
func (k Keys) open(sealed, bound []byte) (plain []byte, ok bool) {
	for _, key := range k.keys {
		if plain, err := key.Open(sealed, bound); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// String returns how many keys there are.
func (k Keys) String() string {
	if k.isZero() {
		return "Keys(none)"
	}
	return fmt.Sprintf("Keys(%d)", len(k.keys))
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer] without the secrets.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
