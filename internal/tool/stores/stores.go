// Package stores opens the store that the settings name, and explains its
// errors to users of the tool.
package stores

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/keyringstore"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/redisstore"
)

// makePrivate makes the default folder of a store private if it has no files of
// the store yet: then the user has made it by hand, for the config file.
func makePrivate(s *settings.Settings) {
	dir, err := settings.DefaultStoreDir(settings.StoreFile)
	if err != nil || s.StoreDir() != "" && s.StoreDir() != dir || runtime.GOOS == "windows" {
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
	_ = os.Chmod(dir, 0o700) // if this fails, opening the store reports the error
}

func noClose() error { return nil }

// Options say how a store is opened. The zero value is for the store of an
// authorization.
type Options struct {
	// Existing makes Open fail if there is no store yet, and not create one.
	Existing bool
	// Key encrypts the records of a folder of files.
	Key filestore.Key
}

// Open returns the store that is set. Its errors say what to do.
func Open(ctx context.Context, s *settings.Settings, opts Options) (store spotipie.Store, closeStore func() error, err error) {
	kind, err := s.StoreKind()
	if err != nil {
		return nil, nil, failure.Usage(s.Cmd, err)
	}
	if opts.Existing {
		if err := folderExists(s, kind); err != nil {
			return nil, nil, Failed(s, "opening", err)
		}
	}
	if s.Store.Place == settings.InProfile && s.Config.Profiles[s.Profile.Value].StorePassword {
		return nil, nil, failure.Usage(s.Cmd, fmt.Errorf("profile %q is in %s, whose password is not saved: set %s to the address with the password",
			s.Profile.Value, s.StoreName(), s.Variable("STORE")))
	}
	switch kind {
	case settings.StoreRedis:
		store, closeStore, err = openRedis(s)
	case settings.StorePostgres:
		store, closeStore, err = openPostgres(ctx, s, !opts.Existing)
	case settings.StoreKeyring:
		store, err = keyringstore.Open(ctx, s.StoreDir(), nil)
		closeStore = noClose
	default:
		makePrivate(s)
		store, err = filestore.Open(s.StoreDir(), &filestore.Options{AllowExposed: s.Exposed.IsOn(), Key: opts.Key})
		closeStore = noClose
	}
	if errors.Is(err, filestore.ErrExposed) && kind == settings.StoreFile {
		err = failure.Tell(err, "%v; or, if only programs that may use the tokens have access to it, as with the fsGroup of Kubernetes, set %s=1",
			err, s.Variable("ALLOW_EXPOSED_STORE"))
	}
	if err != nil {
		err = Failed(s, "opening", err)
	}
	if errors.Is(err, errAddress) {
		err = failure.Usage(s.Cmd, err)
	}
	return store, closeStore, err
}

// folderExists fails if the folder of a store does not exist.
func folderExists(s *settings.Settings, kind string) error {
	if kind != settings.StoreFile && kind != settings.StoreKeyring {
		return nil
	}
	dir := s.StoreDir()
	if dir == "" {
		var err error
		if dir, err = settings.DefaultStoreDir(kind); err != nil {
			return err
		}
	}
	_, err := os.Stat(dir)
	return err
}

// errAddress means that a driver does not accept the address.
var errAddress = errors.New("it is not a URL that the store accepts")

func openRedis(s *settings.Settings) (spotipie.Store, func() error, error) {
	opts, err := redis.ParseURL(s.Store.Value)
	if err != nil {
		return nil, nil, fmt.Errorf("%w, such as redis://127.0.0.1:6379/0", errAddress)
	}
	logging.Disable()      // errors are returned, so they need not be logged
	opts.DialerRetries = 1 // each of MaxRetries dials again
	client := redis.NewClient(opts)
	store, err := redisstore.New(client, nil)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, client.Close, nil
}

func openPostgres(ctx context.Context, s *settings.Settings, migrate bool) (spotipie.Store, func() error, error) {
	cfg, err := pgxpool.ParseConfig(s.Store.Value)
	if err != nil {
		return nil, nil, fmt.Errorf("%w, such as postgres://app@127.0.0.1/app", errAddress)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	closePool := func() error { pool.Close(); return nil }
	store, err := pgstore.New(pool, nil)
	if err == nil && migrate {
		err = store.Migrate(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, closePool, nil
}

// Failed returns an error that names the store and where the setting comes
// from.
func Failed(s *settings.Settings, doing string, err error) error {
	from := ""
	if s.Store.From != "" {
		from = ", " + s.Store.Origin()
	}
	return fmt.Errorf("%s the store (%s%s): %w", doing, s.StoreName(), from, Brief(s, err))
}

// Brief says in one line why there is no connection to the store's server:
// drivers use a line for each attempt.
func Brief(s *settings.Settings, err error) error {
	var (
		connecting *pgconn.ConnectError
		refused    *pgconn.PgError
		name       *net.DNSError
		dial       *net.OpError
		number     syscall.Errno
	)
	switch {
	case !storeaddress.HasServer(s.Store.Value) || s.Store.Value == "":
	case errors.As(err, &connecting) && errors.As(err, &refused):
		return failure.Tell(err, "%s", explainPostgres(refused))
	case errors.As(err, &name):
		return failure.Tell(err, "no connection to %s: %s: check the name of the host", name.Name, name.Err)
	case errors.As(err, &dial) && dial.Op == "dial" && dial.Addr != nil && errors.As(dial.Err, &number):
		return failure.Tell(err, "no connection to %s: %v: check that it runs and can be reached from here", dial.Addr, number)
	}
	return err
}

// ProfileNames returns the profiles among keys, sorted.
func ProfileNames(keys []spotipie.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Profile)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Use opens the store, runs use with it, and closes it.
func Use(ctx context.Context, s *settings.Settings, use func(spotipie.Store) error) error {
	store, closeStore, err := Open(ctx, s, Options{})
	if err != nil {
		return err
	}
	return errors.Join(use(store), closeStore())
}

// Replace saves a record in place of what Load has returned: another record, a
// deletion, or nothing.
func Replace(ctx context.Context, store spotipie.Store, key spotipie.Key, there spotipie.Record, found bool, rec spotipie.Record) error {
	version := uint64(0)
	if found {
		version = there.Version
	}
	rec.Version = max(rec.Version, there.Version)
	_, err := store.Swap(ctx, key, version, rec)
	return err
}

// FailedIf is Failed for an error that may be nil.
func FailedIf(s *settings.Settings, doing string, err error) error {
	if err == nil {
		return nil
	}
	return Failed(s, doing, err)
}
