// Package demo does the work of "spotipie demo": it starts accounts services on
// loopback ports, uses sessions of every flow, moves their clock, and shows
// what the library does. Every step measures what it claims, so the demo is
// also a test.
//
// The demo has chapters, one per file, and each chapter has steps. Each chapter
// has its own services, so that chapters do not change each other's counts.
package demo
