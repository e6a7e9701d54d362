package filestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
	"github.com/spotipie/spotipie/spotifytest"
)

// expectFault fails the test unless err wraps cause and contains name.
func expectFault(t *testing.T, err, cause error, name string) {
	t.Helper()
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), name) {
		t.Errorf("got error %v, want %v about %s", err, cause, name)
	}
}

func expectNoTemp(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func mountSmallDisk(t *testing.T, at string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Fatalf("mounting: %v", err)
	}
}

// fill writes a file that uses all free space of a small disk.
func fill(t *testing.T, disk string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return ballast
}

func TestFullDisk(t *testing.T) {
	disk, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 0)
		return
	}
	mountSmallDisk(t, disk)
	s := open(t, filepath.Join(disk, "spotipie"), nil)
	version := storecheck.Swap(t, s, 0, "one")
	ballast := fill(t, disk)
	_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	expectFault(t, err, syscall.ENOSPC, s.Path(ada))
	storecheck.Expect(t, s, "one", version)
	expectNoTemp(t, s.Dir())
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	storecheck.Expect(t, s, "two", storecheck.Swap(t, s, version, "two"))
}

func TestReadOnlyDisk(t *testing.T) {
	disk, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 0)
		return
	}
	mountSmallDisk(t, disk)
	dir := filepath.Join(disk, "spotipie")
	version := storecheck.Swap(t, open(t, dir, nil), 0, "one")
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatalf("mounting read-only: %v", err)
	}
	s := open(t, dir, nil)
	storecheck.Expect(t, s, "one", version)
	_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	expectFault(t, err, syscall.EROFS, s.Path(ada))
	expectFault(t, s.Delete(t.Context(), ada), syscall.EROFS, s.Path(ada))
	_, err = s.Lock(t.Context(), spotipie.Key{Profile: "grace"})
	expectFault(t, err, syscall.EROFS, "grace")
	storecheck.Expect(t, s, "one", version)
}

func TestLostPermissions(t *testing.T) {
	dir, isChild := child.Argument()
	if !isChild {
		child.Run(t, newDir(t), 1000)
		return
	}
	s := open(t, dir, nil)
	version := storecheck.Swap(t, s, 0, "one")
	chmod := func(path string, mode fs.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	swapErr := func() error {
		_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
		return err
	}
	chmod(dir, 0o500)
	expectFault(t, swapErr(), fs.ErrPermission, s.Path(ada))
	expectFault(t, s.Delete(t.Context(), ada), fs.ErrPermission, s.Path(ada))
	storecheck.Expect(t, s, "one", version)

	chmod(dir, 0o000)
	_, _, err := s.Load(t.Context(), ada)
	expectFault(t, err, fs.ErrPermission, s.Path(ada))
	expectFault(t, swapErr(), fs.ErrPermission, dir)
	_, err = s.List(t.Context())
	expectFault(t, err, fs.ErrPermission, dir)

	chmod(dir, 0o700)
	chmod(s.Path(ada), 0o000)
	_, _, err = s.Load(t.Context(), ada)
	expectFault(t, err, fs.ErrPermission, s.Path(ada))
	expectFault(t, swapErr(), fs.ErrPermission, s.Path(ada))

	chmod(s.Path(ada), 0o600)
	storecheck.Expect(t, s, "one", version)
}

func TestMissingFolderIsNotAnEmptyStore(t *testing.T) {
	s := open(t, newDir(t), nil)
	version := storecheck.Swap(t, s, 0, "one")
	away := s.Dir() + ".away"
	if err := os.Rename(s.Dir(), away); err != nil {
		t.Fatal(err)
	}
	_, _, loadErr := s.Load(t.Context(), ada)
	_, swapErr := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	_, listErr := s.List(t.Context())
	_, lockErr := s.Lock(t.Context(), ada)
	for method, err := range map[string]error{
		"Load": loadErr, "Swap": swapErr, "List": listErr, "Lock": lockErr, "Delete": s.Delete(t.Context(), ada),
	} {
		if !errors.Is(err, filestore.ErrMissingFolder) || !strings.Contains(err.Error(), s.Dir()) {
			t.Errorf("%s: got error %v, want ErrMissingFolder about %s", method, err, s.Dir())
		}
	}
	if err := os.Rename(away, s.Dir()); err != nil {
		t.Fatal(err)
	}
	storecheck.Expect(t, s, "one", version)
}

func TestFolderThatIsAFile(t *testing.T) {
	dir := newDir(t)
	write(t, dir, "")
	if _, err := filestore.Open(dir, nil); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got error %v, want one about %s", err, dir)
	}
}

func TestFailingSync(t *testing.T) {
	s := open(t, newDir(t), nil)
	version := storecheck.Swap(t, s, 0, "one")
	failFor := func(isFailing func(name string) bool) {
		s.SetSync(func(f *os.File) error {
			if isFailing(f.Name()) {
				return &fs.PathError{Op: "sync", Path: f.Name(), Err: syscall.EIO}
			}
			return nil
		})
	}
	failFor(func(name string) bool { return filepath.Ext(name) == ".tmp" })
	_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	expectFault(t, err, syscall.EIO, s.Path(ada))
	storecheck.Expect(t, s, "one", version)
	expectNoTemp(t, s.Dir())

	// By now the record is in the folder, but it may not survive a crash.
	failFor(func(name string) bool { return name == s.Dir() })
	_, err = s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	expectFault(t, err, syscall.EIO, s.Path(ada))
	rec, _, err := s.Load(t.Context(), ada)
	if err != nil || rec.Token.AccessToken() != "two" {
		t.Errorf("Load: %v, %v; want the new record, whole", rec, err)
	}
	expectFault(t, s.Delete(t.Context(), ada), syscall.EIO, s.Path(ada))
}

// The session does not ask Spotify for a token that a failing disk could not keep. If the
// disk fails after the answer, the session uses the token, and saves it when the disk
// works again.
func TestSessionOutlivesAFailingDisk(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	s := open(t, newDir(t), nil)
	opts := server.Options()
	opts.Store, opts.Profile = s, "ada"
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	server.Login(t, session)
	s.SetSync(func(*os.File) error { return syscall.EIO })
	token, err := session.RefreshToken(t.Context())
	var storeErr *spotipie.StoreError
	if token != nil || !errors.As(err, &storeErr) || storeErr.Op != "check" {
		t.Fatalf("got token %v and error %v, want a StoreError of the check", token, err)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})

	checked := false
	s.SetSync(func(f *os.File) error {
		if filepath.Ext(f.Name()) == ".tmp" && !checked {
			checked = true
			return f.Sync()
		}
		return syscall.EIO
	})
	server.Advance(2 * time.Second) // for a second the session returns the same error
	token, err = session.RefreshToken(t.Context())
	if token == nil || !errors.As(err, &storeErr) || storeErr.Op != "save" {
		t.Fatalf("got token %v and error %v, want a token and a StoreError of the save", token, err)
	}
	s.SetSync((*os.File).Sync)
	if err := session.Close(t.Context()); err != nil {
		t.Error(err)
	}
	rec, _, err := s.Load(t.Context(), spotipie.Key{ClientID: session.ClientID(), Profile: "ada"})
	if err != nil || rec.Token.AccessToken() != token.AccessToken() {
		t.Errorf("Load: %v, %v; want the token got meanwhile", rec, err)
	}
}
