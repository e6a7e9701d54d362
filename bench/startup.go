package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
)

// released names how the tool is built for a release.
const released = "released"

// measureStartup times whole processes of the tool beside one of a Go program
// that does nothing, in the raw column. Both are built as the release is, and
// again as go install builds them, which with a C compiler at hand links libc. The
// released ones are measured a second time when they were read from the disk, which
// makes both faster, and the tool more so: see reread.
func measureStartup(ctx context.Context, s settings) ([]row, error) {
	dir, err := os.MkdirTemp("", "spotipie-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	env, err := signedIn(ctx, filepath.Join(dir, "config"))
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, b := range []build{
		{name: released, flags: []string{"-trimpath", "-ldflags=-s -w"}, env: []string{"CGO_ENABLED=0"}},
		{name: "go install"},
	} {
		tool, empty, err := b.build(ctx, dir)
		if err != nil {
			return nil, err
		}
		built, err := startRows(s, b.name, env, tool, empty, false)
		if err != nil {
			return nil, err
		}
		rows = append(rows, built...)
		if b.name != released {
			continue
		}
		fromDisk, err := startRows(s, b.name+", read from the disk", env, tool, empty, true)
		if err != nil {
			return nil, err
		}
		rows = append(rows, fromDisk...)
	}
	return rows, nil
}

// startRows measures the tool's commands beside the empty program.
func startRows(s settings, name string, env []string, tool, empty string, fromDisk bool) ([]row, error) {
	var rows []row
	for _, args := range [][]string{{"token"}, {"--help"}} {
		rounds, err := starts(s.starts, env, []string{empty}, append([]string{tool}, args...), fromDisk)
		if err != nil {
			return nil, err
		}
		r := newRow("Process, spotipie "+args[0]+", "+name, "ms", rounds).ratioAtMost(3)
		r.Note = "raw: an empty main, built alike."
		rows = append(rows, r)
	}
	return rows, nil
}

// signedIn makes a file store with a fresh token, and returns the environment
// in which the tool finds it.
func signedIn(ctx context.Context, config string) (env []string, err error) {
	dir := filepath.Join(config, "spotipie")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	key := spotipie.Key{ClientID: recordKey().ClientID, Profile: "default"}
	if _, err := store.Swap(ctx, key, 0, newRecord()); err != nil {
		return nil, err
	}
	type profile struct {
		ClientID string `json:"client_id"`
		Flow     string `json:"flow"`
	}
	settings, err := json.Marshal(map[string]any{
		"profiles": map[string]profile{key.Profile: {key.ClientID, string(spotipie.FlowAuthorizationCode)}},
	})
	if err != nil {
		return nil, err
	}
	env = []string{"XDG_CONFIG_HOME=" + config, "HOME=" + config, "PATH=" + os.Getenv("PATH")}
	return env, os.WriteFile(filepath.Join(dir, "config.json"), settings, 0o600)
}

// build is a way to build programs.
type build struct {
	name       string
	flags, env []string
}

// build builds the tool and an empty program into dir.
func (b build) build(ctx context.Context, dir string) (tool, empty string, err error) {
	dir = filepath.Join(dir, strings.ReplaceAll(b.name, " ", "-"))
	source := filepath.Join(dir, "empty.go")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", "", err
	}
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return "", "", err
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/spotipie/spotipie").Output()
	if err != nil {
		return "", "", fmt.Errorf("looking for the tool's source: %w", err)
	}
	tool, empty = filepath.Join(dir, "spotipie"), filepath.Join(dir, "empty")
	for binary, source := range map[string]string{tool: "./cmd/spotipie", empty: source} {
		cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", binary}, b.flags...), source)...)
		cmd.Dir = strings.TrimSpace(string(module))
		cmd.Env = append(os.Environ(), b.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("building %s: %w: %s", source, err, out)
		}
	}
	return tool, empty, nil
}

// startsPerReading is how often programs are started before their files are read
// anew, as each reading puts them elsewhere in memory.
const startsPerReading = 20

// starts runs both programs n times, in turns, and returns how many
// milliseconds each took from its start to its end.
func starts(n int, env, theirs, own []string, fromDisk bool) (map[string][]float64, error) {
	rounds := make(map[string][]float64)
	for i := range n {
		if fromDisk && i%startsPerReading == 0 {
			if err := errors.Join(reread(own[0]), reread(theirs[0])); err != nil {
				return nil, err
			}
		}
		for column, args := range map[string][]string{ours: own, raw: theirs} {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = env
			began := time.Now()
			if err := cmd.Run(); err != nil {
				return nil, fmt.Errorf("running %s: %w", strings.Join(args, " "), err)
			}
			rounds[column] = append(rounds[column], float64(time.Since(began).Nanoseconds())/1e6)
		}
	}
	return rounds, nil
}
