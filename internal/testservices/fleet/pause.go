//go:build unix

package fleet

import (
	"syscall"
	"testing"
	"time"
)

// TestPausedHolder stops a member that holds the lock and is about to save. Another
// session refreshes the token meanwhile. Then the member continues: it must not
// overwrite the newer record, and must use the token in it.
func (f *Fleet) TestPausedHolder(t *testing.T) {
	t.Helper()
	m := f.Start(t, f.Config)
	m.order(t, order{Stage: BeforeSave})
	m.until(t, BeforeSave)
	if err := m.process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	session := f.session(t, &probe{})
	if _, err := session.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	newer, err := session.RefreshToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(start); waited > f.Config.Lease+slack {
		t.Errorf("the lock of a paused holder was free after %s, the lease is %s", waited, f.Config.Lease)
	}
	before := f.stored(t)
	m.order(t, order{}) // any line lets it go on
	if err := m.process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if r := m.result(t); len(r.Errors) != 0 || len(r.Tokens) != 1 || r.Tokens[0] != digest(newer) {
		t.Errorf("the paused member has %+v, want the newer token %s", r, digest(newer))
	}
	if after := f.stored(t); after.Version != before.Version || digest(after.Token) != digest(newer) {
		t.Errorf("the paused member has overwritten the newer record: version %d, then %d", before.Version, after.Version)
	}
}
