package spotipie

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// warmCycle is the time in which Run checks every session once. It is much
	// shorter than the life of a token.
	warmCycle = time.Minute
	// watchAgain is how long Run waits before it watches again after the store has
	// failed.
	watchAgain = 5 * time.Second
	// lookers is how many sessions are loaded at the same time because of changes
	// that the store has reported.
	lookers = 8
)

// Run does a pool's work in the background until ctx ends or the pool is
// closed. It watches the store, so that sessions in memory learn at once what
// other processes have renewed and who has logged out. It drops idle sessions.
// It renews tokens early if [PoolOptions].KeepWarm is set. Run it once, in a
// goroutine of its own. A pool works without it: sessions then learn of the
// renewals and logouts of other processes when their own token is due.
// [Options].OnError is called with errors, and what failed is tried again. Run
// returns ctx's error or [ErrClosed].
func (p *Pool) Run(ctx context.Context) error {
	if err := p.isOpen(); err != nil {
		return err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.watch(running)
	}()
	p.sweep(running)
	stop(nil)
	<-ended
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return ErrClosed
}

// sweep goes through the sessions in parts.
func (p *Pool) sweep(ctx context.Context) {
	every := warmCycle / time.Duration(len(p.shards))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	budget := 0.0
	for i := 0; ; i = (i + 1) % len(p.shards) {
		select {
		case <-ticker.C:
		case <-p.done:
			return
		case <-ctx.Done():
			return
		}
		shard := &p.shards[i]
		p.evicted.Add(uint64(shard.evictIdle(p.tick() - int64(p.options.MaxIdle))))
		budget = min(budget, max(p.options.KeepWarm, 1)) + p.options.KeepWarm*every.Seconds()
		if budget >= 1 {
			budget -= float64(p.keepWarm(ctx, shard, int(budget)))
		}
	}
}

// keepWarm renews tokens that are due, most of them at most. It returns how many.
func (p *Pool) keepWarm(ctx context.Context, shard *poolShard, most int) (renewed int) {
	now := p.app.clock()
	for _, r := range shard.copyAllResidents() {
		if renewed == most {
			break
		}
		if s := r.current(); s.isUsable(now) && r.renewInBackground(ctx, s, now) {
			renewed++
		}
	}
	return renewed
}

// watch makes sessions load whenever the store reports a change.
func (p *Pool) watch(ctx context.Context) {
	for {
		err := p.watchOnce(ctx)
		switch {
		case ctx.Err() != nil || p.closed.Load() || errors.Is(err, errors.ErrUnsupported):
			return
		case err != nil:
			p.app.report(Key{ClientID: p.app.clientID}, err)
		}
		if !sleep(ctx, watchAgain) {
			return
		}
	}
}

func (p *Pool) watchOnce(ctx context.Context) error {
	watcher, ok := p.app.store.(ChangeWatcher)
	if !ok {
		return nil
	}
	allKeys := p.shelfOf(Key{ClientID: p.app.clientID})
	changes, err := call(ctx, allKeys, opWatch, watcher.WatchChanges, nil)
	if err != nil {
		return err
	}
	turns := newSlots(lookers, 0)
	// Loading all sessions takes long in a large pool. So it runs beside the loop
	// that reads changes: otherwise the store would run out of room for them.
	all := make(chan struct{}, 1)
	all <- struct{}{} // for changes before the watch began
	looking, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() {
		for {
			select {
			case <-all:
				p.lookAtAll(looking, turns)
			case <-looking.Done():
				return
			}
		}
	})
	for {
		select {
		case change, more := <-changes:
			switch {
			case !more:
				return allKeys.failed(opWatch, errors.New("the store has stopped telling of changes"))
			case change != Change{}:
				p.lookAt(ctx, turns, change, 0)
			case len(all) == 0:
				all <- struct{}{}
			}
		case <-p.done:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// lookAt loads the session of a key in the background, if there is one that has not seen
// the change yet. That includes an evicted session that is still in use. It waits for its
// turn. If the store cannot be read, it tries again later; waited is how long this try has
// waited for that.
func (p *Pool) lookAt(ctx context.Context, turns *slots, change Change, waited time.Duration) {
	if change.Key.ClientID != p.app.clientID {
		return
	}
	shard, hash := p.shardOf(change.Key.Profile)
	r := shard.findAlive(hash, change.Key.Profile)
	if r == nil {
		return
	}
	if s := r.state.Load(); s != nil && change.Version != 0 && s.version >= change.Version {
		return
	}
	giveBack, err := turns.take(ctx)
	if err != nil {
		return
	}
	r.inBackground(func() {
		defer giveBack()
		err := r.loadInTime(ctx, r.shelf()) // also if a load runs, because it may have begun before the change
		if wait := r.afterLoad(ctx, err, waited); wait > 0 {
			time.AfterFunc(jitter(wait), func() {
				if ctx.Err() == nil {
					p.lookAt(ctx, turns, change, wait)
				}
			})
		}
	})
}

// lookAtAll makes all sessions load.
func (p *Pool) lookAtAll(ctx context.Context, turns *slots) {
	for i := range p.shards {
		for _, r := range p.shards[i].all() {
			if ctx.Err() != nil {
				return
			}
			p.lookAt(ctx, turns, Change{Key: r.Key()}, 0)
		}
	}
}
