package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func TestSummariesLeaveOutWhatCannotBeRead(t *testing.T) {
	s := open(t, newDir(t), nil)
	storecheck.Swap(t, s, 0, "one")
	for profile, contents := range map[string]string{
		"torn": `{"format":1,"key"`, "newer": `{"format":99}`, "empty": "", "copied": read(t, s.Path(ada)),
	} {
		key := spotipie.Key{ClientID: "client", Profile: profile}
		if err := os.WriteFile(s.Path(key), []byte(contents), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "notes.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	page, err := s.Summaries(t.Context(), spotipie.SummaryQuery{})
	if err != nil || len(page.Summaries) != 1 || page.Summaries[0].Key != ada {
		t.Errorf("%v, %v; want the one record", page, err)
	}
}

// Without the key Summaries fails, and does not leave out sealed records silently.
func TestSummariesOfSealedFilesTakeTheKey(t *testing.T) {
	dir := newDir(t)
	sealed := open(t, dir, &filestore.Options{Key: newKey(t)})
	storecheck.Swap(t, sealed, 0, "one")
	if page, err := sealed.Summaries(t.Context(), spotipie.SummaryQuery{}); err != nil || len(page.Summaries) != 1 {
		t.Errorf("with the key: %v, %v", page, err)
	}
	for name, opts := range map[string]*filestore.Options{"without a key": nil, "with another key": {Key: newKey(t)}} {
		if page, err := open(t, dir, opts).Summaries(t.Context(), spotipie.SummaryQuery{}); !errors.Is(err, filestore.ErrSeal) {
			t.Errorf("%s: %v, %v; want ErrSeal", name, page, err)
		}
	}
}

func TestSummariesOfAFolderThatIsAway(t *testing.T) {
	s := open(t, newDir(t), nil)
	if err := os.Remove(s.Dir()); err != nil {
		t.Fatal(err)
	}
	if page, err := s.Summaries(t.Context(), spotipie.SummaryQuery{}); !errors.Is(err, filestore.ErrMissingFolder) {
		t.Errorf("%v, %v; want ErrMissingFolder", page, err)
	}
}

// The store also reports changes that somebody makes to files by hand.
func TestWatchChangesOfAFileThatIsRemoved(t *testing.T) {
	for name, opts := range map[string]*filestore.Options{
		"told by the system": nil, "looking at all files": {PollInterval: 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newDir(t), opts)
			version := storecheck.Swap(t, s, 0, "one")
			changes, err := s.WatchChanges(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			version = storecheck.Swap(t, s, version, "two")
			expectChange(t, changes, spotipie.Change{Key: ada, Version: version})
			if err := os.Remove(s.Path(ada)); err != nil {
				t.Fatal(err)
			}
			expectChange(t, changes, spotipie.Change{})
		})
	}
}

func expectChange(t *testing.T, changes <-chan spotipie.Change, want spotipie.Change) {
	t.Helper()
	select {
	case change := <-changes:
		if change != want {
			t.Errorf("told of %v, want %v", change, want)
		}
	case <-time.After(storecheck.Patience):
		t.Fatalf("not told of %v", want)
	}
}
