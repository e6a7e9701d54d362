package main

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// goroutines is how many goroutines ask for a token at the same time in the second
// measure.
const goroutines = 32

func measureToken(_ context.Context, s settings) ([]row, error) {
	alone, err := race(s.rounds, tokenAlone())
	if err != nil {
		return nil, err
	}
	together, err := race(s.rounds, tokenTogether())
	if err != nil {
		return nil, err
	}
	contended := newRow("Token, fresh, 32 goroutines", "ns", nanoseconds(together)).ratioAtMost(0.35)
	contended.Note = "only a machine with idle CPUs shows it. Where others leave the goroutines one CPU, " +
		"nobody contends for x/oauth2's lock, so its best round is one of those."
	return []row{
		newRow("Token, fresh, 1 goroutine", "ns", nanoseconds(alone)).ratioAtMost(0.9),
		newRow("  allocations", "", allocations(alone)).exactly(0),
		contended,
	}, nil
}

// tokenAlone gets a fresh token again and again. The loops are written out, because
// the call of a func value would take part of the measured time.
func tokenAlone() []contender {
	ctx := context.Background()
	return []contender{
		{ours, func(b *testing.B) {
			session, err := freshSession(nil)
			orFatal(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := session.Token(ctx); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{xoauth, func(b *testing.B) {
			source := freshOAuth2()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.Token(); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{cloud, func(b *testing.B) {
			provider, err := freshCloud()
			orFatal(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := provider.Token(ctx); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{awssdk, func(b *testing.B) {
			cache, err := freshAWS()
			orFatal(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := cache.Retrieve(ctx); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{floor, func(b *testing.B) {
			held := newFloor()
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := held.token(); !ok {
					b.Fatal(errNoToken)
				}
			}
		}},
	}
}

// tokenTogether does the same from many goroutines.
func tokenTogether() []contender {
	ctx := context.Background()
	return []contender{
		{ours, func(b *testing.B) {
			session, err := freshSession(nil)
			orFatal(b, err)
			inParallel(b, func(pb *testing.PB) {
				for pb.Next() {
					if _, err := session.Token(ctx); err != nil {
						b.Error(err)
					}
				}
			})
		}},
		{xoauth, func(b *testing.B) {
			source := freshOAuth2()
			inParallel(b, func(pb *testing.PB) {
				for pb.Next() {
					if _, err := source.Token(); err != nil {
						b.Error(err)
					}
				}
			})
		}},
		{cloud, func(b *testing.B) {
			provider, err := freshCloud()
			orFatal(b, err)
			inParallel(b, func(pb *testing.PB) {
				for pb.Next() {
					if _, err := provider.Token(ctx); err != nil {
						b.Error(err)
					}
				}
			})
		}},
		{awssdk, func(b *testing.B) {
			cache, err := freshAWS()
			orFatal(b, err)
			inParallel(b, func(pb *testing.PB) {
				for pb.Next() {
					if _, err := cache.Retrieve(ctx); err != nil {
						b.Error(err)
					}
				}
			})
		}},
		{floor, func(b *testing.B) {
			held := newFloor()
			inParallel(b, func(pb *testing.PB) {
				for pb.Next() {
					if _, ok := held.token(); !ok {
						b.Error(errNoToken)
					}
				}
			})
		}},
	}
}

func inParallel(b *testing.B, body func(*testing.PB)) {
	procs := runtime.GOMAXPROCS(0)
	b.SetParallelism((goroutines + procs - 1) / procs)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(body)
}

func orFatal(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// floorCache is the simplest possible cache for a value that expires.
type floorCache struct {
	held atomic.Pointer[floorToken]
}

type floorToken struct {
	access  string
	expires int64
}

func newFloor() *floorCache {
	c := &floorCache{}
	c.held.Store(&floorToken{access: accessToken, expires: time.Now().Add(time.Hour).UnixNano()})
	return c
}

func (c *floorCache) token() (*floorToken, bool) {
	t := c.held.Load()
	return t, time.Now().UnixNano() < t.expires
}
