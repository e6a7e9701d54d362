package sqlitestore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
)

// The store remembers deletions for a week.
func TestOldDeletionsAreForgotten(t *testing.T) {
	for name, test := range map[string]struct {
		age        time.Duration
		remembered bool
	}{
		"six days":   {6 * 24 * time.Hour, true},
		"eight days": {8 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newPath(t), nil)
			storecheck.Swap(t, s, 0, "one")
			if err := s.Delete(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
			do(t, raw(t, s.Path()), "UPDATE records SET saved_at = ?", time.Now().Add(-test.age).UnixMicro())
			if err := s.Delete(t.Context(), spotipie.Key{Profile: "grace"}); err != nil {
				t.Fatal(err)
			}
			rec, found, err := s.Load(t.Context(), ada)
			if found || err != nil || rec.Version > 0 != test.remembered {
				t.Errorf("Load: %v, %t, %v; want that it is remembered: %t", rec, found, err, test.remembered)
			}
		})
	}
}

// One Delete removes at most a hundred old deletions, so that it does not take long.
func TestManyOldDeletions(t *testing.T) {
	s := open(t, newPath(t), nil)
	db := raw(t, s.Path())
	do(t, db, `
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
INSERT INTO records SELECT NULL, 'client', i, 1, i, NULL, NULL, 0, 0, i FROM n`)
	do(t, db, `UPDATE changes SET number = 1000`)
	for i, left := range []int{151, 52, 3, 4} { // includes the rows of these deletions
		if err := s.Delete(t.Context(), spotipie.Key{Profile: fmt.Sprint("new-", i)}); err != nil {
			t.Fatal(err)
		}
		if n := ask(t, db, "SELECT count(*) FROM records"); n != left {
			t.Errorf("%d deletions are left after %d more, want %d", n, i+1, left)
		}
	}
}

// No part of a token is left in the database after its record was deleted and the log was
// written back.
func TestDeletedTokensAreOverwritten(t *testing.T) {
	path := newPath(t)
	s := open(t, path, nil)
	if _, err := s.Swap(t.Context(), ada, 0, large(t, "one")); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"refresh-one", "xxxxxxxx"} {
		if n := countIn(t, path, secret); n != 0 {
			t.Errorf("the database has %q %d times", secret, n)
		}
	}
}
