package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/seal"
)

// measureSealed compares sealed stores with the same stores unsealed, in the
// raw column.
func measureSealed(ctx context.Context, s settings) ([]row, error) {
	memory, err := sealedBesidePlain(ctx, s, "memory", func(string) (spotipie.Store, error) { return spotipie.NewMemoryStore(), nil })
	if err != nil {
		return nil, err
	}
	limits := []float64{250, 50} // a plain memory store only copies a struct
	for i := range memory {
		memory[i] = memory[i].ratioAtMost(limits[i])
	}
	byHand, err := sealedBesideByHand(ctx, s)
	if err != nil {
		return nil, err
	}
	postgres, err := measureSealedPostgres(ctx, s)
	return slices.Concat(memory, byHand, postgres), err
}

// sealedBesideByHand compares a sealed store in memory with the least work that
// encrypts a record: JSON, and AES-256-GCM with one key.
func sealedBesideByHand(ctx context.Context, s settings) ([]row, error) {
	sealed, err := newSealed(spotipie.NewMemoryStore())
	if err != nil {
		return nil, err
	}
	if _, err := sealed.Swap(ctx, recordKey(), 0, newRecord()); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	rec := newRecord()
	encrypt := func() ([]byte, error) {
		data, err := json.Marshal(rec)
		return aead.Seal(nil, nil, data, nil), err
	}
	encrypted, err := encrypt()
	if err != nil {
		return nil, err
	}
	load, err := compare(s, func(b *testing.B) { loadRecord(b.Context(), b, sealed) }, func(b *testing.B) {
		for b.Loop() {
			data, err := aead.Open(nil, nil, encrypted, nil)
			orFatal(b, err)
			orFatal(b, json.Unmarshal(data, new(spotipie.Record)))
		}
	})
	if err != nil {
		return nil, err
	}
	save, err := compare(s, func(b *testing.B) { saveRecord(b, sealed) }, func(b *testing.B) {
		for b.Loop() {
			_, err := encrypt()
			orFatal(b, err)
		}
	})
	if err != nil {
		return nil, err
	}
	loading := newRow("  beside decrypting it by hand", "ns", load).ratioAtMost(1.5)
	loading.Note = "raw: AES-256-GCM under one key and json.Unmarshal. A sealed store has a key for each record, itself encrypted."
	saving := newRow("  save, beside encrypting it by hand", "ns", save).ratioAtMost(2.5)
	saving.Note = "raw: json.Marshal and AES-256-GCM under one key. A sealed store makes a key for each save and encrypts it as well."
	return []row{loading, saving}, nil
}

// newSealed returns a store that seals with a new key in memory.
func newSealed(inner spotipie.Store) (*seal.Store, error) {
	keys, err := seal.ParseKeys(seal.GenerateKey())
	if err != nil {
		return nil, err
	}
	return seal.New(inner, keys, nil)
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
	if err := errors.Join(plainErr, innerErr); err != nil {
		return nil, err
	}
	sealed, err := newSealed(inner)
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
