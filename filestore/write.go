package filestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/privatedir"
)

// maxFile is the largest file that is read or written. A record has one or two
// KiB.
const maxFile = 1 << 20

// readFile reads a private file whole.
func readFile(path string, allowExposed bool) (data []byte, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("filestore: reading: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("filestore: reading: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, damaged(path, "is not a regular file")
	}
	if err := checkPrivate(path, info, fileMode, allowExposed); err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, damaged(path, "is larger than 1 MiB")
	}
	data = make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("filestore: reading %s: %w", path, err)
	}
	return data, nil
}

// replace makes data the contents of the record's file at base, as a whole and
// synced. The caller holds the swap lock.
func (s *Store) replace(ctx context.Context, base string, data []byte) error {
	temp, err := s.writeTemp(filepath.Base(base), data)
	if err != nil {
		return err
	}
	if err = ctx.Err(); err == nil {
		err = rename(temp, base+recordSuffix)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	return s.syncFolder()
}

// writeTemp writes data to a new file beside the record's, and syncs it.
func (s *Store) writeTemp(name string, data []byte) (path string, err error) {
	f, err := os.CreateTemp(s.dir, name+".*"+tempSuffix)
	if err != nil {
		return "", err
	}
	if err = f.Chmod(fileMode); err == nil { // the umask may have removed too much
		if _, err = f.Write(data); err == nil {
			err = s.sync(f)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// minTrial is how much tryWriting writes at least.
const minTrial = 4 << 10

// tryWriting writes as many bytes as the key's record has, and removes them.
// The bytes are random, since some file systems use no space for zeros.
func (s *Store) tryWriting(key spotipie.Key) error {
	size := int64(minTrial)
	if info, err := os.Stat(s.Path(key)); err == nil {
		size = max(size, min(info.Size(), maxFile))
	}
	data := make([]byte, size)
	_, _ = rand.Read(data) // never fails
	temp, err := s.writeTemp(baseName(key), data)
	if err != nil {
		return err
	}
	return os.Remove(temp)
}

func (s *Store) syncFolder() error { return privatedir.Sync(s.dir, s.sync) }
