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
	allowExposed bool

	mu     sync.Mutex
	queues map[string]*queue
}

// queue is entered by whoever has taken the value out of turn. It stays in the
// map for as long as somebody holds the lock or waits for it.
type queue struct {
	turn  chan struct{}
	users int
}

func newKernelLocks(allowExposed bool) *kernelLocks {
	return &kernelLocks{allowExposed: allowExposed, queues: make(map[string]*queue)}
}

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
	file, err := l.lockFile(ctx, path)
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
func (l *kernelLocks) lockFile(ctx context.Context, path string) (*flock.Flock, error) {
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		file, err := l.tryLockFile(path)
		if err != nil {
			return nil, err
		}
		if file != nil {
			return file, nil
		}
		if sleep(ctx, pause) != nil {
			return nil, waitError(path, "another process", ctx)
		}
	}
}

// try takes the lock on a file if nobody has it.
func (l *kernelLocks) try(path string) (release func() error, held bool) {
	file, err := l.tryLockFile(path)
	if err != nil || file == nil {
		return nil, false
	}
	return func() error { return unlockFile(file) }, true
}

// tryLockFile asks the kernel for the lock once. It returns nil if another
// process has it, or somebody removed the file meanwhile. What is not a lock's
// file is refused before it is opened, and again when it cannot be exchanged
// any more.
func (l *kernelLocks) tryLockFile(path string) (*flock.Flock, error) {
	if err := l.makeLockFile(path); err != nil {
		return nil, err
	}
	file := flock.New(path, flock.SetFlag(lockFlags))
	locked, err := file.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: lock %s: %w", path, err)
	}
	if !locked {
		return nil, nil
	}
	if !stillThere(file) { // a new one is in its place, or will be
		return nil, unlockFile(file)
	}
	info, err := file.Stat()
	if err == nil {
		err = l.checkLockFile(path, info)
	}
	if err != nil {
		_ = unlockFile(file)
		return nil, err
	}
	return file, nil
}

func unlockFile(file *flock.Flock) error {
	if err := file.Unlock(); err != nil {
		return fmt.Errorf("filestore: unlock %s: %w", file.Path(), err)
	}
	return nil
}

// makeLockFile makes a lock's file, private under any umask. It is never
// removed: that would let two hold a lock, each on a file of its own.
func (l *kernelLocks) makeLockFile(path string) error {
	info, err := os.Lstat(path)
	if err == nil {
		return l.checkLockFile(path, info)
	}
	if errors.Is(err, fs.ErrNotExist) {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode); err == nil {
			err = errors.Join(f.Chmod(fileMode), f.Close())
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // somebody was faster
		return fmt.Errorf("filestore: lock: %w", err)
	}
	return nil
}

// checkLockFile refuses what others have made, and what would have two locks be
// one or reach out of the folder.
func (l *kernelLocks) checkLockFile(path string, info fs.FileInfo) error {
	problem := ""
	switch owner, foreign := foreignOwner(info); {
	case !info.Mode().IsRegular():
		problem = "is not a regular file"
	case hasOtherName(info):
		problem = "is a hard link to another file"
	case foreign && !l.allowExposed:
		problem = fmt.Sprintf("belongs to another user (id %d)", owner)
	default:
		return nil
	}
	return &FileError{
		Path: path, Problem: problem, Err: ErrDamaged,
		Advice: "it is only there to be locked: remove it while no program uses the store",
	}
}

func stillThere(file *flock.Flock) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(file.Path())
	return err == nil && os.SameFile(held, there)
}

func waitError(path, holder string, ctx context.Context) error {
	return fmt.Errorf("filestore: waiting for the lock on %s: %s holds it, and may be stopped: %w", path, holder, ctx.Err())
}
