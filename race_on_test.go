//go:build race

package spotipie

const raceEnabled = true
