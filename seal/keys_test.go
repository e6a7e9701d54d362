package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
)

func TestParseKeys(t *testing.T) {
	one, two := seal.GenerateKey(), seal.GenerateKey()
	if one == two {
		t.Error("two generated keys are the same")
	}
	for _, test := range []struct {
		name, text string
		ok         bool
	}{
		{"one", one, true},
		{"with a newline, as in a file", one + "\n", true},
		{"two", one + "\n" + two + "\n", true},
		{"two on a line", one + " " + two, true},
		{"none", "", false},
		{"white space", " \n", false},
		{"a password", "correct horse battery staple", false},
		{"a key and a password", one + "\nhunter2", false},
		{"16 bytes", base64.StdEncoding.EncodeToString(make([]byte, 16)), false},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33)), false},
		{"hexadecimal", strings.Repeat("0a", 32), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := seal.ParseKeys(test.text)
			if (err == nil) != test.ok {
				t.Errorf("got error %v", err)
			}
			for _, word := range strings.Fields(test.text) {
				if err != nil && len(word) > 4 && strings.Contains(err.Error(), word) {
					t.Errorf("the error quotes the key: %v", err)
				}
			}
			if none := strings.TrimSpace(test.text) == ""; none != errors.Is(err, seal.ErrNoKey) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestNewKey(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	key, err := seal.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	if nameOf(t, key) != nameOf(t, newKeys(t, base64.StdEncoding.EncodeToString(secret))) {
		t.Error("the same key has two names")
	}
	if _, err := seal.NewKey(secret[1:]); err == nil {
		t.Error("31 bytes are accepted as a key")
	}
}

// The first key encrypts, and all can decrypt.
func TestRotation(t *testing.T) {
	oldText, newText := seal.GenerateKey(), seal.GenerateKey()
	inner := spotipie.NewMemoryStore()
	put(t, over(t, inner, newKeys(t, oldText), nil), ada, full(t, "one"))
	both := over(t, inner, newKeys(t, newText, oldText), nil)
	rec := stored(t, both, ada)
	put(t, both, ada, rec)
	if got := stored(t, inner, ada).Sealed.Key; got != nameOf(t, newKeys(t, newText)) {
		t.Errorf("sealed with %s, not the first key", got)
	}
	stored(t, over(t, inner, newKeys(t, newText), nil), ada)
	_, _, err := over(t, inner, newKeys(t, oldText), nil).Load(t.Context(), ada)
	expectError(t, err, seal.ErrUnknownKey, nameOf(t, newKeys(t, newText)))
}

// failing are keys that fail.
type failing struct{ err error }

func (f failing) Wrap(context.Context, []byte) (string, []byte, error) { return "", nil, f.err }
func (f failing) Unwrap(context.Context, string, []byte) ([]byte, error) {
	return nil, f.err
}

func TestRingAsksAll(t *testing.T) {
	ours := newKeys(t)
	name, wrapped, err := ours.Wrap(t.Context(), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	away := failing{errService}
	for _, test := range []struct {
		name string
		keys seal.Keys
		want error
	}{
		{"one has it", seal.Ring(newKeys(t), newKeys(t), ours), nil},
		{"another fails", seal.Ring(away, ours), nil},
		{"nobody has it", seal.Ring(newKeys(t), newKeys(t)), seal.ErrUnknownKey},
		{"it may be with one that fails", seal.Ring(newKeys(t), away, newKeys(t)), errService},
		{"a failure counts more than damage", seal.Ring(failing{seal.ErrDamaged}, away, failing{seal.ErrDamaged}), errService},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.keys.Unwrap(t.Context(), name, wrapped); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestKeysFromEnv(t *testing.T) {
	text := seal.GenerateKey()
	t.Setenv("SEAL", text)
	t.Setenv("BAD_SEAL", "hunter2")
	keys, err := seal.KeysFromEnv("SEAL")
	if err != nil || nameOf(t, keys) != nameOf(t, newKeys(t, text)) {
		t.Errorf("got %v, %v", keys, err)
	}
	if _, err := seal.KeysFromEnv("NO_SEAL"); !errors.Is(err, seal.ErrNoKey) || !strings.Contains(err.Error(), "NO_SEAL") {
		t.Errorf("got error %v, want one about NO_SEAL", err)
	}
	if _, err := seal.KeysFromEnv("BAD_SEAL"); err == nil || !strings.Contains(err.Error(), "BAD_SEAL") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got error %v, want one about BAD_SEAL and not its value", err)
	}
}

func writeFile(t *testing.T, text string, mode os.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // under any umask
		t.Fatal(err)
	}
	return path
}

func TestKeysFromFiles(t *testing.T) {
	oldText, newText := seal.GenerateKey(), seal.GenerateKey()
	oldFile, newFile := writeFile(t, oldText+"\n", 0o400), writeFile(t, newText+"\n", 0o600)
	keys, err := seal.KeysFromFiles(newFile, oldFile)
	if err != nil {
		t.Fatal(err)
	}
	if nameOf(t, keys) != nameOf(t, newKeys(t, newText)) {
		t.Error("the first file's key does not seal")
	}
	inner := spotipie.NewMemoryStore()
	put(t, over(t, inner, newKeys(t, oldText), nil), ada, full(t, "one"))
	stored(t, over(t, inner, keys, nil), ada)

	for name, test := range map[string]struct {
		path string
		want error
	}{
		"missing":             {filepath.Join(t.TempDir(), "nothing"), seal.ErrNoKey},
		"empty":               {writeFile(t, "", 0o600), seal.ErrNoKey},
		"a password":          {writeFile(t, "hunter2", 0o600), nil},
		"readable by all":     {writeFile(t, newText, 0o604), seal.ErrExposed},
		"readable by a group": {writeFile(t, newText, 0o640), seal.ErrExposed},
		"a folder":            {t.TempDir(), nil},
		"too large":           {writeFile(t, strings.Repeat(newText+"\n", 2000), 0o600), nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := seal.KeysFromFiles(newFile, test.path)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("got error %v, want %v and the path", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), newText)) {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

// encrypt encrypts a text like `age --passphrase`, but faster.
func encrypt(t *testing.T, text, passphrase string, armored bool) string {
	t.Helper()
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(10)
	var file bytes.Buffer
	out := io.WriteCloser(nopCloser{&file})
	if armored {
		out = armor.NewWriter(&file)
	}
	w, err := age.Encrypt(out, recipient)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, text)
	if err := errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestKeysFromPassphrase(t *testing.T) {
	text := seal.GenerateKey()
	binary, armored := encrypt(t, text, "correct horse", false), encrypt(t, text+"\n", "correct horse", true)
	for _, test := range []struct {
		name, file, passphrase string
		mode                   os.FileMode
		ok                     bool
	}{
		{"binary", binary, "correct horse", 0o600, true},
		{"armored", armored, "correct horse", 0o600, true},
		{"the wrong passphrase", binary, "battery staple", 0o600, false},
		{"no passphrase", binary, "", 0o600, false},
		{"cut short", binary[:len(binary)-1], "correct horse", 0o600, false},
		{"cut short in the header", binary[:20], "correct horse", 0o600, false},
		{"armor cut short", armored[:len(armored)/2], "correct horse", 0o600, false},
		{"not encrypted", text, "correct horse", 0o600, false},
		{"a password inside", encrypt(t, "hunter2", "correct horse", false), "correct horse", 0o600, false},
		{"nothing inside", encrypt(t, "", "correct horse", false), "correct horse", 0o600, false},
		{"readable by all", binary, "correct horse", 0o644, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := writeFile(t, test.file, test.mode)
			keys, err := seal.KeysFromPassphrase(path, test.passphrase)
			if test.ok {
				if err != nil || nameOf(t, keys) != nameOf(t, newKeys(t, text)) {
					t.Errorf("got %v, %v", keys, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Fatalf("got error %v, want one about %s", err, path)
			}
			for _, secret := range []string{text, "horse", "staple", "hunter2"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes a secret: %v", err)
				}
			}
		})
	}
}

func TestKeysPrintNoSecret(t *testing.T) {
	text := seal.GenerateKey()
	keys := newKeys(t, text)
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	single, err := seal.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "keys", keys, "key", single)
	store := over(t, spotipie.NewMemoryStore(), keys, nil)
	printed := fmt.Sprint(keys, single, store) + fmt.Sprintf("%+v %#v %x %v", keys, keys, keys, seal.Ring(single, keys)) +
		fmt.Sprintf("%+v %#v %x %s", single, single, single, single) + fmt.Sprintf("%+v %#v", store, store) + log.String()
	for _, s := range []string{text, string(secret), fmt.Sprintf("%x", secret), fmt.Sprint(secret)} {
		if strings.Contains(printed, s) {
			t.Errorf("printed with its secret: %s", printed)
		}
	}
	if !strings.Contains(printed, nameOf(t, keys)) {
		t.Errorf("the key's name is not printed: %s", printed)
	}
}
