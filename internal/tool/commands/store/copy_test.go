package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commands/store"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
	"github.com/spotipie/spotipie/seal"
)

// fill makes a store in a folder with n logins, of profiles 0, 1 and so on.
func fill(t *testing.T, n int) (dir string, files *filestore.Store) {
	t.Helper()
	tooltest.Home(t, "")
	dir = filepath.Join(t.TempDir(), "from")
	files, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", RefreshToken: "r", ExpiresIn: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := files.Swap(t.Context(), key(i), 0, spotipie.Record{Token: token, ClientID: "app", AuthorizedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

func key(i int) spotipie.Key { return spotipie.Key{ClientID: "app", Profile: fmt.Sprint(i)} }

func TestCopy(t *testing.T) {
	from, _ := fill(t, 3)
	to := filepath.Join(t.TempDir(), "to")
	for _, want := range []string{"3 of 3 logins copied.\n", "0 of 3 logins copied, 3 there already.\n"} {
		stdout, stderr, code := tooltest.Run(t.Context(), store.New(), "store", "copy", "file:"+from, "file:"+to)
		if code != failure.ExitOK || stdout != "" || stderr != want {
			t.Fatalf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
	}
	files, err := filestore.Open(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rec, found, err := files.Load(t.Context(), key(2)); err != nil || !found || rec.Token.RefreshToken() != "r" {
		t.Errorf("found %t, %v", found, err)
	}
}

// TestCopyOfADamagedStore checks that the readable records are copied, and that the
// exit code shows the failure.
func TestCopyOfADamagedStore(t *testing.T) {
	from, files := fill(t, 3)
	if err := os.WriteFile(files.Path(key(1)), []byte(`{"refresh_token": "hush"`), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := tooltest.Run(t.Context(), store.New(), "store", "copy", "--json", "file:"+from, "file:"+filepath.Join(t.TempDir(), "to"))
	if code != failure.ExitFailure || strings.Contains(stderr, "hush") || !strings.Contains(stderr, "spotipie: store copy: some logins were not copied: ") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if !strings.Contains(stdout, `"copied":2,`) {
		t.Errorf("stdout %q", stdout)
	}
}

func TestCopyIsInterrupted(t *testing.T) {
	from, _ := fill(t, 1)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	_, stderr, code := tooltest.Run(ctx, store.New(), "store", "copy", "file:"+from, "file:"+filepath.Join(t.TempDir(), "to"))
	if code != failure.ExitInterrupted || !strings.HasPrefix(stderr, "spotipie: interrupted") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestCopyIsInterruptedHalfway copies one login. The deletion of the other one must
// wait for a process that holds its lock.
func TestCopyIsInterruptedHalfway(t *testing.T) {
	from, source := fill(t, 2)
	to := filepath.Join(t.TempDir(), "to")
	arguments := []string{"store", "copy", "file:" + from, "file:" + to}
	if _, stderr, code := tooltest.Run(t.Context(), store.New(), arguments...); code != failure.ExitOK {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	destination, err := filestore.Open(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := destination.Lock(t.Context(), key(1))
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := source.Load(t.Context(), key(0))
	if err == nil {
		rec.AuthorizedAt = rec.AuthorizedAt.Add(time.Second) // a newer consent
		_, err = source.Swap(t.Context(), key(0), rec.Version, rec)
	}
	if err := errors.Join(err, source.Delete(t.Context(), key(1))); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	changes, err := destination.Watch(ctx, key(0))
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-changes; interrupt() }()
	_, stderr, code := tooltest.Run(ctx, store.New(), arguments...)
	interrupt()
	if code != failure.ExitInterrupted || !strings.Contains(stderr, " of 2 logins were checked: run the command again to continue") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCopyOfSealedRecords checks that records of package seal are copied unchanged,
// without a key, and can be opened in the new store.
func TestCopyOfSealedRecords(t *testing.T) {
	tooltest.Home(t, "")
	keys, err := seal.ParseKeys(filestore.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	open := func(dir string) spotipie.Store {
		files, err := filestore.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := seal.New(files, keys, nil)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", RefreshToken: "r", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(from).Swap(t.Context(), key(0), 0, spotipie.Record{Token: token, ClientID: "app"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 1 logins copied.\n", "0 of 1 logins copied, 1 there already.\n"} {
		_, stderr, code := tooltest.Run(t.Context(), store.New(), "store", "copy", "file:"+from, "file:"+to)
		if code != failure.ExitOK || stderr != want {
			t.Fatalf("exit code %d, stderr %q", code, stderr)
		}
	}
	rec, found, err := open(to).Load(t.Context(), key(0))
	if err != nil || !found || rec.Token.RefreshToken() != "r" {
		t.Errorf("found %t, %v", found, err)
	}
}
