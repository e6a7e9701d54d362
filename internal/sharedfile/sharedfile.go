// Package sharedfile replaces small files that several processes change.
package sharedfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockPoll = 10 * time.Millisecond
	// lockTimeout is longer than any change takes.
	lockTimeout = 10 * time.Second
)

// File is a file that several processes change.
type File struct {
	Path string // empty if there is no folder for it
	What string // its name in errors, such as "config file"
}

// Update replaces the file by what change returns: a crash leaves the complete
// old file or the complete new one. change gets the file's path, with symbolic
// links resolved; if it returns nil, the file is not changed. Other processes
// wait meanwhile, for 10 seconds at most. Update makes missing folders (mode
// 0700); the file has mode 0600.
//
// ctx ends the wait for other processes. It does not interrupt change, which
// may use it itself.
func (f File) Update(ctx context.Context, change func(path string) ([]byte, error)) (err error) {
	if f.Path == "" {
		return errors.New("there is no config folder: set HOME or XDG_CONFIG_HOME")
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return fmt.Errorf("making the config folder: %w", err)
	}
	if f.Path, err = f.resolve(); err != nil {
		return err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	removeTemporary(f.Path)
	data, err := change(f.Path)
	if err != nil || data == nil {
		return err
	}
	return f.write(data)
}

// resolve follows symbolic links.
func (f File) resolve() (string, error) {
	path := f.Path
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil // the file will be made there
	}
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the %s %s is a link to a file that is missing: remove the link, or write {} into the file", f.What, path)
	}
	if err != nil {
		return "", fmt.Errorf("following the links of the %s: %w", f.What, err)
	}
	return target, nil
}

func (f File) lock(ctx context.Context) (unlock func() error, err error) {
	path := f.Path + ".lock"
	file := flock.New(path, flock.SetPermissions(0o600))
	limited, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	_, err = file.TryLockContext(limited, lockPoll)
	switch {
	case err == nil:
		return file.Close, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return nil, fmt.Errorf("locking the %s: another process holds %s for longer than %s: end it, or try again", f.What, path, lockTimeout)
	}
	return nil, fmt.Errorf("locking the %s: %w", f.What, err)
}

// temporaryName returns the beginning and the end of the names of temporary
// files; a number is between them.
func temporaryName(path string) (prefix, suffix string) {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base)) + "-", ".tmp"
}

// removeTemporary removes files that killed writers have left behind, which may
// contain secrets. The caller holds the lock.
func removeTemporary(path string) {
	prefix, suffix := temporaryName(path)
	entries, _ := os.ReadDir(filepath.Dir(path)) // if this fails, the next step fails too
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), prefix)
		number, temporary := strings.CutSuffix(rest, suffix)
		if ours && temporary && number != "" && strings.Trim(number, "0123456789") == "" && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name())) // the next writer tries again
		}
	}
}

func (f File) write(data []byte) (err error) {
	prefix, suffix := temporaryName(f.Path)
	temp, err := os.CreateTemp(filepath.Dir(f.Path), prefix+"*"+suffix) // mode 0600
	if err != nil {
		return fmt.Errorf("writing the %s: %w", f.What, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), f.Path)
	}
	if err != nil {
		return fmt.Errorf("writing the %s: %w", f.What, err)
	}
	return nil
}
