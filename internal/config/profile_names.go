package config

import (
	"slices"

	"github.com/spotipie/spotipie"
)

// ProfileNames returns the profiles among the keys of a store, sorted.
func ProfileNames(keys []spotipie.Key) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Profile)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
