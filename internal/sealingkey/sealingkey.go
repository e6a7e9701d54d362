// Package sealingkey has the secret key with which stores encrypt their
// records.
package sealingkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Size is how many bytes a key has.
const Size = 32

// Key encrypts with AES-256-GCM. The zero Key has no key. A Key is safe for
// concurrent use. Printing it shows its id, which does not reveal the key.
type Key struct {
	// A function, so that fmt cannot print it where it does not call Format.
	secrets func() *secrets
}

type secrets struct {
	aead cipher.AEAD
	id   string
}

func (s *secrets) self() *secrets { return s }

// Generate returns a new random key as the text that Parse takes.
func Generate() string {
	b := make([]byte, Size)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// Parse returns the key whose bytes a text holds in base64. White space around
// it is ignored. The error does not quote the text.
func Parse(text string) (Key, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(secret) != Size {
		return Key{}, errors.New("the sealing key is not 32 bytes in base64: make one with `openssl rand -base64 32`")
	}
	return New(secret)
}

// New returns the key with these bytes.
func New(secret []byte) (Key, error) {
	if len(secret) != Size {
		return Key{}, fmt.Errorf("the sealing key has %d bytes, not %d", len(secret), Size)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Key{}, fmt.Errorf("sealing key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Key{}, fmt.Errorf("sealing key: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("spotipie key id"))
	s := &secrets{aead: aead, id: hex.EncodeToString(mac.Sum(nil)[:6])}
	return Key{secrets: s.self}, nil
}

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k.secrets == nil }

// ID identifies the key without revealing it.
func (k Key) ID() string { return k.secrets().id }

// Seal encrypts plain, with a new nonce, and binds it to bound.
func (k Key) Seal(plain, bound []byte) []byte {
	return k.secrets().aead.Seal(nil, nil, plain, bound)
}

// Open returns what was passed to Seal, if nobody has changed it.
func (k Key) Open(sealed, bound []byte) ([]byte, error) {
	return k.secrets().aead.Open(nil, nil, sealed, bound)
}

// String describes the key without the secret.
func (k Key) String() string {
	if k.IsZero() {
		return "Key(none)"
	}
	return "Key(id " + k.ID() + ")"
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer] without the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
