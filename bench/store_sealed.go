package main

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/seal"
)

// measureSealed compares sealed stores with the same stores in the clear, in the
// raw column.
func measureSealed(ctx context.Context, s settings) ([]row, error) {
	memory, err := sealedBesidePlain(ctx, s, "memory", func(string) (spotipie.Store, error) { return spotipie.NewMemoryStore(), nil })
	if err != nil {
		return nil, err
	}
	for i := range memory {
		memory[i] = memory[i].atMost(50_000)
		memory[i].Note += " There is nothing else to do in memory, so what counts is the time that sealing takes."
	}
	postgres, err := measureSealedPostgres(ctx, s)
	return append(memory, postgres...), err
}

func measureSealedPostgres(ctx context.Context, s settings) ([]row, error) {
	server, err := testservices.NewPostgres()
	if err != nil {
		return notMeasured(err, "Sealed, load from PostgreSQL", "Sealed, save to PostgreSQL")
	}
	defer server.Remove()
	pool, err := pgxpool.New(ctx, testservices.PostgresDSN(server.Address))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	rows, err := sealedBesidePlain(ctx, s, "PostgreSQL", func(table string) (spotipie.Store, error) {
		store, err := pgstore.New(pool, &pgstore.Options{Table: table})
		if err != nil {
			return nil, err
		}
		return store, store.Migrate(ctx)
	})
	for i := range rows {
		rows[i] = rows[i].ratioAtMost(1.3)
	}
	return rows, err
}

// sealedBesidePlain compares loads and saves of a sealed store with those of a
// plain one of the same kind.
func sealedBesidePlain(ctx context.Context, s settings, kind string, open func(name string) (spotipie.Store, error)) ([]row, error) {
	plain, plainErr := open("plain")
	inner, innerErr := open("sealed")
	keys, keysErr := seal.ParseKeys(seal.GenerateKey())
	if err := errors.Join(plainErr, innerErr, keysErr); err != nil {
		return nil, err
	}
	sealed, err := seal.New(inner, keys, nil)
	if err != nil {
		return nil, err
	}
	for _, store := range []spotipie.Store{plain, sealed} {
		if _, err := store.Swap(ctx, recordKey(), 0, newRecord()); err != nil {
			return nil, err
		}
	}
	load, err := compare(s, func(b *testing.B) { loadRecord(b.Context(), b, sealed) }, func(b *testing.B) { loadRecord(b.Context(), b, plain) })
	if err != nil {
		return nil, err
	}
	save, err := compare(s, func(b *testing.B) { saveRecord(b, sealed) }, func(b *testing.B) { saveRecord(b, plain) })
	if err != nil {
		return nil, err
	}
	loading := newRow("Sealed, load from "+kind, "ns", load)
	saving := newRow("Sealed, save to "+kind, "ns", save)
	loading.Note, saving.Note = "raw: the same store, in the clear.", "raw: the same store, in the clear."
	return []row{loading, saving}, nil
}
