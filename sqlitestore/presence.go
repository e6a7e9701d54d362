package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/privatedir"
)

// presenceInfix is between the name of the database and the id of a process in
// the name of a file.
const presenceInfix = "-process-"

// presencePoll is how long to wait before trying again to lock a file that
// another process is checking.
const presencePoll = time.Millisecond

// presence shows other processes that this one lives: it holds a kernel lock on
// its own file, which the kernel releases when the process ends, however it
// ends.
type presence struct {
	base string // of the files' paths

	mu    sync.Mutex
	id    string
	file  *flock.Flock
	ended bool
}

func newPresence(database string) *presence { return &presence{base: database + presenceInfix} }

// begin makes and locks the file for the id of this process, at the first call.
func (p *presence) begin(ctx context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ended:
		return ErrClosed
	case p.file != nil:
		return nil
	}
	file := flock.New(p.base+id, flock.SetPermissions(privatedir.FileMode), flock.SetFlag(os.O_CREATE|os.O_RDONLY))
	for {
		locked, err := file.TryLockContext(ctx, presencePoll)
		if err != nil {
			return fmt.Errorf("making %s: %w", file.Path(), err)
		}
		if locked && stillThere(file) { // otherwise another process has taken it for a leftover
			p.id, p.file = id, file
			return nil
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
}

// check fails if other processes think that this one has ended.
func (p *presence) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil && !stillThere(p.file) {
		return fmt.Errorf("%s was removed while this process lives: %w", p.file.Path(), lease.ErrLost)
	}
	return nil
}

// isAlive reports whether a process lives. It returns true if it cannot find
// out.
func (p *presence) isAlive(id string) bool {
	if id == "" {
		return false
	}
	p.mu.Lock()
	mine := p.id == id && !p.ended
	p.mu.Unlock()
	if mine {
		return true
	}
	file := flock.New(p.base+id, flock.SetFlag(os.O_RDONLY))
	locked, err := file.TryRLock()
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	_ = file.Close()
	return !locked
}

// removeIfDead removes the file of a process that has ended.
func (p *presence) removeIfDead(id string) {
	file := flock.New(p.base+id, flock.SetFlag(os.O_RDONLY))
	if locked, err := file.TryLock(); err != nil || !locked {
		return
	}
	removeLocked(file)
}

// end makes this process look ended to others.
func (p *presence) end() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.file == nil {
		return nil
	}
	file := p.file
	p.file = nil
	return removeLocked(file)
}

// removeLocked removes a file whose lock is held, and releases the lock. It
// does not remove another file that has taken its place.
func removeLocked(file *flock.Flock) error {
	var err error
	if stillThere(file) {
		err = os.Remove(file.Path())
	}
	return errors.Join(err, file.Close())
}

func stillThere(file *flock.Flock) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(file.Path())
	return err == nil && os.SameFile(held, there)
}
