//go:build !race

package spotipie

const raceEnabled = false
