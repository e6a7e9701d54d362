package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/spotipie/spotipie"
)

// hostileProfiles are names that a careless store mixes up, or treats as paths,
// patterns or statements.
func hostileProfiles() []string {
	return []string{
		"ada", "Ada", "ada ", "ада", "a/b", "a\\b", "../ada", ".", "..", "a:b", "a*", "%41da", "a%b", "{ada}",
		"'; DROP TABLE records; --", "ada\nb", "CON", "ada.json", "ada.lock", fmt.Sprintf("%0200d", 0),
	}
}

func keysApart(t *testing.T, s spotipie.Store) {
	versions := make(map[spotipie.Key]uint64)
	for i, profile := range hostileProfiles() {
		for _, client := range []string{"client", "other"} {
			k := spotipie.Key{ClientID: client, Profile: profile}
			versions[k] = swap(t, s, k, 0, record(t, fmt.Sprintf("%s-%d", client, i)))
		}
	}
	for i, profile := range hostileProfiles() {
		for _, client := range []string{"client", "other"} {
			k := spotipie.Key{ClientID: client, Profile: profile}
			expect(t, s, k, record(t, fmt.Sprintf("%s-%d", client, i)), versions[k])
		}
	}
	keys, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	for _, k := range keys {
		delete(versions, k)
	}
	if len(versions) != 0 {
		t.Errorf("List lacks %v", versions)
	}
}

func list(t *testing.T, s spotipie.Store) {
	for _, profile := range []string{"ada", "grace", "gone"} {
		swap(t, s, key(profile), 0, record(t, profile))
	}
	if err := s.Delete(t.Context(), key("gone")); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	keys, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if len(keys) != 2 || !slices.Contains(keys, key("ada")) || !slices.Contains(keys, key("grace")) {
		t.Errorf("List: got %v, want ada and grace", keys)
	}
}
