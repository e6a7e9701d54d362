package privatedir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Modes of a private folder and of the files in it.
const (
	FolderMode fs.FileMode = 0o700
	FileMode   fs.FileMode = 0o600
)

// ExposedError means that other users can read, change or replace a file or
// folder.
type ExposedError struct {
	Path    string
	Problem string // what is wrong
	Advice  string // what to do
}

// Error says what is wrong and what to do.
func (e *ExposedError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Path, e.Problem, e.Advice)
}

// Check returns an [*ExposedError] if other users can read or change a file or
// folder. want is the mode to recommend.
func Check(path string, info fs.FileInfo, want fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if owner, foreign := ForeignOwner(info); foreign {
		return &ExposedError{
			Path:    path,
			Problem: fmt.Sprintf("belongs to another user (id %d) than this program's (id %d)", owner, os.Geteuid()),
			Advice:  AdviceForForeign(owner),
		}
	}
	mode := info.Mode().Perm()
	if mode&^0o700 == 0 {
		return nil
	}
	return &ExposedError{
		Path:    path,
		Problem: fmt.Sprintf("is open to others (mode %#o)", mode),
		Advice:  fmt.Sprintf("it should be private: chmod %#o it, and revoke the token if others may have read it", want),
	}
}

// AdviceForForeign says what to do about a file or folder of another user.
func AdviceForForeign(owner uint32) string {
	give := fmt.Sprintf("if you know what is in it, have root give it to this program's user (chown -R %d)", os.Geteuid())
	if owner == 0 {
		return give
	}
	return fmt.Sprintf("run as user %d (in a container: --user %d), or %s", owner, owner, give)
}

// IsShared reports whether this user may have access to a folder that is open to
// others: whether it is their own, or lets a group or all users work in it.
func IsShared(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	_, foreign := ForeignOwner(info)
	mode := info.Mode().Perm()
	return !foreign || mode&0o070 == 0o070 || mode&0o007 == 0o007 || os.Geteuid() == 0
}

// CheckParents returns an [*ExposedError] if other users can replace a folder,
// because they can write to one of the folders above it.
func CheckParents(dir string) error {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	for _, path := range []string{dir, resolved} {
		for parent := filepath.Dir(path); ; parent = filepath.Dir(parent) {
			info, err := os.Lstat(parent)
			if err != nil {
				return err
			}
			if problem := openToChange(info); problem != "" {
				return &ExposedError{
					Path:    parent,
					Problem: problem + ", so that others could put another folder in the place of " + dir,
					Advice:  "choose a folder below one of yours, or remove the write permission of others (chmod go-w)",
				}
			}
			if parent == filepath.Dir(parent) {
				break
			}
		}
		if resolved == dir {
			break
		}
	}
	return nil
}
