package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/storetest"
)

func TestStore(t *testing.T) {
	for name, opts := range map[string]*filestore.Options{
		"plain":  nil,
		"sealed": {Key: newKey(t)},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, newDir(t), opts) })
		})
	}
}

func TestDefaultFolderIsInTheUsersConfig(t *testing.T) {
	config := t.TempDir()
	for _, name := range []string{"XDG_CONFIG_HOME", "AppData", "HOME"} {
		t.Setenv(name, config)
	}
	s := open(t, "", nil)
	want, err := filestore.DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	if s.Dir() != want || !strings.HasPrefix(want, config) || filepath.Base(want) != "spotipie" {
		t.Errorf("the default folder is %s", s.Dir())
	}
	if _, err := os.Stat(want); err != nil {
		t.Error(err)
	}
}

func TestFileNames(t *testing.T) {
	safe := regexp.MustCompile(`^[a-z0-9_-]+-[0-9a-f]{32}\.json$`)
	s := open(t, newDir(t), nil)
	seen := make(map[string]spotipie.Key)
	for _, test := range []struct{ profile, readable string }{
		{"ada", "ada-"},
		{"Ada", "ada-"},
		{"ada ", "ada-"},
		{"ada@example.com", "ada-example-com-"},
		{"../../etc/passwd", "etc-passwd-"},
		{"", "profile-"},
		{"жанна", "profile-"},
		{"\xff\xfe", "profile-"},
		{"\xff\xfd", "profile-"},
		{"CON", "con-"},
		{"a\x00b", "a-b-"},
		{"-rf", "rf-"},
		{strings.Repeat("long", 500), strings.Repeat("long", 10) + "-"},
	} {
		for _, clientID := range []string{"client", "Client", ""} {
			key := spotipie.Key{ClientID: clientID, Profile: test.profile}
			name := filepath.Base(s.Path(key))
			if !safe.MatchString(name) || !strings.HasPrefix(name, test.readable) {
				t.Errorf("the file of %s is %s, want %s and a hash", key, name, test.readable)
			}
			if other, taken := seen[strings.ToLower(name)]; taken {
				t.Errorf("%s and %s share a file", key, other)
			}
			seen[strings.ToLower(name)] = key
		}
	}
	// The client id and the profile are hashed separately.
	if s.Path(spotipie.Key{ClientID: "ab", Profile: "c"}) == s.Path(spotipie.Key{ClientID: "a", Profile: "bc"}) {
		t.Error("two keys share a file")
	}
}

func TestKeysNeedNotBeUTF8(t *testing.T) {
	s := open(t, newDir(t), nil)
	want := []spotipie.Key{{ClientID: "c", Profile: "\xff"}, {ClientID: "c", Profile: "\xfe"}, {ClientID: "\xfe", Profile: "<&>\u2028"}}
	for _, key := range want {
		if _, err := s.Swap(t.Context(), key, 0, storecheck.Record(t, "one")); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.Load(t.Context(), key); err != nil || !found {
			t.Errorf("Load of %s: found %t, error %v", key, found, err)
		}
	}
	got, err := s.List(t.Context())
	if err != nil || len(got) != len(want) {
		t.Errorf("List: %v, %v", got, err)
	}
	for _, key := range want {
		if !slices.Contains(got, key) {
			t.Errorf("List lacks %s", key)
		}
	}
}

func TestOtherFilesInTheFolderAreLeftAlone(t *testing.T) {
	dir := newDir(t)
	storecheck.Swap(t, open(t, dir, nil), 0, "one")
	others := []string{"config.json", "notes.tmp", "ada.json", "ada.lock"}
	for _, name := range others {
		write(t, filepath.Join(dir, name), "mine")
	}
	keys, err := open(t, dir, nil).List(t.Context())
	if err != nil || len(keys) != 1 {
		t.Errorf("List: %v, %v; want ada alone", keys, err)
	}
	for _, name := range others {
		if got := read(t, filepath.Join(dir, name)); got != "mine" {
			t.Errorf("%s now holds %q", name, got)
		}
	}
}

func TestOpenRemovesWhatKilledWritersLeft(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, nil)
	version := storecheck.Swap(t, s, 0, "one")
	leftover := strings.TrimSuffix(s.Path(ada), ".json") + ".123.tmp"
	write(t, leftover, `{"format":1,"key`)
	storecheck.Expect(t, s, "one", version)
	open(t, dir, nil)
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Errorf("the temporary file is still there: %v", err)
	}
	storecheck.Expect(t, s, "one", version)
}

func TestOpenLeavesAFileThatIsBeingWritten(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, nil)
	storecheck.Swap(t, s, 0, "one")
	var during []string
	s.SetSync(func(f *os.File) error {
		if filepath.Ext(f.Name()) == ".tmp" {
			open(t, dir, nil)
			during, _ = filepath.Glob(filepath.Join(dir, "*.tmp"))
		}
		return nil
	})
	rec, _, err := s.Load(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	storecheck.Expect(t, s, "two", storecheck.Swap(t, s, rec.Version, "two"))
	if len(during) != 1 {
		t.Errorf("Open during a Swap left %d temporary files, want the one being written", len(during))
	}
	if after, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(after) != 0 {
		t.Errorf("left behind: %v", after)
	}
}

func write(t *testing.T, path, contents string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// endsAfter is a context that ends after a number of calls of Err.
type endsAfter struct {
	context.Context
	left, later int
}

func (e *endsAfter) Err() error {
	if e.left--; e.left >= 0 {
		return nil
	}
	e.later++
	return context.Canceled
}

// List and Summaries return when their context ends in the middle of a large folder. They
// read no file after that.
func TestListEndsWithItsContext(t *testing.T) {
	s := open(t, newDir(t), nil)
	s.SetSync(func(*os.File) error { return nil })
	const records = 500
	for n := range records {
		if _, err := s.Swap(t.Context(), storecheck.SizeKey(n), 0, storecheck.Record(t, "one")); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range map[string]func(context.Context) error{
		"List":      func(ctx context.Context) error { _, err := s.List(ctx); return err },
		"Summaries": func(ctx context.Context) error { _, err := s.Summaries(ctx, spotipie.SummaryQuery{}); return err },
	} {
		ctx := &endsAfter{Context: t.Context(), left: records / 2}
		if err := call(ctx); !errors.Is(err, context.Canceled) || ctx.later > 5 {
			t.Errorf("%s: %v, and it has asked the context %d times since it ended", name, err, ctx.later)
		}
	}
}
