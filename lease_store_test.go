package spotipie_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// leaseStore is a store whose locks end by themselves after a while, like those
// of Redis and PostgreSQL, and that can be out of reach.
type leaseStore struct {
	*hookedStore
	lease time.Duration

	mu     sync.Mutex
	away   bool
	holder int // who holds the lock
	until  time.Time
	locks  int // how many locks were taken
}

var errAway = errors.New("connection refused")

func newLeaseStore(lease time.Duration) *leaseStore {
	l := &leaseStore{hookedStore: newHookedStore(), lease: lease}
	l.load.set(l.reach)
	l.swap.set(l.reach)
	l.remove.set(l.reach)
	return l
}

// goAway makes every call fail for d.
func (l *leaseStore) goAway(d time.Duration) {
	l.setAway(true)
	go func() {
		time.Sleep(d)
		l.setAway(false)
	}()
}

func (l *leaseStore) setAway(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

func (l *leaseStore) reach(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return errAway
	}
	return nil
}

func (l *leaseStore) Lock(ctx context.Context, _ spotipie.Key) (func(context.Context) error, error) {
	for {
		if err := l.reach(ctx); err != nil {
			return nil, err
		}
		if unlock := l.tryLock(); unlock != nil {
			return unlock, nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *leaseStore) tryLock() func(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return nil
	}
	l.locks++
	mine := l.locks
	l.holder, l.until = mine, time.Now().Add(l.lease)
	return func(ctx context.Context) error {
		if err := l.reach(ctx); err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.holder == mine {
			l.until = time.Time{}
		}
		return nil
	}
}
