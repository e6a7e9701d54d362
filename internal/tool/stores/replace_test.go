package stores_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// TestReplaceAfterADeletion uses a store that returns the version of a deletion.
// That is not the version of a record.
func TestReplaceAfterADeletion(t *testing.T) {
	ctx, store := t.Context(), spotipie.NewMemoryStore()
	key := spotipie.Key{ClientID: "app", Profile: "default"}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", RefreshToken: "r", ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "app"}
	for _, was := range []string{"nothing", "a record", "a deletion"} {
		if was == "a deletion" {
			if err := store.Delete(ctx, key); err != nil {
				t.Fatal(err)
			}
		}
		there, found, err := store.Load(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		if err := stores.Replace(ctx, store, key, there, found, rec); err != nil {
			t.Errorf("where there was %s: %v", was, err)
		}
		now, found, err := store.Load(ctx, key)
		if err != nil || !found || now.Version <= there.Version {
			t.Errorf("where there was %s: found %t, version %d after %d, %v", was, found, now.Version, there.Version, err)
		}
	}
}
