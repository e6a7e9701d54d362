package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/spotipie/spotipie/internal/sealingkey"
)

// localKey is a key in memory. Its name is an id that reveals nothing about the
// key and is the same in every process. Printing it shows the id.
type localKey struct{ key sealingkey.Key }

// wrapBinding distinguishes data keys from anything else that the same key may
// have encrypted.
const wrapBinding = "spotipie data key\x00\x01"

// Wrap implements [Keys].
func (k localKey) Wrap(_ context.Context, dataKey []byte) (name string, wrapped []byte, err error) {
	return k.key.ID(), k.key.Seal(dataKey, []byte(wrapBinding)), nil
}

// Unwrap implements [Keys].
func (k localKey) Unwrap(_ context.Context, name string, wrapped []byte) ([]byte, error) {
	if name != k.key.ID() {
		return nil, ErrUnknownKey
	}
	dataKey, err := k.key.Open(wrapped, []byte(wrapBinding))
	if err != nil {
		return nil, ErrDamaged
	}
	return dataKey, nil
}

func (k localKey) isLocal() bool { return true }

func (k localKey) String() string { return k.key.String() }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k localKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer] without the secret.
func (k localKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// GenerateKey returns a new random key as a text for [ParseKeys]: 32 bytes in
// base64, like the output of "openssl rand -base64 32".
func GenerateKey() string { return sealingkey.Generate() }

// NewKey returns the key with these 32 bytes, which must be random and not a
// password.
func NewKey(secret []byte) (Keys, error) {
	key, err := sealingkey.New(secret)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return localKey{key}, nil
}

// ParseKeys returns the keys in a text, each 32 bytes in base64 (RFC 4648
// section 4), with white space between them. The first one encrypts, and each
// of them can decrypt. A password is not a key and is refused. Without a key
// the error is [ErrNoKey]. Errors do not quote the text.
func ParseKeys(text string) (Keys, error) {
	var keys ring
	for _, field := range strings.Fields(text) {
		key, err := sealingkey.Parse(field)
		if err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", len(keys)+1, err)
		}
		keys = append(keys, localKey{key})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("seal: %w", ErrNoKey)
	}
	return keys, nil
}

// KeysFromEnv returns the keys in an environment variable, in the format of
// [ParseKeys]. If other users can see the process's environment, use a file
// instead. If the variable is not set, or empty, the error is [ErrNoKey].
func KeysFromEnv(name string) (Keys, error) {
	keys, err := ParseKeys(os.Getenv(name))
	if err != nil {
		return nil, fmt.Errorf("environment variable %s: %w", name, err)
	}
	return keys, nil
}

// KeysFromFiles returns the keys in files, in the format of [ParseKeys]. The
// first key of the first file encrypts, and each of them can decrypt. A file
// that other users can read is refused with [ErrExposed], except on Windows,
// which has no such modes.
func KeysFromFiles(path string, more ...string) (Keys, error) {
	var all ring
	for _, path := range append([]string{path}, more...) {
		data, err := readKeyFile(path)
		if err != nil {
			return nil, err
		}
		keys, err := ParseKeys(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, keys)
	}
	return all, nil
}

// KeysFromPassphrase returns the keys in a file that was encrypted with a
// passphrase by age (https://age-encryption.org), in either of its formats:
//
//	openssl rand -base64 32 | age --passphrase --armor >sealing-key.age
//
// Decrypting the file takes about a second, which is intended, and happens
// once. The records are sealed with the key in the file, not with the
// passphrase. So a dump of the store alone does not let anybody try
// passphrases, and a new passphrase does not change the records. A wrong
// passphrase is an error, which does not quote it.
func KeysFromPassphrase(path, passphrase string) (Keys, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("seal: the passphrase of %s: %w", path, err)
	}
	encrypted := io.Reader(bytes.NewReader(data))
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(armor.Header)) {
		encrypted = armor.NewReader(encrypted)
	}
	plain, err := age.Decrypt(encrypted, identity)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("seal: %s: it is encrypted with another passphrase, or not with a passphrase at all", path)
	}
	if err != nil {
		return nil, fmt.Errorf("seal: %s: it is not an age file, or is damaged: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("seal: %s: it is damaged: %w", path, err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// maxKeyFile is the maximum size of a file with keys.
const maxKeyFile = 64 << 10

// readKeyFile reads a file that no other user can read.
func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening it: opening a pipe would block
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("seal: %w: %w", err, ErrNoKey)
	}
	if err != nil {
		return nil, fmt.Errorf("seal: reading the key: %w", err)
	}
	mode := info.Mode()
	switch {
	case !mode.IsRegular():
		return nil, fmt.Errorf("seal: %s is not a regular file: put the key into one", path)
	case runtime.GOOS != "windows" && mode.Perm()&0o077 != 0:
		return nil, fmt.Errorf("seal: %s is %w (mode %#o): chmod 0400 it, and make another key if others may have read it", path, ErrExposed, mode.Perm())
	case info.Size() > maxKeyFile:
		return nil, fmt.Errorf("seal: %s is larger than %d bytes: it is not a file with keys", path, maxKeyFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("seal: reading the key: %w", err)
	}
	return data, nil
}
