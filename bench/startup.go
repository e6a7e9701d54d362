package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
)

// released is the name of the build for a release.
const released = "released"

// measureStartup measures whole processes of the tool, and in the raw column of a Go
// program that does nothing. Both are built like a release, and again like go install
// does, which links libc if there is a C compiler. The released ones are measured a
// second time after they were read from the disk, which makes both faster, and the
// tool more so: see reread.
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
		programs, err := b.build(ctx, dir)
		if err != nil {
			return nil, err
		}
		built, err := startRows(s, b.name, env, programs, false)
		if err != nil {
			return nil, err
		}
		rows = append(rows, built...)
		if b.name != released {
			continue
		}
		fromDisk, err := startRows(s, b.name+", read from the disk", env, programs, true)
		if err != nil {
			return nil, err
		}
		rows = append(rows, fromDisk...)
	}
	return rows, nil
}

// startRows compares the tool's commands with the other programs.
func startRows(s settings, name string, env []string, programs map[string]string, fromDisk bool) ([]row, error) {
	empty, tool := []string{programs[raw]}, programs[ours]
	var rows []row
	for _, commands := range []map[string][]string{
		{raw: empty, ours: {tool, "token"}},
		{raw: empty, ours: {tool, "--help"}, yq: {programs[yq], "--help"}},
	} {
		rounds, err := starts(s.starts, env, commands, fromDisk)
		if err != nil {
			return nil, err
		}
		r := newRow("Process, spotipie "+commands[ours][1]+", "+name, "ms", rounds).ratioAtMost(3)
		r.Note = "raw: an empty main, built alike. yq: another tool made with cobra."
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

// build builds the tool, yq and an empty program into dir. It returns their paths
// by column.
func (b build) build(ctx context.Context, dir string) (map[string]string, error) {
	dir = filepath.Join(dir, strings.ReplaceAll(b.name, " ", "-"))
	source := filepath.Join(dir, "empty.go")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return nil, err
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/spotipie/spotipie").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the tool's source: %w", err)
	}
	programs := make(map[string]string)
	for _, p := range []struct{ column, module, source string }{
		{ours, strings.TrimSpace(string(module)), "./cmd/spotipie"}, {yq, "", "github.com/mikefarah/yq/v4"}, {raw, "", source},
	} {
		programs[p.column] = filepath.Join(dir, p.column)
		cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", programs[p.column]}, b.flags...), p.source)...)
		cmd.Dir = p.module
		cmd.Env = append(os.Environ(), b.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w: %s", p.source, err, out)
		}
	}
	return programs, nil
}

// startsPerReading is how often programs are started before their files are read
// again. Each reading puts them at another place in memory.
const startsPerReading = 20

// starts runs the command of each column n times, in turns, and returns how many
// milliseconds each took from its start to its end.
func starts(n int, env []string, commands map[string][]string, fromDisk bool) (map[string][]float64, error) {
	rounds := make(map[string][]float64)
	for i := range n {
		if fromDisk && i%startsPerReading == 0 {
			for _, command := range commands {
				if err := reread(command[0]); err != nil {
					return nil, err
				}
			}
		}
		for column, command := range commands {
			cmd := exec.Command(command[0], command[1:]...)
			cmd.Env = env
			began := time.Now()
			if err := cmd.Run(); err != nil {
				return nil, fmt.Errorf("running %s: %w", strings.Join(command, " "), err)
			}
			rounds[column] = append(rounds[column], float64(time.Since(began).Nanoseconds())/1e6)
		}
	}
	return rounds, nil
}
