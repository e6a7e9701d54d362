package privatedir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// tempSuffix ends the temporary names of new folders.
const tempSuffix = ".tmp"

// Make makes a folder and the missing ones above it. Since a umask can remove
// too much, it sets the mode of each folder before it gives it its name: from
// then on another process may use it.
func Make(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := Make(parent); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".*"+tempSuffix)
	if err != nil {
		return err
	}
	if err = os.Chmod(temp, FolderMode); err == nil {
		err = os.Rename(temp, dir)
	}
	if err != nil {
		_ = os.Remove(temp)
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil // somebody was faster
		}
		return err
	}
	return Sync(parent, (*os.File).Sync)
}
