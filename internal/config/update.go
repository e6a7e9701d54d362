package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const lockPoll = 10 * time.Millisecond

// Update reads the file at path, lets change alter it, and replaces it as a
// whole: a crash leaves the old one or the new one. Other processes wait
// meanwhile. It makes missing folders (mode 0700); the file has mode 0600.
func Update(ctx context.Context, path string, change func(*File) error) (err error) {
	if path == "" {
		return errors.New("there is no config folder: set HOME or XDG_CONFIG_HOME")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the config folder: %w", err)
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("locking the config file: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	f, err := Read(path)
	if err != nil {
		return err
	}
	if err := change(&f); err != nil {
		return err
	}
	return write(path, f)
}

func write(path string, f File) (err error) {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the config file: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "config-*.tmp") // mode 0600
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
