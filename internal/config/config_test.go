package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/spotipie/spotipie/internal/config"
)

func write(t *testing.T, text string, mode os.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	path := write(t, `{"profile": "work", "client_id": "a", "profiles": {"work": {"flow": "client_credentials"}}}`, 0o644)
	got, err := config.Read(path)
	want := config.File{
		Profile:  "work",
		Settings: config.Settings{ClientID: "a"},
		Profiles: map[string]config.Settings{"work": {Flow: "client_credentials"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestReadMissing(t *testing.T) {
	got, err := config.Read(filepath.Join(t.TempDir(), "absent", "config.json"))
	if err != nil || !reflect.DeepEqual(got, config.File{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadRefuses(t *testing.T) {
	const secret = "hush-hush"
	for name, test := range map[string]struct {
		text, problem string
	}{
		"empty":           {"", "it is empty"},
		"not JSON":        {"client_secret = " + secret, "line 1 is not valid JSON"},
		"third line":      {"{\n\"client_secret\":\n" + secret + "}", "line 3 is not valid JSON"},
		"cut off":         {`{"client_secret": "` + secret, "ends too early"},
		"array":           {`["` + secret + `"]`, "not a JSON object"},
		"wrong type":      {`{"client_secret": ["` + secret + `"]}`, "client_secret has the wrong type"},
		"wrong profile":   {`{"profiles": {"work": "` + secret + `"}}`, "has the wrong type"},
		"unknown key":     {`{"clientsecret": "` + secret + `"}`, `unknown key "clientsecret"; known are`},
		"something after": {`{} {"client_secret": "` + secret + `"}`, "something follows the JSON object"},
		"huge":            {`{"client_secret": "` + strings.Repeat(secret, 1<<17) + `"}`, "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, test.text, 0o600)
			_, err := config.Read(path)
			if err == nil || !strings.Contains(err.Error(), test.problem) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q and the path", err, test.problem)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

func TestReadRefusesExposedSecret(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	for text, problem := range map[string]string{
		`{"client_secret": "hush"}`:                      "other users can read it",
		`{"profiles": {"a": {"client_secret": "hush"}}}`: "other users can read it",
		`{"client_id": "a"}`:                             "",
	} {
		path := write(t, text, 0o600)
		if _, err := config.Read(path); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := config.Read(path)
		switch {
		case problem == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case problem != "" && (err == nil || !strings.Contains(err.Error(), problem)):
			t.Errorf("%s: got %v, want %q", text, err, problem)
		}
	}
}

// Many processes may change the file at once, and nothing that one has written
// gets lost.
func TestUpdateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config.json")
	const writers = 20
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			err := config.Update(t.Context(), path, func(f *config.File) error {
				if f.Profiles == nil {
					f.Profiles = map[string]config.Settings{}
				}
				f.Profiles[fmt.Sprint(i)] = config.Settings{ClientID: "app"}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := config.Read(path)
	if err != nil || len(got.Profiles) != writers {
		t.Errorf("got %d profiles, %v, want %d", len(got.Profiles), err, writers)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUpdateLeavesTheFile(t *testing.T) {
	const text = `{"client_id": "a"}`
	path := write(t, text, 0o600)
	broken := errors.New("broken")
	if err := config.Update(t.Context(), path, func(f *config.File) error { f.ClientID = "b"; return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := config.Update(ended, path, func(f *config.File) error { f.ClientID = "b"; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != text {
		t.Errorf("got %s, %v", data, err)
	}
	if err := config.Update(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("no folder: got %v", err)
	}
}
