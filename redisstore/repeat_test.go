package redisstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/redisstore"
)

// losesAnswers breaks a connection when the answer to a script arrives, so that the client sends
// the command again. It calls meanwhile in between.
type losesAnswers struct {
	armed     atomic.Int32 // how many answers will be lost
	meanwhile func()
}

func (l *losesAnswers) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return &losingConn{Conn: conn, loser: l}, err
}

type losingConn struct {
	net.Conn
	loser  *losesAnswers
	script atomic.Bool // the last command
}

func (c *losingConn) Write(data []byte) (int, error) {
	c.script.Store(strings.Contains(strings.ToLower(string(data[:min(len(data), 40)])), "eval"))
	return c.Conn.Write(data)
}

func (c *losingConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if err == nil && c.script.Load() && !strings.HasPrefix(string(data[:n]), "-NOSCRIPT") && c.loser.armed.Add(-1) >= 0 {
		if c.loser.meanwhile != nil {
			c.loser.meanwhile()
		}
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}

// lossy returns two stores on the same records. The first one loses answers as the returned loser
// says.
func lossy(t *testing.T) (lossy, other *redisstore.Store, loser *losesAnswers) {
	address, opts := services.Redis(t), fresh(0)
	loser = &losesAnswers{}
	lossy = open(t, connect(t, &redis.Options{Addr: address, Dialer: loser.dial}), opts)
	return lossy, open(t, connect(t, &redis.Options{Addr: address}), opts), loser
}

func mustDelete(t *testing.T, s spotipie.Store) {
	t.Helper()
	if err := s.Delete(t.Context(), storecheck.Key()); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

// lost fails the test unless an answer was lost.
func (l *losesAnswers) lost(t *testing.T) {
	t.Helper()
	if l.armed.Load() > 0 {
		t.Fatal("no answer got lost")
	}
	l.armed.Store(0)
}

func TestWritesWhoseAnswerIsLostHappenOnce(t *testing.T) {
	s, other, loser := lossy(t)
	loser.armed.Store(1)
	version := storecheck.Swap(t, s, 0, "one")
	loser.lost(t)
	storecheck.Expect(t, other, "one", version)
	loser.armed.Store(2)
	version = storecheck.Swap(t, s, version, "two")
	loser.lost(t)
	storecheck.Expect(t, other, "two", version)
	loser.armed.Store(1)
	mustDelete(t, s)
	loser.lost(t)
	rec, found, err := other.Load(t.Context(), storecheck.Key())
	if found || err != nil || rec.Version <= version {
		t.Errorf("Load: %v, %t, %v; want a deletion", rec, found, err)
	}
	loser.armed.Store(1)
	if got := storecheck.Swap(t, s, 0, "three"); got <= rec.Version {
		t.Errorf("version %d after the deletion %d", got, rec.Version)
	}
	loser.lost(t)
}

func TestFirstSaveThatIsRepeatedUndoesNoLogout(t *testing.T) {
	for name, deletedBefore := range map[string]bool{"of a new key": false, "of a deleted key": true} {
		t.Run(name, func(t *testing.T) {
			s, other, loser := lossy(t)
			if deletedBefore {
				mustDelete(t, other)
			}
			loser.meanwhile = func() { mustDelete(t, other) }
			loser.armed.Store(1)
			_, err := s.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "one"))
			loser.lost(t)
			if err == nil || errors.Is(err, spotipie.ErrVersionConflict) {
				t.Errorf("Swap: %v, want an error that is no conflict", err)
			}
			if rec, found, err := other.Load(t.Context(), storecheck.Key()); found || err != nil || rec.Version == 0 {
				t.Errorf("Load: %v, %t, %v; want the deletion", rec, found, err)
			}
		})
	}
}

func TestDeleteThatIsRepeatedDeletesNoNewerLogin(t *testing.T) {
	s, other, loser := lossy(t)
	storecheck.Swap(t, other, 0, "one")
	var version uint64
	loser.meanwhile = func() { version = storecheck.Swap(t, other, 0, "two") }
	loser.armed.Store(1)
	err := s.Delete(t.Context(), storecheck.Key())
	loser.lost(t)
	if err == nil {
		t.Error("Delete says that it has deleted, and there is a record")
	}
	storecheck.Expect(t, other, "two", version)
}

func TestSaveThatIsRepeatedIsNoConflict(t *testing.T) {
	s, other, loser := lossy(t)
	version := storecheck.Swap(t, other, 0, "one")
	var newest uint64
	loser.meanwhile = func() {
		rec, _, err := other.Load(t.Context(), storecheck.Key())
		if err != nil {
			t.Fatal(err)
		}
		newest = storecheck.Swap(t, other, rec.Version, "three")
	}
	loser.armed.Store(1)
	_, err := s.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "two"))
	loser.lost(t)
	if err == nil || errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("Swap: %v; it has saved, and was overtaken", err)
	}
	storecheck.Expect(t, other, "three", newest)

	loser.meanwhile = nil
	_, err = s.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "four"))
	if !errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("Swap over an old version: %v, want a conflict", err)
	}
}

// abandoned delays the next script until its sender has given up and meanwhile was called.
type abandoned struct {
	meanwhile atomic.Pointer[func()]
	arrived   chan error
}

func (a *abandoned) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *abandoned) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (a *abandoned) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		meanwhile := a.meanwhile.Load()
		if meanwhile == nil || !strings.HasPrefix(cmd.Name(), "eval") || !a.meanwhile.CompareAndSwap(meanwhile, nil) {
			return next(ctx, cmd)
		}
		<-ctx.Done()
		(*meanwhile)()
		err := next(context.WithoutCancel(ctx), cmd)
		a.arrived <- err
		return err
	}
}

// A write that is delayed on its way replaces nothing that was saved after it was sent.
func TestWriteThatArrivesLate(t *testing.T) {
	for name, test := range map[string]struct {
		write     func(ctx context.Context, s *redisstore.Store) error
		meanwhile func(t *testing.T, other *redisstore.Store)
		found     bool
	}{
		"a first save undoes no logout": {
			func(ctx context.Context, s *redisstore.Store) error {
				_, err := s.Swap(ctx, storecheck.Key(), 0, storecheck.Record(t, "late"))
				return err
			},
			func(t *testing.T, other *redisstore.Store) { mustDelete(t, other) }, false,
		},
		"a delete ends no newer login": {
			func(ctx context.Context, s *redisstore.Store) error { return s.Delete(ctx, storecheck.Key()) },
			func(t *testing.T, other *redisstore.Store) { storecheck.Swap(t, other, 0, "newer") }, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			address, opts := services.Redis(t), fresh(0)
			other := open(t, connect(t, &redis.Options{Addr: address}), opts)
			storecheck.Swap(t, other, 0, "one") // so that the server knows the scripts
			mustDelete(t, other)
			client := connect(t, &redis.Options{Addr: address})
			hook := &abandoned{arrived: make(chan error)}
			client.AddHook(hook)
			s := open(t, client, opts)
			meanwhile := func() { test.meanwhile(t, other) }
			hook.meanwhile.Store(&meanwhile)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := test.write(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v, want context.DeadlineExceeded", err)
			}
			if err := <-hook.arrived; err != nil {
				t.Fatalf("it has not arrived: %v", err)
			}
			if _, found, err := other.Load(t.Context(), storecheck.Key()); err != nil || found != test.found {
				t.Errorf("Load: found %t, error %v; want found %t", found, err, test.found)
			}
		})
	}
}

func TestLocksWhoseAnswerIsLost(t *testing.T) {
	s, other, loser := lossy(t)
	for range 3 {
		for _, store := range []*redisstore.Store{s, other} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			loser.armed.Store(1)
			unlock, err := store.Lock(ctx, storecheck.Key())
			cancel()
			if err != nil {
				t.Fatalf("Lock: %v", err)
			}
			loser.armed.Store(1)
			if err := store.Check(t.Context(), storecheck.Key()); err != nil {
				t.Errorf("Check: %v", err)
			}
			loser.armed.Store(1)
			if err := unlock(t.Context()); err != nil {
				t.Errorf("unlock: %v", err)
			}
			loser.armed.Store(0)
		}
	}
}
