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
	// busyTimeout is how long somebody without a deadline waits for another
	// process that writes.
	busyTimeout = 30 * time.Second
	// maxWAL is how large the file of the write-ahead log stays, in bytes.
	maxWAL = 8 << 20
	// tempLife is more than making a database takes.
	tempLife   = time.Hour
	tempSuffix = ".tmp"
)

// locate returns the path of the database, with symbolic links followed: its
// log has to be beside it whatever it is opened by. It makes the folder if that
// is missing.
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

// checkFolder refuses a folder that others can get at.
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

// checkFile refuses what others can get at, and what has not the size of a
// database: SQLite would take an empty file for a new one, and fill up the last
// page of one that is torn.
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
		return nil, damaged(path, fmt.Sprintf("has a size that no database has (%d bytes)", info.Size()), nil)
	}
	return info, nil
}

// makeDatabase makes a database where there is none. It has its tables and its
// mode before it has its name, and does not replace one that somebody else has
// made meanwhile.
func makeDatabase(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // what is wrong with it is found out later
	}
	if info, err := os.Lstat(path + "-wal"); err == nil && info.Size() > 0 {
		return damaged(path, "is missing, and its log "+path+"-wal is there", nil)
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), tempPrefix(path)+"*"+tempSuffix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := os.Chmod(temp, privatedir.FolderMode); err != nil { // the umask may have taken too much
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

// fill makes a file with the tables in it and has it synced to the disk.
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
	return errors.Join(err, c.Close()) // which has the log written back, and synced
}

func tempPrefix(path string) string { return "." + filepath.Base(path) + "." }

// removeLeftovers removes what processes that were killed have left behind. Not
// all can always be removed, and nothing depends on it.
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

// uri names a database to SQLite. Its log gets the mode that the database has.
func uri(path, mode string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/…
	}
	query := url.Values{"mode": {mode}, "modeof": {path}}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}

// connect opens connections to the database, with what each has to be told. They
// are made when they are needed first, and stay.
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

// The pragmas of connections that read, that save records, and that write what a
// crash of the machine may take away.
const (
	readPragmas = `PRAGMA query_only = on;`
	savePragmas = `PRAGMA journal_mode = wal; PRAGMA synchronous = full;`
	lockPragmas = `PRAGMA synchronous = normal;`
)
