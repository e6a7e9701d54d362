package filestore

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
	"os"
	"strings"
)

const keyBytes = 32

// Key seals records with AES-256-GCM. The zero Key seals nothing. A Key may be
// used from many goroutines. Printing it shows its id, which says nothing
// about it.
type Key struct {
	// A function, so that fmt cannot print it where it does not call Format.
	secrets func() *keySecrets
}

type keySecrets struct {
	aead cipher.AEAD
	id   string
}

func (s *keySecrets) self() *keySecrets { return s }

// GenerateKey returns a new random key as the text that [ParseKey] takes: 32
// bytes in base64. It is as good as what "openssl rand -base64 32" prints.
func GenerateKey() string {
	b := make([]byte, keyBytes)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// ParseKey returns the key whose 32 bytes a text holds in base64 (RFC 4648
// section 4). White space around it is ignored. A password is not a key: it is
// refused. Errors do not quote the text.
func ParseKey(text string) (Key, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(secret) != keyBytes {
		return Key{}, errors.New("filestore: the sealing key is not 32 bytes in base64: make one with `openssl rand -base64 32`")
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Key{}, fmt.Errorf("filestore: sealing key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Key{}, fmt.Errorf("filestore: sealing key: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("spotipie key id"))
	s := &keySecrets{aead: aead, id: hex.EncodeToString(mac.Sum(nil)[:6])}
	return Key{secrets: s.self}, nil
}

// KeyFromEnv returns the key in an environment variable, as [ParseKey] takes
// it. Where other users can see a process's environment, a file is the better
// place. A variable that is not set, or empty, is [ErrNoKey].
func KeyFromEnv(name string) (Key, error) {
	text := os.Getenv(name)
	if text == "" {
		return Key{}, fmt.Errorf("filestore: environment variable %s: %w", name, ErrNoKey)
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("environment variable %s: %w", name, err)
	}
	return key, nil
}

// KeyFromFile returns the key in a file, as [ParseKey] takes it. A file that
// others can get at is refused with [ErrExposed].
func KeyFromFile(path string) (Key, error) {
	data, err := readFile(path, false)
	if err != nil {
		return Key{}, err
	}
	key, err := ParseKey(string(data))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func (k Key) isZero() bool { return k.secrets == nil }

// id tells keys apart without saying anything about them.
func (k Key) id() string { return k.secrets().id }

func (k Key) seal(plain, bound []byte) []byte {
	return k.secrets().aead.Seal(nil, nil, plain, bound)
}

func (k Key) open(sealed, bound []byte) ([]byte, error) {
	return k.secrets().aead.Open(nil, nil, sealed, bound)
}

// String describes the key without the secret.
func (k Key) String() string {
	if k.isZero() {
		return "Key(none)"
	}
	return "Key(id " + k.id() + ")"
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer] without the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
