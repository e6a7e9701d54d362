package storetest

import (
	"errors"
	"testing"

	"github.com/spotipie/spotipie"
)

func remove(t *testing.T, s spotipie.Store, k spotipie.Key) {
	t.Helper()
	if err := s.Delete(t.Context(), k); err != nil {
		t.Fatalf("Delete of %s: %v", k, err)
	}
}

// versionOfNothing loads a key that has no record and returns the version that
// comes with it.
func versionOfNothing(t *testing.T, s spotipie.Store, k spotipie.Key) uint64 {
	t.Helper()
	rec, found, err := s.Load(t.Context(), k)
	if err != nil || found {
		t.Fatalf("Load of %s: found %t, error %v; want nothing", k, found, err)
	}
	return rec.Version
}

func deletionIsRemembered(t *testing.T, s spotipie.Store) {
	if version := versionOfNothing(t, s, key("ada")); version != 0 {
		t.Errorf("a key that was never saved comes with version %d, want 0", version)
	}
	saved := swap(t, s, key("ada"), 0, record(t, "one"))
	remove(t, s, key("ada"))
	deleted := versionOfNothing(t, s, key("ada"))
	if deleted < saved {
		t.Errorf("version %d was deleted, and Load returns a deletion with version %d", saved, deleted)
	}
	if version := versionOfNothing(t, s, key("grace")); version != 0 {
		t.Errorf("another key comes with version %d, want 0", version)
	}
	again := swap(t, s, key("ada"), 0, record(t, "two"))
	if again <= deleted {
		t.Errorf("version %d follows on the deletion with version %d", again, deleted)
	}
	expect(t, s, key("ada"), record(t, "two"), again)
	remove(t, s, key("ada"))
	if version := versionOfNothing(t, s, key("ada")); version < again {
		t.Errorf("version %d was deleted, and Load returns a deletion with version %d", again, version)
	}
}

// deletionOfNothingIsRemembered checks that a deletion is remembered even if there is no
// record. The store may have lost it while other processes still have it in memory.
func deletionOfNothingIsRemembered(t *testing.T, s spotipie.Store) {
	remove(t, s, key("ada"))
	if versionOfNothing(t, s, key("ada")) == 0 {
		t.Error("Load does not return the deletion")
	}
	swap(t, s, key("ada"), 0, record(t, "one"))
}

// versionsExceedWhatWasSeen checks that a store that was set back to an older state makes no
// versions below those that its callers have seen.
func versionsExceedWhatWasSeen(t *testing.T, s spotipie.Store) {
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	for name, k := range map[string]spotipie.Key{"over a record": key("ada"), "of a new record": key("grace")} {
		over := uint64(0)
		if k == key("ada") {
			over = version
		}
		rec := record(t, "two")
		rec.Version = version + uint64(1e9) // a quarter of an hour ahead
		next := swap(t, s, k, over, rec)
		if next <= rec.Version {
			t.Errorf("Swap %s: version %d, want one above %d", name, next, rec.Version)
		}
		expect(t, s, k, rec, next)
	}
}

func deleteRemoves(t *testing.T, s spotipie.Store) {
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	swap(t, s, key("grace"), 0, record(t, "two"))
	if err := s.Delete(t.Context(), key("ada")); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	expectNothing(t, s, key("ada"))
	_, err := s.Swap(t.Context(), key("ada"), version, record(t, "three"))
	expectConflict(t, err)
	if _, found, err := s.Load(t.Context(), key("grace")); err != nil || !found {
		t.Errorf("another key's record: found %t, error %v", found, err)
	}
}

func deleteNothing(t *testing.T, s spotipie.Store) {
	if err := s.Delete(t.Context(), key("nobody")); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func deleteVersion(t *testing.T, s spotipie.Store) {
	deleter, ok := s.(spotipie.VersionDeleter)
	if !ok {
		t.Skip("the store is no spotipie.VersionDeleter")
	}
	ctx, k := t.Context(), key("ada")
	err := deleter.DeleteVersion(ctx, k, 0)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the wrapped store is no spotipie.VersionDeleter")
	}
	if err != nil {
		t.Fatalf("DeleteVersion of nothing: %v", err)
	}
	if version := versionOfNothing(t, s, k); version == 0 {
		t.Error("the deletion of a missing record is not remembered")
	}
	first := swap(t, s, k, 0, record(t, "one"))
	second := swap(t, s, k, first, record(t, "two"))
	for _, version := range []uint64{0, first, second + 1} {
		if err := deleter.DeleteVersion(ctx, k, version); !errors.Is(err, spotipie.ErrVersionConflict) {
			t.Errorf("DeleteVersion of version %d while there is %d: %v, want a conflict", version, second, err)
		}
	}
	if rec, found, err := s.Load(ctx, k); err != nil || !found || rec.Version != second {
		t.Fatalf("after failed deletions: found %t, version %d, error %v", found, rec.Version, err)
	}
	if err := deleter.DeleteVersion(ctx, k, second); err != nil {
		t.Fatalf("DeleteVersion: %v", err)
	}
	if version := versionOfNothing(t, s, k); version < second {
		t.Errorf("version %d was deleted, and Load returns a deletion with version %d", second, version)
	}
	if err := deleter.DeleteVersion(ctx, k, second); !errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("DeleteVersion a second time: %v, want a conflict", err)
	}
}
