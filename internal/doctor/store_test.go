package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/doctor"
	"github.com/spotipie/spotipie/keyringstore"
)

var key = spotipie.Key{ClientID: "id", Profile: "default"}

func with(store spotipie.Store, err error) doctor.WithStore {
	return func(_ context.Context, use func(spotipie.Store) error) error {
		if err != nil {
			return err
		}
		return use(store)
	}
}

func files(t *testing.T, dir string) doctor.WithStore {
	return func(_ context.Context, use func(spotipie.Store) error) error {
		store, err := filestore.Open(dir, nil)
		if err != nil {
			return err
		}
		return use(store)
	}
}

func TestStore(t *testing.T) {
	store := spotipie.NewMemoryStore()
	check(t, doctor.Store(t.Context(), "memory:", with(store, nil), key), "memory: can be read and locked; it has 0 logins", "")
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "top-secret", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Swap(t.Context(), key, 0, spotipie.Record{Token: token, ClientID: "id"}); err != nil {
		t.Fatal(err)
	}
	check(t, doctor.Store(t.Context(), "memory:", with(store, nil), spotipie.Key{}), "it has 1 login", "")

	for name, test := range map[string]struct {
		err         error
		detail, fix string
	}{
		"lost key":   {fmt.Errorf("opening: %w", keyringstore.ErrKeyLost), "opening", "restore the keyring's entry"},
		"no keyring": {fmt.Errorf("opening: %w", keyringstore.ErrUnavailable), "opening", "--store file:"},
		"server":     {errors.New("dial tcp: connection refused"), "connection refused", "can be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, doctor.Store(t.Context(), "x:", with(nil, test.err), key), test.detail, test.fix)
		})
	}
}

func TestStoreOfFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	check(t, doctor.Store(t.Context(), "file:", files(t, dir), key), "can be read and locked", "")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	check(t, doctor.Store(t.Context(), "file:", files(t, dir), key), dir, "chmod")
}

// fullStore is a store on a disk that is full.
type fullStore struct {
	spotipie.Store
	err error
}

func (s fullStore) Check(context.Context, spotipie.Key) error { return s.err }

func TestStoreThatTakesNoRecord(t *testing.T) {
	store := spotipie.NewMemoryStore()
	full := fullStore{store, fmt.Errorf("no record could be saved: %w", syscall.ENOSPC)}
	check(t, doctor.Store(t.Context(), "x:", with(full, nil), key), "no record could be saved", "free some space there")
	readOnly := fullStore{store, fmt.Errorf("no record could be saved: %w", syscall.EROFS)}
	check(t, doctor.Store(t.Context(), "x:", with(readOnly, nil), key), "no record could be saved", "lets you in")
	cannotTell := fullStore{store, fmt.Errorf("seal: %w", errors.ErrUnsupported)}
	check(t, doctor.Store(t.Context(), "x:", with(cannotTell, nil), key), "can be read and locked", "")
	check(t, doctor.Store(t.Context(), "x:", with(full, nil), spotipie.Key{}), "can be read and locked", "")
}

// A lock that a suspended process holds is reported, not waited for forever.
func TestStoreLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		unlock, err := store.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		check(t, doctor.Store(t.Context(), "memory:", with(store, nil), key), "did not answer for 8s", "suspended process")
		if err := unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
