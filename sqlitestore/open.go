package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/spotipie/spotipie/internal/privatedir"
)

const (
	// minPageSize is the size of the smallest pages that SQLite has.
	minPageSize = 512
	// readers is how many connections read at once.
	readers = 4
	// busyTimeout is how long a call without a deadline waits for another
	// process that writes.
	busyTimeout = 30 * time.Second
	// maxWAL is the size to which the file of the write-ahead log is cut, in
	// bytes.
	maxWAL = 8 << 20
	// tempLife is longer than making a database takes.
	tempLife   = time.Hour
	tempSuffix = ".tmp"
)

// locate returns the path of the database with symbolic links resolved, so that
// all processes use the same log. It makes the folder if that is missing.
func locate(path string) (string, error) {
	if path == "" {
		return "", errors.New("sqlitestore: the path is empty")
	}
	path, err := filepath.Abs(path)
	if err == nil {
		err = privatedir.Make(filepath.Dir(path))
	}
	if err != nil {
		return "", fmt.Errorf("sqlitestore: making the folder: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", fmt.Errorf("sqlitestore: %w", err)
		}
		return filepath.Join(folder, filepath.Base(path)), nil
	}
	if err != nil {
		return "", fmt.Errorf("sqlitestore: %w", err)
	}
	return resolved, nil
}

// checkFolder refuses a folder that other users can access.
func checkFolder(path string, allowExposed bool) error {
	if allowExposed {
		return nil
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err == nil {
		err = privatedir.Check(dir, info, privatedir.FolderMode)
	}
	if err == nil {
		err = privatedir.CheckParents(dir)
	}
	return exposed(err)
}

// checkFile refuses a file that other users can access, or that does not have
// the size of a database: SQLite would use an empty file as a new database, and
// would fill up the last page of a file that was cut short.
func checkFile(path string, allowExposed bool) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing(path)
	case err != nil:
		return nil, fmt.Errorf("sqlitestore: %w", err)
	case !info.Mode().IsRegular():
		return nil, damaged(path, "is not a regular file", nil)
	}
	if !allowExposed {
		if err := privatedir.Check(path, info, privatedir.FileMode); err != nil {
			return nil, exposed(err)
		}
	}
	if info.Size() == 0 || info.Size()%minPageSize != 0 {
		return nil, damaged(path, fmt.Sprintf("has %d bytes, which no database can have", info.Size()), nil)
	}
	return info, nil
}

// makeDatabase makes a database if there is none. It makes the tables and sets
// the mode before it gives the file its name, and does not replace a database
// that another process has made meanwhile.
func makeDatabase(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // later steps report what is wrong with it
	}
	if info, err := os.Lstat(path + "-wal"); err == nil && info.Size() > 0 {
		return damaged(path, "is missing, and its log "+path+"-wal is there", nil)
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), tempPrefix(path)+"*"+tempSuffix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := os.Chmod(temp, privatedir.FolderMode); err != nil { // the umask may have removed too much
		return err
	}
	made := filepath.Join(temp, "database")
	if err := fill(ctx, made); err != nil {
		return err
	}
	if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return privatedir.Sync(filepath.Dir(path), (*os.File).Sync)
}

// fill makes a file with the tables in it and syncs it to the disk.
func fill(ctx context.Context, path string) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, privatedir.FileMode)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Chmod(privatedir.FileMode), file.Close()); err != nil {
		return err
	}
	c, err := sqlite3.OpenContext(ctx, uri(path, "rw"))
	if err != nil {
		return err
	}
	c.SetInterrupt(ctx)
	err = makeSchema(c)
	c.SetInterrupt(context.Background())
	return errors.Join(err, c.Close()) // this writes the log back, and syncs it
}

func tempPrefix(path string) string { return "." + filepath.Base(path) + "." }

// removeLeftovers removes files that killed processes have left behind. It
// ignores errors, since nothing depends on this.
func (s *Store) removeLeftovers() {
	entries, err := os.ReadDir(filepath.Dir(s.path))
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(filepath.Dir(s.path), name)
		if id, ours := strings.CutPrefix(name, filepath.Base(s.path)+presenceInfix); ours && entry.Type().IsRegular() {
			s.presence.removeIfDead(id)
		}
		if strings.HasPrefix(name, tempPrefix(s.path)) && strings.HasSuffix(name, tempSuffix) && entry.IsDir() {
			if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > tempLife {
				_ = os.RemoveAll(path)
			}
		}
	}
}

// uri returns the name of a database for SQLite. The log gets the same mode as
// the database.
func uri(path, mode string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/…
	}
	query := url.Values{"mode": {mode}, "modeof": {path}}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}

// connect opens connections to the database, with the pragmas for each. They
// are made when they are first needed, and then kept.
func (s *Store) connect(connections int, pragmas string) (*sql.DB, error) {
	db, err := driver.Open(uri(s.path, "rw"), func(c *sqlite3.Conn) error {
		if err := c.BusyTimeout(busyTimeout); err != nil {
			return err
		}
		if err := checkSchema(c, s.path); err != nil {
			return err
		}
		return c.Exec(fmt.Sprintf(`
PRAGMA trusted_schema = off;
PRAGMA cell_size_check = on;
PRAGMA secure_delete = on;
PRAGMA temp_store = memory;
PRAGMA fullfsync = on;
PRAGMA checkpoint_fullfsync = on;
PRAGMA journal_size_limit = %d;
%s`, maxWAL, pragmas))
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// The pragmas of connections that read, that save records, and that write data
// which need not survive a crash of the machine.
const (
	readPragmas = `PRAGMA query_only = on;`
	savePragmas = `PRAGMA journal_mode = wal; PRAGMA synchronous = full;`
	lockPragmas = `PRAGMA synchronous = normal;`
)
