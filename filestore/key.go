package filestore

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spotipie/spotipie/internal/sealingkey"
)

// Key seals records with AES-256-GCM. The zero Key seals nothing. A Key may be
// used from many goroutines. Printing it shows its id, which does not reveal
// the key.
type Key struct{ key sealingkey.Key }

// GenerateKey returns a new random key as the text that [ParseKey] takes: 32
// bytes in base64, as "openssl rand -base64 32" prints them.
func GenerateKey() string { return sealingkey.Generate() }

// ParseKey returns the key whose 32 bytes are in text in base64 (RFC 4648
// section 4). White space around it is ignored. A password is not a key and is
// refused. Errors do not quote the text.
func ParseKey(text string) (Key, error) {
	key, err := sealingkey.Parse(text)
	if err != nil {
		return Key{}, fmt.Errorf("filestore: %w", err)
	}
	return Key{key}, nil
}

// KeyFromEnv returns the key in an environment variable, in the form of
// [ParseKey]. If other users can see the environment of processes, a file is
// better. If the variable is not set or empty, the error is [ErrNoKey].
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

// KeyFromFile returns the key in a file, in the form of [ParseKey]. A file that
// other users can read is refused with [ErrExposed].
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

func (k Key) isZero() bool { return k.key.IsZero() }

// id identifies a key without revealing it.
func (k Key) id() string { return k.key.ID() }

func (k Key) seal(plain, bound []byte) []byte { return k.key.Seal(plain, bound) }

func (k Key) open(sealed, bound []byte) ([]byte, error) { return k.key.Open(sealed, bound) }

// String describes the key without the secret.
func (k Key) String() string { return k.key.String() }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer] without the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
