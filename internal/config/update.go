package config

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spotipie/spotipie/internal/sharedfile"
)

// Update reads the file at path, lets change alter it, and replaces it as a
// whole: a crash leaves the old one or the new one. Other processes wait
// meanwhile, for 10 seconds at most. It makes missing folders (mode 0700); the
// file has mode 0600. If path is a symbolic link, its target is replaced.
//
// ctx ends the wait for other processes. It does not interrupt change, which
// may use it itself.
func Update(ctx context.Context, path string, change func(*File) error) error {
	file := sharedfile.File{Path: path, What: "config file"}
	return file.Update(ctx, func(path string) ([]byte, error) {
		f, err := Read(path)
		if err != nil {
			return nil, err
		}
		if err := change(&f); err != nil {
			return nil, err
		}
		data, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("encoding the config file: %w", err)
		}
		return append(data, '\n'), nil
	})
}
