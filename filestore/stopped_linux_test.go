package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// expectHeld fails the test unless err says that another process holds the lock, and
// names its file.
func expectHeld(t *testing.T, err error, file string) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "another process holds it") {
		t.Errorf("got error %v, want one that the lock on %s is held", err, file)
	}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// A stopped process keeps its lock, because to the kernel it looks like a busy one. It
// cannot overwrite what others have saved meanwhile.
func TestStoppedHolderCannotOverwrite(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		s := open(t, dir, nil)
		unlock, err := s.Lock(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		rec, _, err := s.Load(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		child.Say("locked")
		child.Await()
		if _, err := s.Swap(t.Context(), ada, rec.Version, storecheck.Record(t, "stale")); errors.Is(err, spotipie.ErrVersionConflict) {
			child.Say("conflict")
		}
		_ = unlock(t.Context())
		child.Say("unlocked")
		return
	}
	dir := newDir(t)
	s := open(t, dir, nil)
	version := storecheck.Swap(t, s, 0, "one")
	holder := child.Start(t, dir)
	holder.Expect("locked")
	holder.Stop()
	holder.GoOn() // takes effect when the process continues

	_, err := s.Lock(soon(t), ada)
	expectHeld(t, err, filepath.Base(strings.TrimSuffix(s.Path(ada), ".json")+".lock"))
	version = storecheck.Swap(t, s, version, "two")

	holder.Signal(syscall.SIGCONT)
	holder.Expect("conflict")
	storecheck.Expect(t, s, "two", version)
	holder.Expect("unlocked")
	unlock, err := s.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	_ = unlock(t.Context())
}

// A process that is stopped in the middle of a Swap delays other Swaps, and nothing else.
func TestStoppedWriterHoldsUpSwapsOnly(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		s := open(t, dir, nil)
		rec, _, err := s.Load(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		writing := true
		s.SetSync(func(f *os.File) error {
			if writing {
				writing = false
				child.Say("writing")
				child.Await()
			}
			return f.Sync()
		})
		storecheck.Swap(t, s, rec.Version, "childs")
		child.Say("written")
		return
	}
	dir := newDir(t)
	s := open(t, dir, nil)
	version := storecheck.Swap(t, s, 0, "one")
	writer := child.Start(t, dir)
	writer.Expect("writing")
	writer.Stop()
	writer.GoOn()

	_, err := s.Swap(soon(t), ada, version, storecheck.Record(t, "two"))
	expectHeld(t, err, ".swap")
	expectHeld(t, s.Delete(soon(t), ada), ".swap")
	storecheck.Expect(t, s, "one", version)
	open(t, dir, nil) // must not remove the stopped process's temporary file

	writer.Signal(syscall.SIGCONT)
	writer.Expect("written")
	if _, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two")); !errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("got error %v, want ErrVersionConflict", err)
	}
	rec, _, err := s.Load(t.Context(), ada)
	if err != nil || rec.Token.AccessToken() != "childs" {
		t.Errorf("Load: %v, %v", rec, err)
	}
}

func TestKilledHolderFreesTheLock(t *testing.T) {
	if dir, isChild := child.Argument(); isChild {
		if _, err := open(t, dir, nil).Lock(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		child.Say("locked")
		child.Await()
		return
	}
	dir := newDir(t)
	s := open(t, dir, nil)
	holder := child.Start(t, dir)
	holder.Expect("locked")
	_, err := s.Lock(soon(t), ada)
	expectHeld(t, err, ".lock")
	holder.Signal(syscall.SIGKILL)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	unlock, err := s.Lock(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}
