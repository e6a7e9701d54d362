package filestore_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func TestParseKey(t *testing.T) {
	good := filestore.GenerateKey()
	for _, test := range []struct {
		name, text string
		ok         bool
	}{
		{"generated", good, true},
		{"with a newline, as in a file", good + "\n", true},
		{"empty", "", false},
		{"a password", "correct horse battery staple", false},
		{"16 bytes", base64.StdEncoding.EncodeToString(make([]byte, 16)), false},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33)), false},
		{"hexadecimal", strings.Repeat("0a", 32), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := filestore.ParseKey(test.text)
			if (err == nil) != test.ok {
				t.Errorf("got error %v", err)
			}
			if err != nil && test.text != "" && strings.Contains(err.Error(), test.text) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
	if filestore.GenerateKey() == good {
		t.Error("two generated keys are the same")
	}
}

func TestKeyFromEnv(t *testing.T) {
	t.Setenv("SEAL", filestore.GenerateKey())
	t.Setenv("BAD_SEAL", "hunter2")
	if _, err := filestore.KeyFromEnv("SEAL"); err != nil {
		t.Error(err)
	}
	if _, err := filestore.KeyFromEnv("NO_SEAL"); !errors.Is(err, filestore.ErrNoKey) || !strings.Contains(err.Error(), "NO_SEAL") {
		t.Errorf("got error %v, want one about NO_SEAL", err)
	}
	if _, err := filestore.KeyFromEnv("BAD_SEAL"); err == nil || !strings.Contains(err.Error(), "BAD_SEAL") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got error %v, want one about BAD_SEAL and not its value", err)
	}
}

func TestKeyFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := filestore.KeyFromFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("missing file: got error %v", err)
	}
	text := filestore.GenerateKey()
	write(t, path, text+"\n")
	key, err := filestore.KeyFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := newDir(t)
	version := storecheck.Swap(t, open(t, dir, &filestore.Options{Key: key}), 0, "one")
	same, err := filestore.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	storecheck.Expect(t, open(t, dir, &filestore.Options{Key: same}), "one", version)
	write(t, path, "hunter2")
	if _, err := filestore.KeyFromFile(path); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("bad key: got error %v", err)
	}
}

func TestSealedFilesShowNoSecret(t *testing.T) {
	s := open(t, newDir(t), &filestore.Options{Key: newKey(t)})
	version := storecheck.Swap(t, s, 0, "topsecret")
	first := read(t, s.Path(ada))
	if strings.Contains(first, "topsecret") || strings.Contains(first, "streaming") {
		t.Errorf("the sealed file shows %s", first)
	}
	if !strings.Contains(first, `"profile":"ada"`) {
		t.Errorf("the sealed file does not say whose it is: %s", first)
	}
	storecheck.Swap(t, s, version, "topsecret")
	if read(t, s.Path(ada)) == first {
		t.Error("the same record is sealed the same way twice")
	}
}

func TestKeyPrintsNoSecret(t *testing.T) {
	text := filestore.GenerateKey()
	key, err := filestore.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	hidden := struct{ key filestore.Key }{key}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
	for _, printed := range []string{
		fmt.Sprint(key), fmt.Sprintf("%+v %#v %x", key, key, key), fmt.Sprintf("%+v %#v", hidden, hidden),
		fmt.Sprintf("%+v", filestore.Options{Key: key}), log.String(),
	} {
		for _, s := range []string{text, string(secret), fmt.Sprintf("%x", secret), fmt.Sprint(secret)} {
			if strings.Contains(printed, s) {
				t.Errorf("printed with its secret: %s", printed)
			}
		}
	}
	if got := fmt.Sprint(filestore.Key{}); got != "Key(none)" {
		t.Errorf("the zero key prints %s", got)
	}
}
