package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/keyringstore"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/redisstore"
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

// makePrivate makes the default folder of a store private as long as there is
// nothing of the store in it: somebody has made it by hand, for the config file.
func (s *settings) makePrivate() {
	dir, err := defaultDir(storeFile)
	if err != nil || s.storeDir() != "" && s.storeDir() != dir || runtime.GOOS == "windows" {
		return
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&^0o700 == 0 {
		return
	}
	entries, err := os.ReadDir(dir)
	ours := func(entry os.DirEntry) bool {
		return !strings.HasPrefix(entry.Name(), "config") && !strings.HasPrefix(entry.Name(), "pauses")
	}
	if err != nil || slices.ContainsFunc(entries, ours) {
		return
	}
	_ = os.Chmod(dir, 0o700) // if that fails, the store says what is wrong
}

func noClose() error { return nil }

// openStore returns the store that is set. Its errors say what to do.
func (s *settings) openStore(ctx context.Context) (store spotipie.Store, closeStore func() error, err error) {
	kind, err := s.storeKind()
	if err != nil {
		return nil, nil, usage(s.cmd, err)
	}
	if s.Store.place == inProfile && s.config.Profiles[s.Profile.value].StorePassword {
		return nil, nil, usage(s.cmd, fmt.Errorf("profile %q is kept in %s, whose password is not kept: set %s to the address with the password",
			s.Profile.value, s.storeName(), s.variable("STORE")))
	}
	switch kind {
	case storeRedis:
		store, closeStore, err = s.openRedis()
	case storePostgres:
		store, closeStore, err = s.openPostgres(ctx)
	case storeKeyring:
		store, err = keyringstore.Open(ctx, s.storeDir(), nil)
		closeStore = noClose
	default:
		s.makePrivate()
		store, err = filestore.Open(s.storeDir(), &filestore.Options{AllowExposed: s.exposed.isOn()})
		closeStore = noClose
	}
	if errors.Is(err, filestore.ErrExposed) && kind == storeFile {
		err = &toldError{fmt.Sprintf("%v; or, if only programs that may use the tokens can get at it, as with the fsGroup of Kubernetes, set %s=1",
			err, s.variable("ALLOW_EXPOSED_STORE")), err}
	}
	if err != nil {
		err = s.storeFailed("opening", err)
	}
	if errors.Is(err, errAddress) {
		err = usage(s.cmd, err)
	}
	return store, closeStore, err
}

// errAddress: a driver does not take the address.
var errAddress = errors.New("it is not a URL that the store takes")

func (s *settings) openRedis() (spotipie.Store, func() error, error) {
	opts, err := redis.ParseURL(s.Store.value)
	if err != nil {
		return nil, nil, fmt.Errorf("%w, such as redis://127.0.0.1:6379/0", errAddress)
	}
	logging.Disable()      // what it would log comes back as an error
	opts.DialerRetries = 1 // each of MaxRetries dials again
	client := redis.NewClient(opts)
	store, err := redisstore.New(client, nil)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, client.Close, nil
}

func (s *settings) openPostgres(ctx context.Context) (spotipie.Store, func() error, error) {
	cfg, err := pgxpool.ParseConfig(s.Store.value)
	if err != nil {
		return nil, nil, fmt.Errorf("%w, such as postgres://app@127.0.0.1/app", errAddress)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	closePool := func() error { pool.Close(); return nil }
	store, err := pgstore.New(pool, nil)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, closePool, nil
}

// storeFailed says which store it was, and where the setting comes from.
func (s *settings) storeFailed(doing string, err error) error {
	from := ""
	if s.Store.from != "" {
		from = ", " + s.Store.origin()
	}
	return fmt.Errorf("%s the store (%s%s): %w", doing, s.storeName(), from, s.brief(err))
}

// brief says in one line why there is no connection to the store's server:
// drivers give a line to each attempt.
func (s *settings) brief(err error) error {
	var (
		connecting *pgconn.ConnectError
		refused    *pgconn.PgError
		name       *net.DNSError
		dial       *net.OpError
		number     syscall.Errno
	)
	switch {
	case !storeaddress.HasServer(s.Store.value) || s.Store.value == "":
	case errors.As(err, &connecting) && errors.As(err, &refused):
		return &toldError{explainPostgres(refused), err}
	case errors.As(err, &name):
		return &toldError{"no connection to " + name.Name + ": " + name.Err + ": check the name of the host", err}
	case errors.As(err, &dial) && dial.Op == "dial" && dial.Addr != nil && errors.As(dial.Err, &number):
		return &toldError{"no connection to " + dial.Addr.String() + ": " + number.Error() + ": check that it runs and can be reached from here", err}
	}
	return err
}

// profileNames returns the profiles among keys, sorted.
func profileNames(keys []spotipie.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Profile)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maxSecretFile is more than any client secret has.
const maxSecretFile = 4096

// readSecretFile reads a file, or stdin for -, where somebody at a terminal is
// asked.
func readSecretFile(cmd *cobra.Command, path string) (string, error) {
	if terminal, ok := cmd.InOrStdin().(*os.File); ok && path == "-" && cli.IsTerminal(terminal) {
		if !cli.CanAsk(terminal, cmd.ErrOrStderr()) {
			return "", errors.New("there is no terminal to ask for it on: give it by a pipe or a file")
		}
		secret, err := cli.AskSecret(cmd.Context(), terminal, cmd.ErrOrStderr(), "Client secret: ")
		return strings.TrimSpace(secret), err
	}
	data, err := readInput(cmd, "--client-secret-file -", path, maxSecretFile)
	return strings.TrimSpace(string(data)), err
}

// quotedInText is quotedIfNeeded for a command that stands between single quotes
// in a text, where others in it would be misread.
func quotedInText(text string) string {
	if text == "" || unreserved(text) || strings.ContainsAny(text, "'$`\"\\!") {
		return quotedIfNeeded(text)
	}
	return `"` + text + `"`
}

// quotedIfNeeded makes a POSIX shell take text as it is.
func quotedIfNeeded(text string) string {
	if text != "" && unreserved(text) {
		return text
	}
	return quoted(text)
}
