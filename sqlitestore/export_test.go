package sqlitestore

import (
	"fmt"
	"testing"
	"time"
)

// RefuseWrites has SQLite refuse writes from now on, as a disk does that the
// system has made read-only because of errors.
func (s *Store) RefuseWrites(t *testing.T) {
	t.Helper()
	for _, d := range []*database{s.saving, s.locking} {
		if _, err := d.Exec("PRAGMA query_only = on"); err != nil {
			t.Fatal(err)
		}
	}
}

// SetBusyTimeout sets how long somebody without a deadline waits for another
// process that saves.
func (s *Store) SetBusyTimeout(t *testing.T, d time.Duration) {
	t.Helper()
	if _, err := s.saving.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds())); err != nil {
		t.Fatal(err)
	}
}

// Statements returns those that read many records.
func Statements() []string {
	return []string{changesSQL, pageSQL, pageOfAppSQL, refusedPageSQL, consentPageSQL, firstPage(pageSQL), firstPage(pageOfAppSQL), firstPage(refusedPageSQL)}
}
