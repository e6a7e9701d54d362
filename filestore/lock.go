package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// How often a lock that another process holds is asked for again.
const (
	firstPoll = time.Millisecond
	lastPoll  = 20 * time.Millisecond
)

// kernelLocks are locks on files, by path. Goroutines of this process queue in
// memory, so that one of them at most asks the kernel.
type kernelLocks struct {
	mu     sync.Mutex
	queues map[string]*queue
}

// queue is entered by whoever has taken the value out of turn. It stays in the
// map for as long as somebody holds the lock or waits for it.
type queue struct {
	turn  chan struct{}
	users int
}

func newKernelLocks() *kernelLocks { return &kernelLocks{queues: make(map[string]*queue)} }

// acquire waits for the lock on a file, which it makes if it is missing.
// release may be called more than once.
func (l *kernelLocks) acquire(ctx context.Context, path string) (release func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := l.enter(path)
	select {
	case <-q.turn:
	case <-ctx.Done():
		l.leave(path, q)
		return nil, waitError(path, "another goroutine of this process", ctx)
	}
	file, err := lockFile(ctx, path)
	if err != nil {
		q.turn <- struct{}{}
		l.leave(path, q)
		return nil, err
	}
	return sync.OnceValue(func() error {
		err := unlockFile(file)
		q.turn <- struct{}{}
		l.leave(path, q)
		return err
	}), nil
}

func (l *kernelLocks) enter(path string) *queue {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[path]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		q.turn <- struct{}{}
		l.queues[path] = q
	}
	q.users++
	return q
}

func (l *kernelLocks) leave(path string, q *queue) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(l.queues, path)
	}
}

// lockFile polls for the kernel's lock: a call that waits inside the kernel
// cannot be called off.
func lockFile(ctx context.Context, path string) (*flock.Flock, error) {
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		if err := makeLockFile(path); err != nil {
			return nil, fmt.Errorf("filestore: lock: %w", err)
		}
		file := flock.New(path)
		locked, err := file.TryLock()
		if err != nil {
			return nil, fmt.Errorf("filestore: lock %s: %w", path, err)
		}
		if locked && stillThere(file) {
			return file, nil
		}
		if locked { // of a file that somebody removed: a new one is in its place
			_ = unlockFile(file)
		}
		if sleep(ctx, pause) != nil {
			return nil, waitError(path, "another process", ctx)
		}
	}
}

// tryKernelLock takes the lock on a file if nobody has it.
func tryKernelLock(path string) (release func() error, held bool) {
	if makeLockFile(path) != nil {
		return nil, false
	}
	file := flock.New(path)
	if locked, err := file.TryLock(); err != nil || !locked {
		return nil, false
	}
	return func() error { return unlockFile(file) }, true
}

func unlockFile(file *flock.Flock) error {
	if err := file.Unlock(); err != nil {
		return fmt.Errorf("filestore: unlock %s: %w", file.Path(), err)
	}
	return nil
}

// makeLockFile makes a lock's file, private under any umask. It is never
// removed: that would let two hold a lock, each on a file of its own.
func makeLockFile(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(fileMode), f.Close())
}

func stillThere(file *flock.Flock) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(file.Path())
	return err == nil && os.SameFile(held, there)
}

func waitError(path, holder string, ctx context.Context) error {
	return fmt.Errorf("filestore: waiting for the lock on %s: %s holds it, and may be stopped: %w", path, holder, ctx.Err())
}
