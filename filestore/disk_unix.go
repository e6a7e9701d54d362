//go:build !windows

package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

func openFile(path string) (*os.File, error) {
	// A pipe put in the file's place must not hold the reader up.
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// lockFlags open a lock's file and nothing that was put in its place.
const lockFlags = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC

// foreignOwner returns the owner of a file who is neither this user nor root.
func foreignOwner(info fs.FileInfo) (uid uint32, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 || int(stat.Uid) == os.Geteuid() {
		return 0, false
	}
	return stat.Uid, true
}

// nobody owns, in a user namespace, what belongs to users who are not in it.
const nobody = 65534

// openToChange says who else can rename what is in a folder, or nothing if
// nobody can. In a folder with the sticky bit, such as /tmp, only owners can. A
// group that is the user's own one counts as the user.
func openToChange(info fs.FileInfo) string {
	if owner, foreign := foreignOwner(info); foreign && owner != nobody {
		return fmt.Sprintf("belongs to another user (id %d)", owner)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode()
	switch {
	case !ok || mode&fs.ModeSticky != 0 || mode.Type() == fs.ModeSymlink:
		return ""
	case mode&0o002 != 0:
		return fmt.Sprintf("can be written to by all (mode %#o)", mode.Perm())
	case mode&0o020 != 0 && stat.Gid != 0 && int(stat.Gid) != os.Getegid():
		return fmt.Sprintf("can be written to by a group (id %d, mode %#o)", stat.Gid, mode.Perm())
	}
	return ""
}

// ownWithout reports whether a file is this user's, and lacks some of the mode.
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

// isFull reports whether there was no room for what was to be written.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
