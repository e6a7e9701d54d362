package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/keyringstore"
)

// The kinds of store.
const (
	StoreFile     = storeaddress.File
	StoreKeyring  = storeaddress.Keyring
	StoreRedis    = "redis"
	StorePostgres = "postgres"
)

// StoreKind returns the kind of store that is set.
func (s *Settings) StoreKind() (string, error) {
	if s.Store.Value == "" && s.Store.From == "" {
		return StoreFile, nil
	}
	scheme, _, ok := strings.Cut(s.Store.Value, ":")
	if ok {
		switch scheme {
		case StoreFile, StoreKeyring:
			return scheme, nil
		case "redis", "rediss", "unix":
			return StoreRedis, s.checkAddress()
		case "postgres", "postgresql":
			return StorePostgres, s.checkAddress()
		}
	}
	return "", fmt.Errorf("%s: not a store: use file:DIR, keyring:, redis://HOST:PORT/DB or postgres://USER@HOST/DATABASE", s.Store.From)
}

// WithStore returns the settings with the store that an argument of the command
// line names. from is the argument's name.
func (s *Settings) WithStore(address, from string) (*Settings, error) {
	other := *s
	other.Store = Setting{address, from, OnCommandLine}
	other.Store.Value = other.absoluteStore()
	if _, err := other.StoreKind(); err != nil {
		return nil, failure.Usage(s.Cmd, err)
	}
	return &other, nil
}

func (s *Settings) checkAddress() error {
	if _, err := storeaddress.Parse(s.Store.Value); err != nil {
		return fmt.Errorf("%s: %w", s.Store.From, err)
	}
	return nil
}

// absoluteStore returns the store that is set, with an absolute folder, since
// later commands may run in another folder. In the config file a folder is
// relative to the folder of that file.
func (s *Settings) absoluteStore() string {
	scheme, dir, _ := strings.Cut(s.Store.Value, ":")
	if scheme != StoreFile && scheme != StoreKeyring || dir == "" || filepath.IsAbs(dir) {
		return s.Store.Value
	}
	if rest, ok := strings.CutPrefix(dir, "~/"); ok { // shells do not expand ~ after a colon
		if home, err := os.UserHomeDir(); err == nil {
			return scheme + ":" + filepath.Join(home, rest)
		}
	}
	if s.Store.Place == InProfile || s.Store.Place == inConfig {
		return scheme + ":" + filepath.Join(filepath.Dir(s.ConfigPath), dir)
	}
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return scheme + ":" + dir
}

// StoreName returns the store as text, without a password.
func (s *Settings) StoreName() string {
	kind, _ := s.StoreKind()
	switch kind {
	case StoreFile, StoreKeyring:
		dir := s.StoreDir()
		if dir == "" {
			dir, _ = DefaultStoreDir(kind) // opening it reports the error
		}
		return kind + ":" + dir
	}
	return storeaddress.Redacted(s.Store.Value)
}

// StoreDir returns the folder that is set, or "" for the default.
func (s *Settings) StoreDir() string {
	_, dir, _ := strings.Cut(s.Store.Value, ":")
	return dir
}

// DefaultStoreDir returns the default folder of a kind of store.
func DefaultStoreDir(kind string) (string, error) {
	if kind == StoreKeyring {
		return keyringstore.DefaultDir()
	}
	return filestore.DefaultDir()
}
