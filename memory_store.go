package spotipie

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// MemoryStore is a [Store] in memory. It lets several sessions of one program
// share an authorization, and is useful in tests. Only unlock frees its locks.
// It remembers deletions for a week. It is a [Watcher], [ChangeWatcher],
// [VersionDeleter] and [Summarizer].
type MemoryStore struct {
	mu      sync.Mutex
	records map[Key]Record
	deleted deletions
	locks   map[Key]*memoryLock
	watched map[Key][]chan struct{}
	queues  map[*changeQueue]struct{} // of WatchChanges
	version uint64
}

// deletions are the versions of deleted records, in microseconds of the clock.
type deletions struct {
	version map[Key]uint64
	tidyAt  int // the number of entries at which old ones are forgotten
}

// deletionLife is how long a deletion is remembered.
const deletionLife = 7 * 24 * time.Hour

func (d *deletions) add(key Key, version uint64) {
	if d.version == nil {
		d.version = make(map[Key]uint64)
	}
	d.version[key] = version
	if len(d.version) < max(d.tidyAt, 1024) {
		return
	}
	old := version - uint64(deletionLife.Microseconds())
	maps.DeleteFunc(d.version, func(_ Key, v uint64) bool { return v < old })
	d.tidyAt = 2 * len(d.version)
}

// A memoryLock is held by the goroutine that has taken the value out of free.
// It stays in the map while a goroutine holds it or waits for it.
type memoryLock struct {
	free  chan struct{}
	users int
}

// NewMemoryStore returns an empty store. The zero MemoryStore is an empty store
// too.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// Load implements [Store].
func (m *MemoryStore) Load(ctx context.Context, key Key) (Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rec, found := m.records[key]
	if !found {
		return Record{Version: m.deleted.version[key]}, false, nil
	}
	return rec.clone(), true, nil
}

// clone returns a copy that shares no mutable data with the record.
func (r Record) clone() Record {
	r.RequestedScope = slices.Clone(r.RequestedScope)
	if r.Sealed != nil {
		r.Sealed = &SealedRecord{Key: r.Sealed.Key, DataKey: slices.Clone(r.Sealed.DataKey), Data: slices.Clone(r.Sealed.Data)}
	}
	return r
}

// Swap implements [Store].
func (m *MemoryStore) Swap(ctx context.Context, key Key, version uint64, rec Record) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[key].Version != version {
		return 0, ErrVersionConflict
	}
	m.version = NextVersion(max(m.version, rec.Version), time.Now())
	rec.Version = m.version
	rec = rec.clone()
	if m.records == nil {
		m.records = make(map[Key]Record)
	}
	m.records[key] = rec
	delete(m.deleted.version, key)
	m.notify(key, m.version)
	return rec.Version, nil
}

// Delete implements [Store].
func (m *MemoryStore) Delete(ctx context.Context, key Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delete(key)
	return nil
}

// DeleteVersion implements [VersionDeleter].
func (m *MemoryStore) DeleteVersion(ctx context.Context, key Key, version uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[key].Version != version {
		return ErrVersionConflict
	}
	m.delete(key)
	return nil
}

// delete is called with the lock held.
func (m *MemoryStore) delete(key Key) {
	delete(m.records, key)
	m.version = NextVersion(m.version, time.Now())
	m.deleted.add(key, m.version)
	m.notify(key, m.version)
}

// List implements [Store].
func (m *MemoryStore) List(ctx context.Context) ([]Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.records)), nil
}

// Summaries implements [Summarizer]. It looks at all records for each page.
func (m *MemoryStore) Summaries(ctx context.Context, query SummaryQuery) (page SummaryPage, err error) {
	after, err := parseKeyCursor(query.After)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return page, err
	}
	page.Summaries = m.summarize(after, query)
	slices.SortFunc(page.Summaries, func(a, b Summary) int { return compareKeys(a.Key, b.Key) })
	if size := query.PageSize(); len(page.Summaries) > size {
		page.Next = keyCursor(page.Summaries[size-1].Key)
		page.Summaries = slices.Clone(page.Summaries[:size]) // without sorting all the others
	}
	return page, nil
}

// summarize returns the selected summaries whose keys come after a cursor.
func (m *MemoryStore) summarize(after Key, query SummaryQuery) (all []Summary) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, rec := range m.records {
		if query.After != "" && compareKeys(key, after) <= 0 {
			continue
		}
		if summary := rec.Summary(key); query.Matches(summary) {
			all = append(all, summary)
		}
	}
	return all
}

// Lock implements [Store].
func (m *MemoryStore) Lock(ctx context.Context, key Key) (func(context.Context) error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lock := m.lockOf(key)
	select {
	case <-lock.free:
	case <-ctx.Done():
		m.leave(key, lock)
		return nil, ctx.Err()
	}
	unlock := sync.OnceFunc(func() {
		lock.free <- struct{}{}
		m.leave(key, lock)
	})
	return func(context.Context) error { unlock(); return nil }, nil
}

// Watch implements [Watcher]. It does not fail.
func (m *MemoryStore) Watch(ctx context.Context, key Key) (<-chan struct{}, error) {
	changes := make(chan struct{}, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watched == nil {
		m.watched = make(map[Key][]chan struct{})
	}
	m.watched[key] = append(m.watched[key], changes)
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.watched[key] = slices.DeleteFunc(m.watched[key], func(c chan struct{}) bool { return c == changes })
		if len(m.watched[key]) == 0 {
			delete(m.watched, key)
		}
		close(changes)
	})
	return changes, nil
}

// WatchChanges implements [ChangeWatcher]. It does not fail.
func (m *MemoryStore) WatchChanges(ctx context.Context) (<-chan Change, error) {
	queue := newChangeQueue()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.queues == nil {
		m.queues = make(map[*changeQueue]struct{})
	}
	m.queues[queue] = struct{}{}
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.queues, queue)
		close(queue.changes)
	})
	return queue.changes, nil
}

// notify sends a value to the watchers of the key, unless one is waiting
// already, and a change to the watchers of all keys.
func (m *MemoryStore) notify(key Key, version uint64) {
	for queue := range m.queues {
		queue.put(Change{Key: key, Version: version})
	}
	for _, changes := range m.watched[key] {
		select {
		case changes <- struct{}{}:
		default:
		}
	}
}

func (m *MemoryStore) lockOf(key Key) *memoryLock {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks == nil {
		m.locks = make(map[Key]*memoryLock)
	}
	lock := m.locks[key]
	if lock == nil {
		lock = &memoryLock{free: make(chan struct{}, 1)}
		lock.free <- struct{}{}
		m.locks[key] = lock
	}
	lock.users++
	return lock
}

func (m *MemoryStore) leave(key Key, lock *memoryLock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if lock.users--; lock.users == 0 {
		delete(m.locks, key)
	}
}
