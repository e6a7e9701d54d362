// Package pausefile keeps the pauses that services have asked for between two
// runs of the tool. It is a small JSON file next to the config file, with the
// pauses of each app by client id:
//
//	{"0123…": [{"host": "api.spotify.com", "since": "…", "until": "…", "reason": "QUOTA_EXCEEDED"}]}
//
// It contains no secrets. If it is lost, the next request is refused once more.
package pausefile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/internal/sharedfile"
)

// Name is the name of the file, in the folder of the config file.
const Name = "pauses.json"

// maxSize is far more than any number of apps needs.
const maxSize = 1 << 20

// contents are the pauses by client id.
type contents map[string][]adapter.PauseState

// Read returns the pauses of an app that have not ended. A missing file has
// none. If the file cannot be read, the error names it.
func Read(path, clientID string, now time.Time) ([]adapter.PauseState, error) {
	all, err := read(path)
	return current(all[clientID], now), err
}

// Add saves a pause of an app, in place of an earlier one for the same host. It
// removes pauses that have ended, and replaces a file that cannot be read.
func Add(ctx context.Context, path, clientID string, pause adapter.PauseState, now time.Time) error {
	return update(ctx, path, clientID, pause.Host, &pause, now)
}

// Remove removes the pause of an app for a host, if there is one.
func Remove(ctx context.Context, path, clientID, host string, now time.Time) error {
	return update(ctx, path, clientID, host, nil, now)
}

func update(ctx context.Context, path, clientID, host string, pause *adapter.PauseState, now time.Time) error {
	file := sharedfile.File{Path: path, What: "file of pauses"}
	return file.Update(ctx, func(path string) ([]byte, error) {
		all, err := read(path)
		if err != nil {
			all = nil
		}
		next := contents{}
		for id, pauses := range all {
			if left := current(pauses, now); len(left) > 0 {
				next[id] = left
			}
		}
		others := slices.DeleteFunc(next[clientID], func(p adapter.PauseState) bool { return p.Host == host })
		if pause != nil {
			others = append(others, *pause)
		}
		if next[clientID] = others; len(others) == 0 {
			delete(next, clientID)
		}
		data, err := json.MarshalIndent(next, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("encoding the pauses: %w", err)
		}
		return append(data, '\n'), nil
	})
}

// current returns the pauses that have not ended.
func current(pauses []adapter.PauseState, now time.Time) []adapter.PauseState {
	return slices.DeleteFunc(slices.Clone(pauses), func(p adapter.PauseState) bool { return !p.Until.After(now) })
}

func read(path string) (contents, error) {
	info, err := os.Stat(path) // before opening it, since opening a pipe waits
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the file of pauses: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading the file of pauses: %s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the file of pauses: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file of pauses: %w", err)
	}
	var all contents
	if len(data) > maxSize || json.Unmarshal(data, &all) != nil {
		return nil, fmt.Errorf("the file of pauses %s is broken: delete it", path)
	}
	return all, nil
}
