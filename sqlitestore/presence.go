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

// presenceInfix is between the name of the database and that of a process.
const presenceInfix = "-process-"

// presencePoll is how often a file is locked that another process is looking at.
const presencePoll = time.Millisecond

// presence shows other processes that this one lives: it has a file of its own
// and holds the kernel's lock on it, which the kernel frees when the process
// ends, however it ends.
type presence struct {
	base string // of the files' paths

	mu    sync.Mutex
	id    string
	file  *flock.Flock
	ended bool
}

func newPresence(database string) *presence { return &presence{base: database + presenceInfix} }

// begin shows that the process with an id lives, from the first call on.
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
		if locked && stillThere(file) { // else somebody took it for one that was left behind
			p.id, p.file = id, file
			return nil
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
}

// check fails if others take this process for one that has ended.
func (p *presence) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil && !stillThere(p.file) {
		return fmt.Errorf("%s was removed while this process lives: %w", p.file.Path(), lease.ErrLost)
	}
	return nil
}

// isAlive reports whether a process lives. One that cannot be looked at does.
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

// end is the end of this process, as far as others are concerned.
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

// removeLocked removes a file whose lock is held, and no other that has taken its
// place, and frees the lock.
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
