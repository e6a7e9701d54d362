//go:build !windows

package privatedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ForeignOwner returns the owner of a file who is neither this user nor root.
func ForeignOwner(info fs.FileInfo) (uid uint32, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 || int(stat.Uid) == os.Geteuid() {
		return 0, false
	}
	return stat.Uid, true
}

// Owner returns the owner of a file. It is not known on Windows.
func Owner(info fs.FileInfo) (uid uint32, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}

// In a user namespace, nobody is the owner of files that belong to users
// outside of it.
const nobody = 65534

// openToChange returns who else can rename the files of a folder, or nothing if
// nobody can. In a folder with the sticky bit, such as /tmp, only owners can. A
// group that is the user's own one counts as the user.
func openToChange(info fs.FileInfo) string {
	if owner, foreign := ForeignOwner(info); foreign && owner != nobody {
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

// Sync syncs a rename in a folder to the disk. It ignores the error of file
// systems that cannot do this.
func Sync(dir string, sync func(*os.File) error) error {
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
