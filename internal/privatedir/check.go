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
			Problem: fmt.Sprintf("belongs to another user (id %d)", owner),
			Advice:  "run as that user, or chown it if you know what is in it",
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
