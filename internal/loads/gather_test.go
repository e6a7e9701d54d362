package loads_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/loads"
)

// database answers queries for one or many keys, and notes what was asked for.
type database struct {
	server
	hangs atomic.Bool // the next queries do not end before their contexts

	mu      sync.Mutex
	queries [][]string
	most    int32 // at the same time
}

func (d *database) note(keys ...spotipie.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, key := range keys {
		names = append(names, key.Profile)
	}
	d.queries = append(d.queries, names)
	d.most = max(d.most, d.now.Load()+1)
}

func (d *database) asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var queries []string
	for _, names := range d.queries {
		queries = append(queries, strings.Join(names, " "))
	}
	return queries
}

func (d *database) load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	d.note(key)
	if d.hangs.Load() {
		<-ctx.Done()
		return spotipie.Record{}, false, ctx.Err()
	}
	return d.server.load(ctx, key)
}

func (d *database) loadAll(ctx context.Context, keys []spotipie.Key) []loads.Result {
	d.note(keys...)
	d.now.Add(1)
	defer d.now.Add(-1)
	version := d.version.Load()
	select {
	case <-time.After(d.delay):
	case <-ctx.Done():
	}
	results := make([]loads.Result, len(keys))
	for i, key := range keys {
		results[i] = loads.Result{Record: spotipie.Record{ClientID: key.Profile, Version: version}, Found: true, Err: ctx.Err()}
	}
	return results
}

func named(name string) spotipie.Key { return spotipie.Key{ClientID: "client", Profile: name} }

// start starts loads one after the other, each with its own key.
func start(t *testing.T, all *sync.WaitGroup, g *loads.Gatherer, names ...string) {
	for _, name := range names {
		all.Go(func() {
			rec, found, err := g.Load(t.Context(), named(name))
			if err != nil || !found || rec.ClientID != name {
				t.Errorf("Load of %s: %v, %t, %v", name, rec, found, err)
			}
		})
		synctest.Wait()
	}
}

func TestLoadsBeyondTheLimitAreGatheredInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{server: server{delay: 10 * time.Millisecond}}
		g := loads.NewGatherer(d.load, d.loadAll, 2)
		var all sync.WaitGroup
		start(t, &all, g, "a", "b", "c", "d", "e")
		began := time.Now()
		all.Wait()
		if took := time.Since(began); took != 2*d.delay {
			t.Errorf("the loads took %s", took)
		}
		start(t, &all, g, "f")
		all.Wait()
		if got, want := d.asked(), []string{"a", "b", "c d e", "f"}; !slices.Equal(got, want) {
			t.Errorf("queries for %q, want %q", got, want)
		}
	})
}

func TestQueryIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{server: server{delay: 10 * time.Millisecond}}
		g := loads.NewGatherer(d.load, d.loadAll, 1)
		names := make([]string, 351)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		var all sync.WaitGroup
		start(t, &all, g, names...)
		all.Wait()
		var sizes []int
		for _, names := range d.queries {
			sizes = append(sizes, len(names))
		}
		if !slices.Equal(sizes, []int{1, 100, 100, 100, 50}) || !slices.Equal(slices.Concat(d.queries...), names) || d.most != 1 {
			t.Errorf("queries for %d keys, %d at the same time: %q", sizes, d.most, d.queries)
		}
	})
}

// A load that begins after a save has ended knows of it, also in a query with
// others.
func TestGatheredLoadJoinsNoQueryThatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{server: server{delay: 7 * time.Millisecond}}
		group := loads.NewGroup(loads.NewGatherer(d.load, d.loadAll, 3).Load)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				for n := range 20 {
					time.Sleep(time.Duration(i%13) * time.Millisecond)
					version := d.version.Add(1)
					rec, _, err := group.Load(t.Context(), named(fmt.Sprint((i+n)%50)))
					if err != nil || rec.Version < version {
						t.Errorf("loaded version %d after %d was saved, error %v", rec.Version, version, err)
					}
				}
			})
		}
		all.Wait()
		if queries := len(d.asked()); d.most > 3 || queries > 2000 {
			t.Errorf("4,000 loads made %d queries, %d at the same time", queries, d.most)
		}
	})
}

// One who leaves does not end what others wait for, and nobody asks for what
// nobody waits for; the last one ends the query.
func TestGatheredLoadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{server: server{delay: time.Second}}
		g := loads.NewGatherer(d.load, d.loadAll, 1)
		var all sync.WaitGroup
		start(t, &all, g, "first")
		leaves := func(name string, after time.Duration) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				began := time.Now()
				_, found, err := g.Load(ctx, named(name))
				if took := time.Since(began); found || !errors.Is(err, context.DeadlineExceeded) || took != after {
					t.Errorf("Load of %s: %t, %v after %s", name, found, err, took)
				}
			})
			synctest.Wait()
		}
		leaves("in the queue", 100*time.Millisecond)
		leaves("in the query", 300*time.Millisecond) // which begins after patience
		start(t, &all, g, "stays")
		time.Sleep(260 * time.Millisecond)
		leaves("alone", 800*time.Millisecond)
		all.Wait()
		synctest.Wait()
		if got, want := d.asked(), []string{"first", "in the query stays", "alone"}; !slices.Equal(got, want) {
			t.Errorf("queries for %q, want %q", got, want)
		}
		if now := d.now.Load(); now != 0 {
			t.Errorf("%d queries for nobody", now)
		}
	})
}

// Connections that do not answer hold up nobody else for longer than patience.
func TestQueriesThatHangDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{server: server{delay: time.Millisecond}}
		group := loads.NewGroup(loads.NewGatherer(d.load, d.loadAll, 4).Load)
		d.hangs.Store(true)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				began := time.Now()
				_, _, err := group.Load(t.Context(), named(fmt.Sprint("hangs ", i)))
				if took := time.Since(began); err == nil || took != 10*time.Second {
					t.Errorf("Load: %v after %s; want an error after 10 s", err, took)
				}
			})
		}
		synctest.Wait()
		d.hangs.Store(false)
		for i := range 500 {
			all.Go(func() {
				began := time.Now()
				_, _, err := group.Load(t.Context(), named(fmt.Sprint(i)))
				if took := time.Since(began); err != nil || took > 300*time.Millisecond {
					t.Errorf("a Load beside it: %v after %s", err, took)
				}
			})
		}
		all.Wait()
		d.most = 0
		for i := range 100 { // the limit is the same as before
			all.Go(func() { _, _, _ = group.Load(t.Context(), named(fmt.Sprint(i))) })
		}
		all.Wait()
		if d.most != 4 {
			t.Errorf("%d queries at the same time, want 4", d.most)
		}
	})
}

func TestGatheredLoadsHaveTheirOwnResults(t *testing.T) {
	fault := errors.New("out of reach")
	for name, test := range map[string]struct {
		loadAll loads.LoadAll
		want    map[string]error
	}{
		"each": {
			func(_ context.Context, keys []spotipie.Key) []loads.Result {
				return []loads.Result{{Err: fault}, {Found: true}}
			}, map[string]error{"ada": fault, "grace": nil},
		},
		"none": {
			func(context.Context, []spotipie.Key) []loads.Result { runtime.Goexit(); return nil },
			map[string]error{"ada": loads.ErrNoResult, "grace": loads.ErrNoResult},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &database{server: server{delay: time.Millisecond}}
				g := loads.NewGatherer(d.load, test.loadAll, 1)
				var all sync.WaitGroup
				start(t, &all, g, "first")
				for _, user := range []string{"ada", "grace"} {
					all.Go(func() {
						_, found, err := g.Load(t.Context(), named(user))
						if !errors.Is(err, test.want[user]) || found != (err == nil) {
							t.Errorf("Load of %s: %t, %v, want error %v", user, found, err, test.want[user])
						}
					})
					synctest.Wait()
				}
				all.Wait()
				start(t, &all, g, "next")
				all.Wait()
			})
		})
	}
}

// A query for several callers has the values of none: one may be a database
// transaction, or the tenant whose rows the connection may see.
func TestGatheredQueryHasNoValuesOfItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		begin, values := make(chan struct{}), make(chan any, 1)
		g := loads.NewGatherer(func(context.Context, spotipie.Key) (spotipie.Record, bool, error) {
			<-begin
			return spotipie.Record{}, false, nil
		}, func(ctx context.Context, keys []spotipie.Key) []loads.Result {
			values <- ctx.Value(key{})
			return make([]loads.Result, len(keys))
		}, 1)
		var all sync.WaitGroup
		for _, name := range []string{"alone", "ada", "grace"} {
			all.Go(func() { _, _, _ = g.Load(context.WithValue(t.Context(), key{}, name), named(name)) })
			synctest.Wait()
		}
		close(begin)
		all.Wait()
		if value := <-values; value != nil {
			t.Errorf("the query has a value of %s", value)
		}
	})
}
