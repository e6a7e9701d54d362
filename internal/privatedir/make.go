package privatedir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// tempSuffix ends the names that folders have before they have their own.
const tempSuffix = ".tmp"

// Make makes a folder and those above it that are missing. A umask can take away
// more than it should, so each has its mode before it has its name: another
// process may use it from then on.
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
