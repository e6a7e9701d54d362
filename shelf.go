package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// shelf is a place in the store: the record of a key, and its lock. It limits the
// time of store calls, wraps their errors and has them observed. It does not know what
// the records mean. Without a store it is always empty, and saving always succeeds.
type shelf struct {
	app      *app
	key      Key
	flow     Flow                   // for Options.Observe
	closing  func() <-chan struct{} // returns a channel that is closed with the session or pool
	isDirect bool                   // see inPlace
}

const (
	// saveTimeout limits saving. It is separate from the rest of a renewal, so that
	// a token is not lost because the accounts service was slow.
	saveTimeout = 10 * time.Second
	// loadTimeout limits a load for which no caller has a context.
	loadTimeout   = 10 * time.Second
	checkTimeout  = 5 * time.Second
	unlockTimeout = 5 * time.Second
	// unlockTries is how often unlocking is tried: for half a minute, if each attempt
	// fails at once. A session that is closing tries less often.
	unlockTries        = 18
	unlockTriesAtClose = 3
	maxUnlockWait      = 2 * time.Second
)

// Operations of a store, as a [StoreError] names them.
const (
	opLoad   = "load"
	opSave   = "save"
	opDelete = "delete"
	opLock   = "lock"
	opUnlock = "unlock"
	opCheck  = "check"
	opWatch  = "watch"
)

// inPlace returns a shelf that calls the store in the goroutine of its caller. The
// caller must make sure that nobody waits too long.
func (s shelf) inPlace() shelf {
	s.isDirect = true
	return s
}

func (s shelf) isThere() bool { return s.app.store != nil }

// load returns what the store has.
func (s shelf) load(ctx context.Context) (stored, error) {
	if !s.isThere() {
		return stored{}, nil
	}
	return call(ctx, s, opLoad, func(ctx context.Context) (stored, error) {
		rec, found, err := s.app.store.Load(ctx, s.key)
		if err != nil && found { // see [Store]
			err = fmt.Errorf("%w: %w", ErrUnreadableRecord, err)
		}
		return stored{rec: rec, found: found, version: rec.Version}, err
	}, nil)
}

// swap saves rec over the version that the store has.
func (s shelf) swap(ctx context.Context, version uint64, rec Record) (newVersion uint64, err error) {
	return call(ctx, s, opSave, func(ctx context.Context) (uint64, error) {
		return s.app.store.Swap(ctx, s.key, version, rec)
	}, nil)
}

// remove deletes the record.
func (s shelf) remove(ctx context.Context, version uint64) error {
	return s.do(ctx, opDelete, func(ctx context.Context) error {
		if err := deleteVersion(ctx, s.app.store, s.key, version); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		return s.app.store.Delete(ctx, s.key)
	})
}

// lock waits for the store's lock. If the call is given up and the lock comes
// later, lock unlocks it.
func (s shelf) lock(ctx context.Context) (*storeLock, error) {
	unlock, err := call(ctx, s, opLock, func(ctx context.Context) (func(context.Context) error, error) {
		return s.app.store.Lock(ctx, s.key)
	}, func(unlock func(context.Context) error) { (&storeLock{shelf: s, unlock: unlock}).giveBack() })
	if err != nil {
		return nil, err
	}
	return &storeLock{shelf: s, unlock: unlock}, nil
}

// A process can be suspended while the answer to a check is on its way. So a check that
// took longer than quickCheck is made again, up to checkTries times.
const (
	quickCheck = time.Second
	checkTries = 3
)

// check asks the store whether the lock is still held and a record can be
// saved.
func (s shelf) check(ctx context.Context) error {
	checker, ok := s.app.store.(Checker)
	if !ok {
		return nil
	}
	var err error
	for range checkTries {
		begun := s.app.clock()
		if err = s.checkOnce(ctx, checker); err != nil || s.app.clock().isBefore(begun.add(quickCheck)) {
			break
		}
	}
	return err
}

func (s shelf) checkOnce(ctx context.Context, checker Checker) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return s.do(ctx, opCheck, func(ctx context.Context) error {
		err := checker.Check(ctx, s.key)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		return err
	})
}

// watch returns the channel that reports changes.
func (s shelf) watch(ctx context.Context) (<-chan struct{}, error) {
	watcher, ok := s.app.store.(Watcher)
	if !ok {
		return nil, s.failed(opWatch, errors.New("the store cannot tell of changes"))
	}
	return call(ctx, s, opWatch, func(ctx context.Context) (<-chan struct{}, error) {
		return watcher.Watch(ctx, s.key)
	}, nil)
}

func (s shelf) failed(op string, err error) error {
	return &StoreError{Op: op, Key: s.key, Err: err}
}

// do is call for a method that returns only an error.
func (s shelf) do(ctx context.Context, op string, method func(context.Context) error) error {
	_, err := call(ctx, s, op, func(ctx context.Context) (struct{}, error) { return struct{}{}, method(ctx) }, nil)
	return err
}

// call calls a method of the store.
func call[T any](ctx context.Context, s shelf, op string, method func(context.Context) (T, error), late func(T)) (T, error) {
	end := s.app.observation(ctx, Observation{Kind: ObservedStoreCall, Op: op, Key: s.key, Flow: s.flow})
	var value T
	var err error
	if s.isDirect {
		value, err = recovering(ctx, method)
	} else {
		value, err = await(ctx, method, late)
	}
	if err != nil {
		err = s.failed(op, err)
	}
	told := false
	defer func() {
		if !told && err == nil && late != nil { // Options.Observe has ended the goroutine
			late(value)
		}
	}()
	end(err)
	told = true
	return value, err
}

// storeLock is a lock that is held.
type storeLock struct {
	shelf  shelf
	unlock func(context.Context) error
}

// giveBack unlocks the lock, if there is one. It goes on trying while the store is
// away, as in a fail-over, because others must wait for a whole lease if it fails.
func (l *storeLock) giveBack() {
	if l == nil || l.unlock == nil {
		return
	}
	var closing <-chan struct{}
	for try := 1; ; try++ {
		err := l.releaseOnce()
		if err == nil {
			return
		}
		if try == unlockTriesAtClose {
			closing = l.shelf.closing()
		}
		select {
		case <-time.After(jitter(min(100*time.Millisecond<<try, maxUnlockWait))):
			if try < unlockTries {
				continue
			}
		case <-closing:
		}
		l.shelf.app.report(l.shelf.key, err)
		return
	}
}

func (l *storeLock) releaseOnce() error {
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	return l.shelf.do(ctx, opUnlock, l.unlock)
}
