package spotipie_test

import (
	"context"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// restorableStore keeps one record and can be set back to an earlier state, as when a
// backup is restored, or when a primary dies whose replica was behind. It locks and
// watches like a MemoryStore.
type restorableStore struct {
	*spotipie.MemoryStore

	mu   sync.Mutex
	kept contents
	// loading is called before the record is read, and swapping and deleting
	// before it is changed.
	loading, swapping, deleting hook[func()]
}

// contents are what a restorableStore has for its key.
type contents struct {
	rec     spotipie.Record
	found   bool
	deleted uint64 // the version of a deletion
}

func newRestorableStore() *restorableStore {
	return &restorableStore{MemoryStore: spotipie.NewMemoryStore()}
}

// contents returns what the store has.
func (r *restorableStore) contents() contents {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept
}

// restore sets the store back to c.
func (r *restorableStore) restore(c contents) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = c
}

func (r *restorableStore) Load(ctx context.Context, _ spotipie.Key) (spotipie.Record, bool, error) {
	if loading := r.loading.get(); loading != nil {
		loading()
	}
	c := r.contents()
	if !c.found {
		return spotipie.Record{Version: c.deleted}, false, ctx.Err()
	}
	return c.rec, true, ctx.Err()
}

func (r *restorableStore) Swap(ctx context.Context, _ spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if do := r.swapping.get(); do != nil {
		do()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	has := r.kept.rec.Version // 0 if there is none
	if has != version {
		return 0, spotipie.ErrVersionConflict
	}
	rec.Version = spotipie.NextVersion(max(version, rec.Version, r.kept.deleted), time.Now())
	r.kept = contents{rec: rec, found: true}
	return rec.Version, ctx.Err()
}

func (r *restorableStore) Delete(ctx context.Context, key spotipie.Key) error {
	return r.DeleteVersion(ctx, key, anyVersion)
}

// anyVersion makes DeleteVersion delete a record of any version.
const anyVersion = 1<<64 - 1

func (r *restorableStore) DeleteVersion(ctx context.Context, _ spotipie.Key, version uint64) error {
	if do := r.deleting.get(); do != nil {
		do()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if version != anyVersion && version != r.kept.rec.Version {
		return spotipie.ErrVersionConflict
	}
	r.kept = contents{deleted: spotipie.NextVersion(max(r.kept.rec.Version, r.kept.deleted), time.Now())}
	return ctx.Err()
}
