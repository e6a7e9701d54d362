package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/config"
)

func write(t *testing.T, text string, mode os.FileMode) (path string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "config.json")
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
		"something after": {`{} {"client_secret": "` + secret + `"}`, "there is data after the JSON object"},
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
		`{"client_secret": "hush"}`:                                        "other users can read it",
		`{"profiles": {"a": {"client_secret": "hush"}}}`:                   "a client secret in it, and other users can read it",
		`{"store": "redis://:hush@h/0"}`:                                   "a store's password in it, and other users can read it",
		`{"profiles": {"a": {"store": "postgres://u@h/d?password=hush"}}}`: "a store's password in it, and other users can read it",
		`{"store": "redis://:@h/0"}`:                                       "",
		`{"store": "file:/a:b@c"}`:                                         "",
		`{"client_id": "a"}`:                                               "",
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
