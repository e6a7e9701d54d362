package config

import (
	"context"
	"encoding/json"
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
	// lockTimeout is more than any change takes.
	lockTimeout = 10 * time.Second
)

// Update reads the file at path, lets change alter it, and replaces it as a
// whole: a crash leaves the old one or the new one. Other processes wait
// meanwhile, for 10 seconds at most. It makes missing folders (mode 0700); the
// file has mode 0600. If path is a symbolic link, what it leads to is replaced.
//
// ctx ends the wait for other processes; from then on it is change's own
// matter.
func Update(ctx context.Context, path string, change func(*File) error) (err error) {
	if path == "" {
		return errors.New("there is no config folder: set HOME or XDG_CONFIG_HOME")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the config folder: %w", err)
	}
	if path, err = resolve(path); err != nil {
		return err
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	removeTemporary(path)
	f, err := Read(path)
	if err != nil {
		return err
	}
	if err := change(&f); err != nil {
		return err
	}
	return write(path, f)
}

// resolve follows symbolic links.
func resolve(path string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil // and is made there
	}
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the config file %s is a link to a file that is missing: remove the link, or write {} into the file", path)
	}
	if err != nil {
		return "", fmt.Errorf("following the links of the config file: %w", err)
	}
	return target, nil
}

func lock(ctx context.Context, path string) (unlock func() error, err error) {
	file := flock.New(path, flock.SetPermissions(0o600))
	limited, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	_, err = file.TryLockContext(limited, lockPoll)
	switch {
	case err == nil:
		return file.Close, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return nil, fmt.Errorf("locking the config file: another process holds %s for longer than %s: end it, or try again", path, lockTimeout)
	}
	return nil, fmt.Errorf("locking the config file: %w", err)
}

// temporaryName returns what the names of temporary files begin with, and end
// with after a number.
func temporaryName(path string) (prefix, suffix string) {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base)) + "-", ".tmp"
}

// removeTemporary removes what writers that were killed have left behind, which
// may have secrets in it. Whoever calls it holds the lock.
func removeTemporary(path string) {
	prefix, suffix := temporaryName(path)
	entries, _ := os.ReadDir(filepath.Dir(path)) // if that fails, so will what comes next
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), prefix)
		number, temporary := strings.CutSuffix(rest, suffix)
		if ours && temporary && number != "" && strings.Trim(number, "0123456789") == "" && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name())) // the next one tries again
		}
	}
}

func write(path string, f File) (err error) {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the config file: %w", err)
	}
	prefix, suffix := temporaryName(path)
	temp, err := os.CreateTemp(filepath.Dir(path), prefix+"*"+suffix) // mode 0600
	if err != nil {
		return fmt.Errorf("writing the config file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(append(data, '\n'))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing the config file: %w", err)
	}
	return nil
}
