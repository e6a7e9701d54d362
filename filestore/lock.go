package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/privatedir"
)

const (
	// How often the kernel is asked again for a lock that another process
	// holds, on average.
	firstPoll = time.Millisecond
	lastPoll  = 20 * time.Millisecond
	// maxTurn is how long a process with the next turn keeps the others waiting
	// while the lock is free, since it may be suspended.
	maxTurn = 250 * time.Millisecond
)

// kernelLocks are locks on files, by path. Goroutines of this process queue in
// memory, so that at most one of them asks the kernel.
type kernelLocks struct {
	allowExposed bool

	mu     sync.Mutex
	queues map[string]*queue
}

// A goroutine enters queue by taking the value out of turn. It stays in the map
// while a goroutine holds the lock or waits for it.
type queue struct {
	turn   chan struct{}
	users  int
	holder *kernelLock
}

// kernelLock is a lock that is held. If the key has no other file, the lock's
// file is removed with the lock; those who waited for it notice that.
type kernelLock struct {
	locks *kernelLocks
	base  string
	path  string
	queue *queue
	file  *flock.Flock

	mu       sync.Mutex
	released bool
}

func newKernelLocks(allowExposed bool) *kernelLocks {
	return &kernelLocks{allowExposed: allowExposed, queues: make(map[string]*queue)}
}

// acquire waits for a lock of the key whose files begin with base. It makes the
// lock's file if it is missing.
func (l *kernelLocks) acquire(ctx context.Context, base, suffix string) (*kernelLock, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k := &kernelLock{locks: l, base: base, path: base + suffix}
	k.queue = l.enter(k.path)
	select {
	case <-k.queue.turn:
	case <-ctx.Done():
		l.leave(k.path, k.queue)
		return nil, waitError(k.path, "another goroutine of this process", ctx)
	}
	var err error
	if k.file, err = l.lockFile(ctx, k.path); err != nil {
		k.queue.turn <- struct{}{}
		l.leave(k.path, k.queue)
		return nil, err
	}
	l.setHolder(k.queue, k)
	return k, nil
}

// try takes a lock if nobody has it, and returns nil otherwise.
func (l *kernelLocks) try(base, suffix string) *kernelLock {
	k := &kernelLock{locks: l, base: base, path: base + suffix}
	var err error
	if k.file, err = l.tryLockFile(k.path); err != nil || k.file == nil {
		return nil
	}
	return k
}

// tryRemove removes a lock's file unless somebody has the lock.
func (l *kernelLocks) tryRemove(base, suffix string) {
	if isMissing(base + suffix) {
		return
	}
	if k := l.try(base, suffix); k != nil {
		k.remove()
		_ = k.release()
	}
}

// check fails unless the lock on a file is held by this process, and the file
// is still the one that others lock.
func (l *kernelLocks) check(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[path]
	switch {
	case q == nil || q.holder == nil:
		return fmt.Errorf("filestore: %s: %w", path, lease.ErrNotHeld)
	case !stillThere(q.holder.file):
		return &FileError{
			Path: path, Err: ErrLockLost,
			Problem: "has been removed or replaced while it was locked, so that another process may hold the lock as well",
			Advice:  "leave the store's files alone while programs use them",
		}
	}
	return nil
}

// remove removes the lock's file. Those who wait for its lock notice that.
func (k *kernelLock) remove() { removeLockFile(k.file) }

// removeLockFile removes a file whose lock is held, and no other that has taken
// its place.
func removeLockFile(file *flock.Flock) {
	if stillThere(file) {
		_ = os.Remove(file.Path())
	}
}

// release frees the lock. It may be called more than once, and again after an
// error.
func (k *kernelLock) release() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.released {
		return nil
	}
	if isMissing(k.base + recordSuffix) {
		k.remove()
	}
	k.locks.setHolder(k.queue, nil)
	if err := unlockFile(k.file); err != nil {
		return err
	}
	k.released = true
	if k.queue != nil {
		k.queue.turn <- struct{}{}
		k.locks.leave(k.path, k.queue)
	}
	return nil
}

func (l *kernelLocks) setHolder(q *queue, k *kernelLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q != nil {
		q.holder = k
	}
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

// lockFile polls for the kernel's lock, because a call that waits inside the
// kernel cannot be cancelled. A process that has to wait locks a second file,
// the turn, and gets the lock next; later ones see that and wait for the turn.
// So a process that takes the lock again and again cannot keep the others out.
func (l *kernelLocks) lockFile(ctx context.Context, path string) (*flock.Flock, error) {
	turnPath := path + turnSuffix
	if isMissing(turnPath) {
		if file, err := l.tryLockFile(path); file != nil || err != nil {
			return file, err
		}
	}
	var turn *flock.Flock
	defer func() {
		if turn != nil {
			removeLockFile(turn)
			_ = unlockFile(turn)
		}
	}()
	start := time.Now()
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		var turnErr error // there are no turns then
		if turn == nil {
			turn, turnErr = l.tryLockFile(turnPath)
		}
		if turn != nil || turnErr != nil || time.Since(start) > maxTurn {
			if file, err := l.tryLockFile(path); file != nil || err != nil {
				return file, err
			}
		}
		if sleep(ctx, pause/2+rand.N(pause)) != nil {
			return nil, waitError(path, "another process", ctx)
		}
	}
}

// tryLockFile asks the kernel for the lock once. It returns nil if another
// process has it, or somebody removed the file meanwhile. A file that is not a
// lock's file is refused before it is opened, and again afterwards, when it can
// no longer be replaced. A file with a second name, for example from a backup
// that uses hard links, is replaced by a new one.
func (l *kernelLocks) tryLockFile(path string) (*flock.Flock, error) {
	for {
		file, err := l.tryLockThisFile(path)
		if file == nil || err != nil {
			return nil, err
		}
		info, err := file.Stat()
		if err == nil && hasOtherName(info) {
			removeLockFile(file)
			if err := unlockFile(file); err != nil {
				return nil, err
			}
			continue
		}
		if err == nil {
			err = l.checkLockFile(path, info)
		}
		if err != nil {
			_ = unlockFile(file)
			return nil, err
		}
		return file, nil
	}
}

// halfMadeTries is how often a file is opened whose mode another process is
// about to set.
const halfMadeTries = 10

func (l *kernelLocks) tryLockThisFile(path string) (*flock.Flock, error) {
	var file *flock.Flock
	var locked bool
	var err error
	for range halfMadeTries {
		if err := l.makeLockFile(path); err != nil {
			return nil, err
		}
		file = flock.New(path, flock.SetFlag(lockFlags))
		if locked, err = file.TryLock(); !errors.Is(err, fs.ErrPermission) {
			break
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("filestore: lock %s: %w", path, err)
	case !locked:
		return nil, nil
	case !stillThere(file): // a new one is in its place, or will be
		return nil, unlockFile(file)
	}
	return file, nil
}

func unlockFile(file *flock.Flock) error {
	if err := file.Unlock(); err != nil {
		return fmt.Errorf("filestore: unlock %s: %w", file.Path(), err)
	}
	return nil
}

// makeLockFile makes a lock's file, private under any umask. Only the holder of
// the lock may remove it: others notice when they have locked a file that is no
// longer there.
func (l *kernelLocks) makeLockFile(path string) error {
	info, err := os.Lstat(path)
	if err == nil {
		if err := l.checkLockFile(path, info); err != nil || !ownWithout(info, fileMode) {
			return err
		}
		err = os.Chmod(path, fileMode) // the process that makes it is about to do the same
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

// checkLockFile refuses files that other users have made, and links that lead
// out of the folder.
func (l *kernelLocks) checkLockFile(path string, info fs.FileInfo) error {
	problem := ""
	switch owner, foreign := privatedir.ForeignOwner(info); {
	case !info.Mode().IsRegular():
		problem = "is not a regular file"
	case foreign && !l.allowExposed:
		problem = fmt.Sprintf("belongs to another user (id %d)", owner)
	default:
		return nil
	}
	return &FileError{
		Path: path, Problem: problem, Err: ErrDamaged,
		Advice: "it is only used for locking: remove it while no program uses the store",
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
	return fmt.Errorf("filestore: waiting for the lock on %s: %s holds it, and may be suspended: %w", path, holder, ctx.Err())
}
