//go:build unix

package profiles

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// broken is a store that returns an error when it deletes some records.
type broken struct {
	spotipie.Store
	profile string
	deletes bool // it still deletes them, as when the connection is lost after that
}

var errBroken = errors.New("broken")

func (b broken) Delete(ctx context.Context, key spotipie.Key) error {
	if key.Profile != b.profile {
		return b.Store.Delete(ctx, key)
	}
	if b.deletes {
		return errors.Join(errBroken, b.Store.Delete(ctx, key))
	}
	return errBroken
}

// If the old record cannot be deleted, the new one is deleted: two records with one
// refresh token would invalidate each other. One record always stays.
func TestMoveThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		deletes bool
		err     error
		left    string
	}{
		"not deleted":          {false, errBroken, "default"},
		"deleted all the same": {true, nil, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.SignedIn(t, func(http.ResponseWriter, *http.Request) {})
			cmd := New()
			cmd.SetContext(commandline.WithInputs(t.Context()))
			s, err := settings.Read(cmd)
			if err != nil {
				t.Fatal(err)
			}
			store, err := filestore.Open(strings.TrimPrefix(os.Getenv("SPOTIPIE_STORE"), "file:"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := moveRecord(t.Context(), s, broken{store, "default", test.deletes}, "b"); !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
			keys, err := store.List(t.Context())
			if err != nil || len(keys) != 1 || keys[0].Profile != test.left {
				t.Errorf("got %v, %v, want %s", keys, err, test.left)
			}
		})
	}
}
