package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/keyringstore"
)

// The kinds of store.
const (
	storeFile     = storeaddress.File
	storeKeyring  = storeaddress.Keyring
	storeRedis    = "redis"
	storePostgres = "postgres"
)

// storeKind returns the kind of store that is set.
func (s *settings) storeKind() (string, error) {
	if s.Store.value == "" && s.Store.from == "" {
		return storeFile, nil
	}
	scheme, _, ok := strings.Cut(s.Store.value, ":")
	if ok {
		switch scheme {
		case storeFile, storeKeyring:
			return scheme, nil
		case "redis", "rediss", "unix":
			return storeRedis, s.checkAddress()
		case "postgres", "postgresql":
			return storePostgres, s.checkAddress()
		}
	}
	return "", fmt.Errorf("%s: not a store: use file:DIR, keyring:, redis://HOST:PORT/DB or postgres://USER@HOST/DATABASE", s.Store.from)
}

func (s *settings) checkAddress() error {
	if _, err := storeaddress.Parse(s.Store.value); err != nil {
		return fmt.Errorf("%s: %w", s.Store.from, err)
	}
	return nil
}

// absoluteStore returns the store that is set with an absolute folder, since
// later commands may run elsewhere. In the config file a folder is relative to
// that of the file.
func (s *settings) absoluteStore() string {
	scheme, dir, _ := strings.Cut(s.Store.value, ":")
	if scheme != storeFile && scheme != storeKeyring || dir == "" || filepath.IsAbs(dir) {
		return s.Store.value
	}
	if rest, ok := strings.CutPrefix(dir, "~/"); ok { // which shells leave as it is behind a colon
		if home, err := os.UserHomeDir(); err == nil {
			return scheme + ":" + filepath.Join(home, rest)
		}
	}
	if s.Store.place == inProfile || s.Store.place == inConfig {
		return scheme + ":" + filepath.Join(filepath.Dir(s.configPath), dir)
	}
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return scheme + ":" + dir
}

// storeName is the store in words for people, without a password.
func (s *settings) storeName() string {
	kind, _ := s.storeKind()
	switch kind {
	case storeFile, storeKeyring:
		dir := s.storeDir()
		if dir == "" {
			dir, _ = defaultDir(kind) // opening it tells what is wrong
		}
		return kind + ":" + dir
	}
	return storeaddress.Redacted(s.Store.value)
}

// storeDir is the folder that is set, or empty for the default.
func (s *settings) storeDir() string {
	_, dir, _ := strings.Cut(s.Store.value, ":")
	return dir
}

func defaultDir(kind string) (string, error) {
	if kind == storeKeyring {
		return keyringstore.DefaultDir()
	}
	return filestore.DefaultDir()
}
