// Package stores opens the store that the settings name, and explains its
// errors to users of the tool.
package stores

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/privatedir"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/keyringstore"
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
	if err := passwordKnown(s, kind); err != nil {
		return nil, nil, failure.Usage(s.Cmd, err)
	}
	if info, err := os.Stat(s.StoreDir()); isFolder(kind) && err == nil && !info.IsDir() {
		return nil, nil, failure.Usage(s.Cmd, Failed(s, "opening", errors.New("it is a file, not a folder")))
	}
	if _, err := settings.DefaultStoreDir(kind); err != nil && isFolder(kind) && s.StoreDir() == "" {
		return nil, nil, failure.Usage(s.Cmd, fmt.Errorf("there is no folder for the store (%s): set %s to one, such as file:/var/lib/spotipie",
			failure.Plain(err), s.Variable("STORE")))
	}
	switch kind {
	case settings.StoreRedis:
		if store, closeStore, err = openRedis(s); err != nil { // nothing is sent yet
			return nil, nil, failure.Usage(s.Cmd, Failed(s, "opening", err))
		}
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
	var said *filestore.FileError
	if errors.Is(err, filestore.ErrExposed) && kind == settings.StoreFile && errors.As(err, &said) && privatedir.IsShared(said.Path) {
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

func isFolder(kind string) bool { return kind == settings.StoreFile || kind == settings.StoreKeyring }

// passwordKnown fails if the profile's store needs a password that is not set
// anywhere: the config file does not have it. PostgreSQL's password may also be
// in its own variables and files.
func passwordKnown(s *settings.Settings, kind string) error {
	if s.Store.Place != settings.InProfile || !s.Config.Profiles[s.Profile.Value].StorePassword {
		return nil
	}
	or := ""
	if kind == settings.StorePostgres {
		if cfg, err := pgconn.ParseConfig(s.Store.Value); err == nil && cfg.Password != "" {
			return nil
		}
		or = ", or PGPASSWORD to the password"
	}
	return fmt.Errorf("profile %q is in %s, whose password is not saved: set %s to the address with the password%s",
		s.Profile.Value, s.StoreName(), s.Variable("STORE"), or)
}

// folderExists fails if the folder of a store does not exist.
func folderExists(s *settings.Settings, kind string) error {
	if !isFolder(kind) {
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

// Failed returns an error that names the store and where the setting comes
// from.
func Failed(s *settings.Settings, doing string, err error) error {
	from := ""
	if s.Store.From != "" {
		from = ", " + s.Store.Origin()
	}
	return fmt.Errorf("%s the store (%s%s): %w", doing, s.StoreName(), from, Brief(s, err))
}

// Brief says in one line why there is no connection to the store's server, or
// why the server or the system refuses, and what to do. Drivers use a line for
// each attempt.
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
		return briefOfFolder(s, err)
	case errors.As(err, &connecting) && errors.As(err, &refused):
		return failure.Tell(err, "%s", explainPostgres(refused))
	case errors.As(err, &name):
		return failure.Tell(err, "no connection to %s: %s: check the name of the host", name.Name, name.Err)
	case errors.As(err, &dial) && dial.Op == "dial" && dial.Addr != nil && errors.As(dial.Err, &number):
		return failure.Tell(err, "no connection to %s: %v: check that it runs and can be reached from here", dial.Addr, number)
	}
	if kind, _ := s.StoreKind(); kind == settings.StoreRedis && err != nil {
		if why := explainRedis(err); why != "" {
			return failure.Tell(err, "%s", why)
		}
	}
	return err
}

// briefOfFolder says what to do about a folder or a file that the user may not
// read or write.
func briefOfFolder(s *settings.Settings, err error) error {
	var (
		said *filestore.FileError
		told *failure.ToldError
	)
	switch {
	case errors.As(err, &said), errors.As(err, &told): // it says what to do
	case errors.Is(err, fs.ErrPermission):
		return failure.Tell(err, "%v: %s; or set %s to another folder, as in file:/var/lib/spotipie", err, accessAdvice(s, err), s.Variable("STORE"))
	case errors.Is(err, syscall.EROFS):
		return failure.Tell(err, "%v: set %s to a folder that can be written, as in file:/var/lib/spotipie", err, s.Variable("STORE"))
	}
	return err
}

// accessAdvice says how this user gets access to a file that the system denies it.
// If that cannot be seen, it is about the innermost folder above it that can.
func accessAdvice(s *settings.Settings, err error) string {
	const unknown = "run as the user who owns it"
	var at *fs.PathError
	if !errors.As(err, &at) {
		return unknown
	}
	path := at.Path
	info, statErr := os.Stat(path)
	for statErr != nil && path != filepath.Dir(path) {
		path = filepath.Dir(path)
		info, statErr = os.Stat(path)
	}
	if statErr != nil {
		return unknown
	}
	owner, known := privatedir.Owner(info)
	switch {
	case !known:
		return "let this user read and write " + path
	case int(owner) == os.Geteuid():
		return fmt.Sprintf("let yourself read and write %s (chmod -R u+rwX)", path)
	}
	advice := privatedir.AdviceForForeign(owner)
	if path != at.Path && owner == 0 { // such as /, which nobody should give away
		kind, _ := s.StoreKind()
		dir := cmp.Or(s.StoreDir(), defaultDir(kind))
		advice = fmt.Sprintf("have root make the folder for this program's user (install -d -m 700 -o %d %s)", os.Geteuid(), dir)
	}
	return fmt.Sprintf("%s belongs to user %d, and this program runs as user %d: %s", path, owner, os.Geteuid(), advice)
}

// defaultDir returns the default folder of a kind of store, or "" if there is none.
func defaultDir(kind string) string {
	dir, _ := settings.DefaultStoreDir(kind) // opening it reports the error
	return dir
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
