package main

import "testing"

func BenchmarkTokenFresh(b *testing.B)         { runAll(b, tokenAlone()) }
func BenchmarkTokenFreshParallel(b *testing.B) { runAll(b, tokenTogether()) }
func BenchmarkRoundTrip(b *testing.B)          { runAll(b, roundTrips()) }

func runAll(b *testing.B, contenders []contender) {
	for _, c := range contenders {
		b.Run(c.column, c.bench)
	}
}

func BenchmarkNewSession(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := freshSession(nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHerd(b *testing.B) {
	for name, m := range map[string]moment{"stale": due, "expired": over} {
		for _, k := range keepers() {
			b.Run(name+"/"+k.column, func(b *testing.B) {
				for b.Loop() {
					if _, _, err := herd(b.Context(), k, 1000, m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
