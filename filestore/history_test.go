package filestore_test

import (
	"context"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestLinearizable(t *testing.T) {
	storecheck.Linearizable(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 2), func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
		dir := newDir(t)
		var stores []spotipie.Store
		for range 8 {
			stores = append(stores, open(t, dir, nil))
		}
		return stores, func(context.Context) {}
	})
}
