package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

const keyBytes = 32

// ErrNoKey: there is no key where one was looked for.
var ErrNoKey = errors.New("there is no cookie key: make one with `openssl rand -base64 32`")

// Keys seal cookies, with AES-256-GCM: the first seals, all open. The zero Keys
// has none. Printing it shows how many there are.
//
// To rotate, put the new key behind the old one on all replicas, then before it
// on all, and take the old one away when [Options].SessionLifetime is over.
// Cookies that no key opens are as good as none: their users sign in again. A
// key should seal no more than 2^32 cookies: rotate it once a year.
type Keys struct {
	// A function, so that fmt cannot print it where it does not call Format.
	secrets func() []cipher.AEAD
}

// GenerateKey returns a new random key as a text that [ParseKeys] takes: 32
// bytes in base64. It is as good as what "openssl rand -base64 32" prints.
func GenerateKey() string {
	b := make([]byte, keyBytes)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// ParseKeys returns the keys in a text, each 32 bytes in base64 (RFC 4648
// section 4), with white space between them. The first one seals, all open. A
// password is not a key: it is refused. No key is [ErrNoKey]. Errors do not quote
// the text.
func ParseKeys(text string) (Keys, error) {
	var all []cipher.AEAD
	for _, field := range strings.Fields(text) {
		secret, err := base64.StdEncoding.DecodeString(field)
		if err != nil || len(secret) != keyBytes {
			return Keys{}, fmt.Errorf("web: cookie key %d is not 32 bytes in base64: make one with `openssl rand -base64 32`", len(all)+1)
		}
		aead, err := newAEAD(secret)
		if err != nil {
			return Keys{}, fmt.Errorf("web: cookie key %d: %w", len(all)+1, err)
		}
		all = append(all, aead)
	}
	if len(all) == 0 {
		return Keys{}, fmt.Errorf("web: %w", ErrNoKey)
	}
	return Keys{secrets: func() []cipher.AEAD { return all }}, nil
}

func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// KeysFromEnv returns the keys in an environment variable, as [ParseKeys] takes
// them. A variable that is not set, or empty, is [ErrNoKey].
func KeysFromEnv(name string) (Keys, error) {
	keys, err := ParseKeys(os.Getenv(name))
	if err != nil {
		return Keys{}, fmt.Errorf("environment variable %s: %w", name, err)
	}
	return keys, nil
}

func (k Keys) isZero() bool { return k.secrets == nil }

// seal encrypts plain and binds it to bound.
func (k Keys) seal(plain, bound []byte) []byte {
	return k.secrets()[0].Seal(nil, nil, plain, bound)
}

// open returns what seal was given, if one of the keys has sealed it and nobody
// has changed it.
func (k Keys) open(sealed, bound []byte) (plain []byte, ok bool) {
	for _, aead := range k.secrets() {
		if plain, err := aead.Open(nil, nil, sealed, bound); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// String says how many keys there are.
func (k Keys) String() string {
	if k.isZero() {
		return "Keys(none)"
	}
	return fmt.Sprintf("Keys(%d)", len(k.secrets()))
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer] without the secrets.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
