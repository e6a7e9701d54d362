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

// stickyBit is [fs.ModeSticky] as chmod writes it.
const stickyBit fs.FileMode = 0o1000

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
	if info.IsDir() && info.Mode()&fs.ModeSticky != 0 { // such as /tmp, which nobody should close
		return &ExposedError{Path: path, Problem: fmt.Sprintf("is for all users of this machine (mode %#o)", mode|stickyBit),
			Advice: fmt.Sprintf("use a folder of your own in it, such as %s", filepath.Join(path, "spotipie"))}
	}
	advice := fmt.Sprintf("it should be private: chmod %#o it, and revoke the token if others may have read it", want)
	if owner, known := Owner(info); known && int(owner) != os.Geteuid() { // root's
		advice = fmt.Sprintf("it should be private, and this program's user's: have root run chown -R %d and chmod %#o on it", os.Geteuid(), want)
	}
	return &ExposedError{Path: path, Problem: fmt.Sprintf("is open to others (mode %#o)", mode), Advice: advice}
}

// AdviceForForeign says what to do about a file or folder of another user.
func AdviceForForeign(owner uint32) string {
	runAs := fmt.Sprintf("run as user %d (in a container: --user %d)", owner, owner)
	give := fmt.Sprintf("if you know what is in it, have root give it to this program's user (chown -R %d)", os.Geteuid())
	switch {
	case owner == 0:
		return give
	case os.Geteuid() == 0: // root's files would shut the owner out
		return runAs
	}
	return runAs + ", or " + give
}

// IsShared reports whether this user can work in a folder that is open to others:
// whether it is their own, or lets a group or all users work in it.
func IsShared(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	owner, known := Owner(info)
	mode := info.Mode().Perm()
	return !known || int(owner) == os.Geteuid() || mode&0o070 == 0o070 || mode&0o007 == 0o007
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
