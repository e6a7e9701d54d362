package seal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
)

func TestOpenedDataKeysAreRemembered(t *testing.T) {
	for _, test := range []struct {
		name  string
		opts  seal.Options
		pause time.Duration
		asks  int32 // calls of Unwrap for 3 loads of each of two records
	}{
		{"by default", seal.Options{}, 0, 2},
		{"two", seal.Options{CacheSize: 2}, 0, 2},
		{"one", seal.Options{CacheSize: 1}, 0, 6},
		{"none", seal.Options{CacheSize: -1}, 0, 6},
		{"not for long enough", seal.Options{CacheFor: time.Minute}, 61 * time.Second, 6},
		{"for long enough", seal.Options{CacheFor: time.Hour}, 61 * time.Second, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner, keys := spotipie.NewMemoryStore(), newService(t)
				grace := spotipie.Key{ClientID: "client", Profile: "grace"}
				for _, key := range []spotipie.Key{ada, grace} {
					put(t, over(t, inner, keys, nil), key, full(t, key.Profile))
				}
				s := over(t, inner, keys, &test.opts)
				for range 3 {
					for _, key := range []spotipie.Key{ada, grace} {
						if got := stored(t, s, key); got.Token.AccessToken() != key.Profile {
							t.Errorf("%s has the token of %s", key, got.Token.AccessToken())
						}
					}
					time.Sleep(test.pause) // the bubble's clock
				}
				if n := keys.unwraps.Load(); n != test.asks {
					t.Errorf("the keys were asked %d times, want %d", n, test.asks)
				}
			})
		})
	}
}

func TestWhatTheStoreHasSealedItNeedNotAskFor(t *testing.T) {
	keys := newService(t)
	s := over(t, spotipie.NewMemoryStore(), keys, nil)
	put(t, s, ada, full(t, "one"))
	stored(t, s, ada)
	if n := keys.unwraps.Load(); n != 0 {
		t.Errorf("the keys were called %d times", n)
	}
}

// A record that another process has sealed again is decrypted again.
func TestTheNextSaveIsNotOpenedWithWhatIsRemembered(t *testing.T) {
	inner, keys := spotipie.NewMemoryStore(), newService(t)
	mine, theirs := over(t, inner, keys, nil), over(t, inner, keys, nil)
	for _, access := range []string{"one", "two", "three"} {
		put(t, theirs, ada, full(t, access))
		if got := stored(t, mine, ada).Token.AccessToken(); got != access {
			t.Errorf("got %s, want %s", got, access)
		}
	}
}

// Goroutines that load a record at the same time share one call of the keys.
func TestLoadsAtTheSameTimeShareAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, keys := spotipie.NewMemoryStore(), newService(t)
		put(t, over(t, inner, keys, nil), ada, full(t, "one"))
		s := over(t, inner, keys, &seal.Options{CacheSize: -1})
		hang := make(chan struct{})
		keys.hanging.Store(&hang)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got, found, err := s.Load(t.Context(), ada); err != nil || !found || got.Token.AccessToken() != "one" {
					t.Errorf("got %v, %t, %v", got, found, err)
				}
			})
		}
		synctest.Wait()
		close(hang)
		all.Wait()
		if n := keys.unwraps.Load(); n > 2 {
			t.Errorf("the keys were asked %d times, want twice at most", n)
		}
	})
}

// If the keys hang, callers wait no longer than the timeout or their own context, and
// no record is replaced.
func TestKeysThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, keys := &everything{MemoryStore: spotipie.NewMemoryStore()}, newService(t)
		version := put(t, over(t, inner, keys, nil), ada, full(t, "one"))
		s := over(t, inner, keys, nil)
		hang := make(chan struct{})
		keys.hanging.Store(&hang)
		for name, call := range map[string]func(ctx context.Context) error{
			"Load":  func(ctx context.Context) error { _, _, err := s.Load(ctx, ada); return err },
			"Swap":  func(ctx context.Context) error { _, err := s.Swap(ctx, ada, version, full(t, "two")); return err },
			"Check": func(ctx context.Context) error { return s.Check(ctx, ada) },
		} {
			start := time.Now()
			err := call(t.Context())
			expectError(t, err, context.DeadlineExceeded, "no answer in 3s")
			if waited := time.Since(start); waited != seal.DefaultKeyTimeout {
				t.Errorf("%s: it took %s", name, waited)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start = time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want context.DeadlineExceeded", name, err)
			}
			if waited := time.Since(start); waited != time.Second {
				t.Errorf("%s with a context of a second: it took %s", name, waited)
			}
			cancel()
			if err := call(ctx); err == nil {
				t.Errorf("%s with an ended context: no error", name)
			}
		}
		if got := stored(t, inner, ada).Version; got != version {
			t.Error("the record was replaced")
		}
		close(hang) // ends the calls that were left behind
		stored(t, s, ada)
	})
}

// Each Check prepares one data key, which is used for one save.
func TestCheckMakesTheNextDataKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, keys := &everything{MemoryStore: spotipie.NewMemoryStore()}, newService(t)
		s := over(t, inner, keys, nil)
		seen := make(map[string]bool)
		save := func(want int32) {
			t.Helper()
			put(t, s, ada, full(t, "one"))
			dataKey := string(stored(t, inner, ada).Sealed.DataKey)
			if seen[dataKey] {
				t.Error("a data key is used twice")
			}
			seen[dataKey] = true
			if n := keys.wraps.Load(); n != want {
				t.Errorf("%d data keys, want %d", n, want)
			}
		}
		check := func() {
			t.Helper()
			if err := s.Check(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
		}
		check()
		save(1)
		save(2)
		check()
		check()
		save(4)
		check()
		time.Sleep(time.Hour) // the bubble's clock: the prepared data key expires
		save(6)
		stored(t, s, ada)
	})
}

// If the keys return nonsense, the result is an error, and no record is lost.
func TestKeysThatAnswerNonsense(t *testing.T) {
	answer := func(name string, wrapped []byte) func(string, []byte) (string, []byte) {
		return func(string, []byte) (string, []byte) { return name, wrapped }
	}
	for name, wrapped := range map[string]func(string, []byte) (string, []byte){
		"no name":          answer("", []byte("x")),
		"a long name":      answer(strings.Repeat("x", 1025), []byte("x")),
		"not UTF-8":        answer("\xff", []byte("x")),
		"no data key":      answer("x", nil),
		"a large data key": answer("x", make([]byte, 1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			inner, keys := spotipie.NewMemoryStore(), newService(t)
			keys.wrapped = wrapped
			if _, err := over(t, inner, keys, nil).Swap(t.Context(), ada, 0, full(t, "one")); err == nil {
				t.Error("no error")
			}
			if _, found, _ := inner.Load(t.Context(), ada); found {
				t.Error("a record was saved")
			}
		})
	}
	for name, unwrapped := range map[string]func([]byte) []byte{
		"nothing":  func([]byte) []byte { return nil },
		"16 bytes": func(b []byte) []byte { return b[:16] },
		"another":  func(b []byte) []byte { b[0]++; return b },
	} {
		t.Run("to open: "+name, func(t *testing.T) {
			inner, keys := spotipie.NewMemoryStore(), newService(t)
			put(t, over(t, inner, keys, nil), ada, full(t, "one"))
			keys.unwrapped = unwrapped
			_, _, err := over(t, inner, keys, nil).Load(t.Context(), ada)
			expectError(t, err, seal.ErrDamaged)
		})
	}
}

// TestKeysThatRemember uses keys that keep the slices that they return. The store must
// not change them.
func TestKeysThatRemember(t *testing.T) {
	inner, keys := spotipie.NewMemoryStore(), newService(t)
	var known []byte
	keys.unwrapped = func(dataKey []byte) []byte {
		if known == nil {
			known = dataKey
		}
		return known
	}
	put(t, over(t, inner, keys, nil), ada, full(t, "one"))
	s := over(t, inner, keys, &seal.Options{CacheSize: -1})
	for range 2 {
		if got := stored(t, s, ada); got.Token.AccessToken() != "one" {
			t.Errorf("got %v", got)
		}
	}
}

func TestKeysThatPanic(t *testing.T) {
	keys := newService(t)
	keys.wrapped = func(string, []byte) (string, []byte) { panic("out of order") }
	_, err := over(t, spotipie.NewMemoryStore(), keys, nil).Swap(t.Context(), ada, 0, full(t, "one"))
	if failed := (*seal.Error)(nil); !errors.As(err, &failed) || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("got error %v", err)
	}
}
