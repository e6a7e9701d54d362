//go:build !windows

package filestore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

func openFile(path string) (*os.File, error) {
	// A pipe in the file's place must not block the reader.
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// lockFlags open a lock's file, but nothing else that was put in its place.
const lockFlags = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC

// ownWithout reports whether a file belongs to this user and lacks some bits of
// the mode.
func ownWithout(info fs.FileInfo, mode fs.FileMode) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&mode != mode
}

// hasOtherName reports whether a file has a second name (a hard link).
func hasOtherName(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}

func rename(from, to string) error { return os.Rename(from, to) }

// isFull reports whether the disk had no room for the data.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
