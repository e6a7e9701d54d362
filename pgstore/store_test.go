package pgstore_test

import (
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/storetest"
)

func TestStore(t *testing.T) {
	dsn := services.Postgres(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, connect(t, dsn), fresh(0)) })
}

func TestStoreWithPreparedStatements(t *testing.T) {
	dsn := services.Postgres(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		opts := fresh(0)
		opts.Prepare = true
		return open(t, connect(t, dsn), opts)
	})
}

// With this isolation level the server may refuse a statement that it cannot serialize with
// others.
func TestStoreWhereTransactionsAreSerializable(t *testing.T) {
	dsn := services.Postgres(t) + "&default_transaction_isolation=serializable"
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, connect(t, dsn), fresh(0)) })
}

// Only Watch needs a direct connection to the server.
func TestStoreThroughPgBouncerInTransactionMode(t *testing.T) {
	direct, bouncer := services.Postgres(t), services.PgBouncer(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		opts := fresh(0)
		opts.Listen = connect(t, direct)
		return open(t, connect(t, bouncer), opts)
	})
}
