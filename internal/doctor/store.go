package doctor

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/privatedir"
	"github.com/spotipie/spotipie/keyringstore"
)

// WithStore opens a store, calls use with it and closes it.
type WithStore func(ctx context.Context, use func(spotipie.Store) error) error

// Store checks whether the store can be opened, read and locked, and, if it is a
// [spotipie.Checker], whether it could save a record. where is the store as
// text. It does not lock key if its client id is empty.
func Store(ctx context.Context, where string, with WithStore, key spotipie.Key) Result {
	const name = "store"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	count := 0
	err := with(ctx, func(store spotipie.Store) error {
		keys, err := store.List(ctx)
		count = len(keys)
		if err != nil || key.ClientID == "" {
			return err
		}
		return CanSave(ctx, store, key)
	})
	if err == nil {
		return good(name, fmt.Sprintf("%s can be read and locked; it has %s", where, counted(count, "login")))
	}
	var file *filestore.FileError
	switch {
	case errors.As(err, &file):
		fix := file.Advice
		if errors.Is(err, filestore.ErrExposed) && privatedir.IsShared(file.Path) {
			fix += "; if only programs that may use the tokens have access to it, as with the fsGroup of Kubernetes, use --allow-exposed-store"
		}
		return bad(name, fmt.Sprintf("%s %s", file.Path, file.Problem), fix)
	case errors.Is(err, keyringstore.ErrKeyLost):
		return bad(name, plain(err), "restore the keyring's entry, or remove the folder's records and sign in again")
	case errors.Is(err, keyringstore.ErrUnavailable):
		return bad(name, plain(err), "unlock the keyring, or keep logins in files with --store file:")
	case errors.Is(err, syscall.ENOSPC):
		return bad(name, plain(err), "free some space there, or choose another store with --store: until then no token is renewed")
	case tooLong(err):
		return bad(name, fmt.Sprintf("%s did not answer for %s: %s", where, checkTimeout, plain(err)),
			"check that it runs and can be reached from here, and that no suspended process holds the lock")
	}
	return bad(name, plain(err), "check that it exists, can be reached and lets you in, or choose another with --store")
}

// CanSave locks the key and asks the store whether it could save a record now, as a
// renewal does.
func CanSave(ctx context.Context, store spotipie.Store, key spotipie.Key) error {
	unlock, err := store.Lock(ctx, key)
	if err != nil {
		return fmt.Errorf("locking %s: %w", key, err)
	}
	if checker, ok := store.(spotipie.Checker); ok {
		if err = checker.Check(ctx, key); errors.Is(err, errors.ErrUnsupported) {
			err = nil
		}
	}
	return errors.Join(err, unlock(ctx))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
