package pgstore_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
	"github.com/spotipie/spotipie/pgstore"
)

func TestLinearizableDespiteKills(t *testing.T) {
	if place, isChild := child.Argument(); isChild {
		dsn, table, _ := strings.Cut(place, "|")
		storecheck.WorkUntilKilled(t, openWithoutMigrate(t, connect(t, dsn), &pgstore.Options{Table: table}))
	}
	dsn := services.Postgres(t)
	storecheck.LinearizableDespiteKills(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 1), func() (spotipie.Store, string) {
		opts := fresh(0)
		return open(t, connect(t, dsn), opts), dsn + "|" + opts.Table
	})
}
