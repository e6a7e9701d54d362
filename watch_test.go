package spotipie_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// watchedStore is a store that keeps the contexts of its subscriptions.
type watchedStore struct {
	*hookedStore
	mu       sync.Mutex
	contexts []context.Context
	watch    func(context.Context) (<-chan struct{}, error) // replaces Watch if not nil
}

func (w *watchedStore) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	w.mu.Lock()
	w.contexts = append(w.contexts, ctx)
	w.mu.Unlock()
	if w.watch != nil {
		return w.watch(ctx)
	}
	return w.MemoryStore.Watch(ctx, key)
}

// subscriptions returns how many were made, and how many have not ended.
func (w *watchedStore) subscriptions() (made, open int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ctx := range w.contexts {
		if ctx.Err() == nil {
			open++
		}
	}
	return len(w.contexts), open
}

// TestWatchEndsItsSubscription checks this for every way in which Watch can end. When the
// session is closed, Watch must not wait for a change.
func TestWatchEndsItsSubscription(t *testing.T) {
	for name, test := range map[string]struct {
		watch func(context.Context) (<-chan struct{}, error)
		end   func(t *testing.T, s spotipie.Session, cancel func())
		want  error
	}{
		"the session is closed": {nil, func(t *testing.T, s spotipie.Session, _ func()) {
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		}, spotipie.ErrClosed},
		"the context ends": {nil, func(_ *testing.T, _ spotipie.Session, cancel func()) { cancel() }, context.Canceled},
		"the session is closed while the store hangs": {
			func(ctx context.Context) (<-chan struct{}, error) { <-ctx.Done(); return nil, ctx.Err() },
			func(t *testing.T, s spotipie.Session, _ func()) { _ = s.Close(t.Context()) }, spotipie.ErrClosed,
		},
		"the session is closed while the store does not look at its context": {
			func(context.Context) (<-chan struct{}, error) {
				time.Sleep(time.Minute)
				return nil, errStore
			},
			func(t *testing.T, s spotipie.Session, _ func()) { _ = s.Close(t.Context()) }, spotipie.ErrClosed,
		},
		"the store stops": {
			func(context.Context) (<-chan struct{}, error) { c := make(chan struct{}); close(c); return c, nil },
			func(*testing.T, spotipie.Session, func()) {}, errStoreError,
		},
		"the store fails": {
			func(context.Context) (<-chan struct{}, error) { return nil, errStore },
			func(*testing.T, spotipie.Session, func()) {}, errStore,
		},
		"the store panics": {
			func(context.Context) (<-chan struct{}, error) { panic("ouch") },
			func(*testing.T, spotipie.Session, func()) {}, errStoreError,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &watchedStore{hookedStore: newHookedStore(), watch: test.watch}
				s := offline(t, &services{}, store, nil)
				set(t, s, time.Hour)
				program, cancel := context.WithCancel(context.Background())
				defer cancel()
				ended := make(chan error, 1)
				go func() { ended <- s.Watch(program) }()
				synctest.Wait()
				test.end(t, s, cancel)
				synctest.Wait()
				select {
				case err := <-ended:
					if !errors.Is(err, test.want) && !(test.want == errStoreError && isStoreError(err, "watch")) {
						t.Errorf("Watch: %v, want %v", err, test.want)
					}
				default:
					t.Fatal("Watch has not returned")
				}
				if made, open := store.subscriptions(); made != 1 || open != 0 {
					t.Errorf("%d subscriptions, %d of them are left", made, open)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

var errStoreError = errors.New("a StoreError")

func isStoreError(err error, op string) bool {
	var failed *spotipie.StoreError
	return errors.As(err, &failed) && failed.Op == op
}

// TestWatchOfAClosedSession checks that Watch subscribes to nothing.
func TestWatchOfAClosedSession(t *testing.T) {
	store := &watchedStore{hookedStore: newHookedStore()}
	s := offline(t, &services{}, store, nil)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Watch(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("Watch: %v, want ErrClosed", err)
	}
	if made, _ := store.subscriptions(); made != 0 {
		t.Errorf("%d subscriptions", made)
	}
}

// TestWatchThroughTroubleOfTheStore checks that a load that fails or hangs is reported,
// and that the session still learns of the next change.
func TestWatchThroughTroubleOfTheStore(t *testing.T) {
	for name, trouble := range map[string]func(context.Context) error{"fails": fails, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				var reported errorLog
				s := offline(t, &services{}, store, func(o *spotipie.Options) { o.OnError = reported.add })
				set(t, s, time.Hour)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.Watch(ctx) }()
				synctest.Wait()
				store.load.set(trouble)
				change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("A1", "R1", time.Hour) })
				time.Sleep(time.Minute)
				store.load.set(nil)
				change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("A2", "R2", time.Hour) })
				time.Sleep(time.Minute)
				expectTokens(t, s, store, "A2", "R2")
				if heard := reported.all(); len(heard) != 1 || !isStoreError(heard[0], "load") {
					t.Errorf("OnError heard of %v, want the failed load", heard)
				}
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("Watch: %v", err)
				}
			})
		})
	}
}

// TestWatchLearnsOfAChangeAfterALoadThatFailed logs out elsewhere while the store cannot
// be read for a moment. The store reports that only once.
func TestWatchLearnsOfAChangeAfterALoadThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		s := offline(t, &services{}, store, nil)
		set(t, s, time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Watch(ctx) }()
		synctest.Wait()
		store.load.set(fails)
		if err := store.MemoryStore.Delete(t.Context(), adaKey); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		store.load.set(nil)
		time.Sleep(10 * time.Second)
		if s.IsAuthorized() {
			t.Error("still signed in")
		}
		cancel()
		<-ended
	})
}
