package filestore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Windows refuses to rename over a file that is open, and to open one that is
// being renamed over, each for the moment it takes.
const (
	busyTries = 200
	busyPause = 5 * time.Millisecond

	errorSharingViolation syscall.Errno = 32
	errorDiskFull         syscall.Errno = 112
)

func whileBusy(do func() error) error {
	var err error
	for range busyTries {
		err = do()
		if !errors.Is(err, errorSharingViolation) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		time.Sleep(busyPause)
	}
	return err
}

func openFile(path string) (f *os.File, err error) {
	err = whileBusy(func() error { f, err = os.Open(path); return err })
	return f, err
}

const lockFlags = os.O_RDONLY

func ownWithout(fs.FileInfo, fs.FileMode) bool { return false }

func hasOtherName(fs.FileInfo) bool { return false }

func rename(from, to string) error {
	return whileBusy(func() error { return os.Rename(from, to) })
}

func isFull(err error) bool { return errors.Is(err, errorDiskFull) }
