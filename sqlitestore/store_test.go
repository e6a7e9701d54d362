package sqlitestore_test

import (
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, newPath(t), nil) })
}
