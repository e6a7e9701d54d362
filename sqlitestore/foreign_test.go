package sqlitestore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/sqlitestore"
)

// makeFolder makes the folder of a database.
func makeFolder(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoDatabaseOfThisPackageIsLeftAlone(t *testing.T) {
	change := func(statement string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			saveAndClose(t, path)
			db := raw(t, path)
			do(t, db, statement)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	truncate := func(size func(int) int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			saveAndClose(t, path)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, data[:size(len(data))])
		}
	}
	for name, test := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"another program's database": {func(t *testing.T, path string) {
			db := raw(t, path)
			do(t, db, "CREATE TABLE recipes (name TEXT)")
			do(t, db, "INSERT INTO recipes VALUES ('soup')")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			chmod(t, path, 0o600)
		}, sqlitestore.ErrForeign},
		"another program's database in WAL mode": {func(t *testing.T, path string) {
			db := raw(t, path)
			do(t, db, "PRAGMA journal_mode = wal")
			do(t, db, "CREATE TABLE records (name TEXT)")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			chmod(t, path, 0o600)
		}, sqlitestore.ErrForeign},
		"a newer schema":     {change("PRAGMA user_version = 2"), sqlitestore.ErrNewerSchema},
		"no schema":          {change("PRAGMA user_version = 0"), sqlitestore.ErrDamaged},
		"a table is missing": {change("DROP TABLE locks"), sqlitestore.ErrDamaged},
		"a trigger":          {change("CREATE TRIGGER spy AFTER UPDATE ON records BEGIN DELETE FROM locks; END"), sqlitestore.ErrDamaged},
		"empty":              {truncate(func(int) int { return 0 }), sqlitestore.ErrDamaged},
		"a byte":             {truncate(func(int) int { return 1 }), sqlitestore.ErrDamaged},
		"half a header":      {truncate(func(int) int { return 50 }), sqlitestore.ErrDamaged},
		"a page":             {truncate(func(int) int { return 4096 }), sqlitestore.ErrDamaged},
		"half":               {truncate(func(n int) int { return n / 2 }), sqlitestore.ErrDamaged},
		"the last page torn": {truncate(func(n int) int { return n - 1 }), sqlitestore.ErrDamaged},
		"the last page gone": {truncate(func(n int) int { return n - 4096 }), sqlitestore.ErrDamaged},
		"zeros": {func(t *testing.T, path string) {
			makeFolder(t, path)
			write(t, path, make([]byte, 8192))
		}, sqlitestore.ErrDamaged},
		"JSON": {func(t *testing.T, path string) {
			makeFolder(t, path)
			write(t, path, []byte(strings.Repeat(`{"refresh_token":"refresh-one"}`, 300)))
		}, sqlitestore.ErrDamaged},
		"a folder": {func(t *testing.T, path string) {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, sqlitestore.ErrDamaged},
		"a log whose database is missing": {func(t *testing.T, path string) {
			makeFolder(t, path)
			write(t, path+"-wal", []byte("what was saved last"))
		}, sqlitestore.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			makeFolder(t, path)
			test.make(t, path)
			before := contents(t, path)
			for range 2 {
				_, err := sqlitestore.Open(t.Context(), path, nil)
				var known *sqlitestore.DatabaseError
				if !errors.Is(err, test.want) || !errors.As(err, &known) || !strings.Contains(err.Error(), path) {
					t.Errorf("Open: %v, want %v about %s", err, test.want, path)
				}
			}
			if after := contents(t, path); !bytes.Equal(before, after) {
				t.Error("the file has changed")
			}
		})
	}
}

// contents returns the contents of a file, or nothing if it is not a file.
func contents(t *testing.T, path string) []byte {
	t.Helper()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func chmod(t testing.TB, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// Open refuses another program's database, names it in the error, and does not change it.
func TestRecordsOfAnotherFormat(t *testing.T) {
	for name, statement := range map[string]string{
		"a newer format":      `UPDATE records SET format = 2`,
		"no JSON":             `UPDATE records SET record = 'refresh-one'`,
		"a version below 0":   `UPDATE records SET version = -1`,
		"more than is taken":  `UPDATE records SET record = hex(zeroblob(600 * 1024))`,
		"a format like a sum": `UPDATE records SET format = 1 + 1`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newPath(t), nil)
			version := storecheck.Swap(t, s, 0, "one")
			db := raw(t, s.Path())
			do(t, db, statement)
			before := ask(t, db, "SELECT length(record) + format + version FROM records")
			_, found, loadErr := s.Load(t.Context(), ada)
			_, swapErr := s.Swap(t.Context(), ada, 0, storecheck.Record(t, "two"))
			for method, err := range map[string]error{"Load": loadErr, "Swap": swapErr} {
				var mismatch *spotipie.RecordMismatchError
				switch {
				case method == "Swap" && errors.Is(err, spotipie.ErrVersionConflict):
				case found || !errors.As(err, &mismatch) || mismatch.Key != ada || !strings.Contains(err.Error(), s.Path()):
					t.Errorf("%s: found %t, error %v; want a RecordMismatchError that names the database", method, found, err)
				case strings.Contains(err.Error(), "refresh-"):
					t.Errorf("%s: the error has a token: %v", method, err)
				}
			}
			if strings.Contains(name, "newer") {
				if _, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two")); err == nil {
					t.Error("Swap has replaced a record of a newer format")
				}
			}
			if after := ask(t, db, "SELECT length(record) + format + version FROM records"); after != before {
				t.Error("the record has changed")
			}
			page, err := s.Summaries(t.Context(), spotipie.SummaryQuery{})
			if err != nil || name != "a version below 0" && name != "more than is taken" && len(page.Summaries) != 0 {
				t.Errorf("Summaries: %v, %v; want that it is left out", page, err)
			}
			if err := s.Delete(t.Context(), ada); err != nil {
				t.Errorf("Delete: %v", err)
			}
			storecheck.Swap(t, s, 0, "three")
		})
	}
}

func TestDatabaseThatWasMovedIsNotAnEmptyStore(t *testing.T) {
	for name, exchange := range map[string]func(t *testing.T, path string){
		"moved away": func(t *testing.T, path string) {},
		"another one in its place": func(t *testing.T, path string) {
			data, err := os.ReadFile(path + ".away")
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, data)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newPath(t), nil)
			version := storecheck.Swap(t, s, 0, "one")
			if err := os.Rename(s.Path(), s.Path()+".away"); err != nil {
				t.Fatal(err)
			}
			exchange(t, s.Path())
			_, _, loadErr := s.Load(t.Context(), ada)
			_, swapErr := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
			_, listErr := s.List(t.Context())
			_, pageErr := s.Summaries(t.Context(), spotipie.SummaryQuery{})
			_, lockErr := s.Lock(soon(t), ada)
			for method, err := range map[string]error{
				"Load": loadErr, "Swap": swapErr, "List": listErr, "Delete": s.Delete(t.Context(), ada), "Summaries": pageErr, "Lock": lockErr,
			} {
				if !errors.Is(err, sqlitestore.ErrMissing) || !strings.Contains(err.Error(), s.Path()) {
					t.Errorf("%s: got error %v, want ErrMissing about %s", method, err, s.Path())
				}
			}
			if err := os.Rename(s.Path()+".away", s.Path()); err != nil {
				t.Fatal(err)
			}
			storecheck.Expect(t, s, "one", version)
		})
	}
}

func TestFoldersAndFilesThatOthersCanGetAt(t *testing.T) {
	for name, expose := range map[string]func(t *testing.T, path string){
		"the folder":     func(t *testing.T, path string) { chmod(t, filepath.Dir(path), 0o755) },
		"the database":   func(t *testing.T, path string) { chmod(t, path, 0o640) },
		"a folder above": func(t *testing.T, path string) { chmod(t, filepath.Dir(filepath.Dir(path)), 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			version := saveAndClose(t, path)
			expose(t, path)
			_, err := sqlitestore.Open(t.Context(), path, nil)
			if !errors.Is(err, sqlitestore.ErrExposed) || !strings.Contains(err.Error(), "chmod") {
				t.Errorf("Open: %v, want ErrExposed and what to do", err)
			}
			storecheck.Expect(t, open(t, path, &sqlitestore.Options{AllowExposed: true}), "one", version)
		})
	}
}
