// Package demo is what "spotipie demo" runs: a story in which accounts services
// on loopback ports, sessions of every flow and a moved clock show what the
// library does. Every step of it measures what it claims, so the story is a
// test as well.
//
// The story is made of chapters, one per file, and a chapter of steps. Each
// chapter has services of its own, so that what one counts is not disturbed by
// another.
package demo
