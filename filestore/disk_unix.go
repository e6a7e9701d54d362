//go:build !windows

package filestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func openFile(path string) (*os.File, error) {
	// A pipe put in the file's place must not hold the reader up.
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func rename(from, to string) error { return os.Rename(from, to) }

// syncFolder makes a rename in a folder last. Some file systems cannot, and say
// so: they have no better way.
func syncFolder(dir string, sync func(*os.File) error) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = sync(f)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the folder: %w", err)
	}
	return nil
}
