package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/spotipie/spotipie"
)

// checker skips the test for a store that is not a [spotipie.Checker], or wraps
// one that is not.
func checker(t *testing.T, s spotipie.Store) spotipie.Checker {
	t.Helper()
	c, isChecker := s.(spotipie.Checker)
	if !isChecker || errors.Is(c.Check(t.Context(), key("nobody")), errors.ErrUnsupported) {
		t.Skip("the store is no spotipie.Checker")
	}
	return c
}

func check(t *testing.T, s spotipie.Store) {
	c := checker(t, s)
	for _, k := range []spotipie.Key{key("ada"), key("grace")} { // one of them has a record
		var version uint64
		if k == key("ada") {
			version = swap(t, s, k, 0, record(t, "one"))
		}
		unlock := lock(t, s, k)
		for range 3 {
			if err := c.Check(t.Context(), k); err != nil {
				t.Errorf("Check of %s: %v", k, err)
			}
		}
		if version != 0 {
			expect(t, s, k, record(t, "one"), version)
		} else if version := versionOfNothing(t, s, k); version != 0 {
			t.Errorf("after Check there is version %d without a record", version)
		}
		swap(t, s, k, version, record(t, "two"))
		unlock()
	}
	defer lock(t, s, key("ada"))()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Check(ctx, key("ada")); !errors.Is(err, context.Canceled) {
		t.Errorf("Check with an ended context: %v, want context.Canceled", err)
	}
}

// checkWithoutLock checks that Check does not succeed because of another holder's lock.
func checkWithoutLock(t *testing.T, s spotipie.Store) {
	c := checker(t, s)
	defer lock(t, s, key("grace"))()
	unlock := lock(t, s, key("ada"))
	unlock()
	if err := c.Check(t.Context(), key("ada")); err == nil {
		t.Error("Check of a lock that nobody holds returns no error")
	}
}
