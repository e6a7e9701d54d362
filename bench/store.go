package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/testservices"
)

// measureStores compares stores with the least that a program would do without
// them, which is in the raw column.
func measureStores(ctx context.Context, s settings) ([]row, error) {
	var rows []row
	var errs []error
	for _, take := range []func(context.Context, settings) ([]row, error){measureFile, measureSQLite, measureRedis, measurePostgres} {
		more, err := take(ctx, s)
		rows = append(rows, more...)
		errs = append(errs, err)
	}
	return rows, errors.Join(errs...)
}

func measureFile(ctx context.Context, s settings) ([]row, error) {
	dir, err := os.MkdirTemp("", "spotipie-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store, err := filestore.Open(filepath.Join(dir, "spotipie"), nil)
	if err != nil {
		return nil, err
	}
	rec := newRecord()
	plain := rawFile{dir: dir, name: "record.json"}
	if plain.data, err = json.Marshal(rec); err != nil {
		return nil, err
	}
	if err := plain.save(); err != nil {
		return nil, err
	}
	if _, err := store.Swap(ctx, recordKey(), 0, rec); err != nil {
		return nil, err
	}
	load, err := compare(s, func(b *testing.B) { loadRecord(b.Context(), b, store) }, func(b *testing.B) {
		for b.Loop() {
			orFatal(b, plain.load())
		}
	})
	if err != nil {
		return nil, err
	}
	save, err := compare(s, func(b *testing.B) { saveRecord(b, store) }, func(b *testing.B) {
		for b.Loop() {
			orFatal(b, plain.save())
		}
	})
	if err != nil {
		return nil, err
	}
	loading := newRow("Store, load from a file", "ns", load).ratioAtMost(1.5)
	loading.Note = "raw: os.ReadFile and json.Unmarshal of the record. The store checks the mode, the format, whose it is and a checksum besides."
	saving := newRow("Store, save to a file", "ns", save).ratioAtMost(1.3)
	saving.Note = "raw: a temporary file with the bytes that are there already, fsync, rename, fsync of the folder. " +
		"The store locks, loads and compares versions besides."
	return []row{loading, saving}, nil
}

// rawFile does what a program without a store does to keep a record in a file.
type rawFile struct {
	dir, name string
	data      []byte
}

func (f rawFile) load() error {
	data, err := os.ReadFile(filepath.Join(f.dir, f.name))
	if err != nil {
		return err
	}
	var rec spotipie.Record
	return json.Unmarshal(data, &rec)
}

func (f rawFile) save() error {
	temp, err := os.CreateTemp(f.dir, f.name)
	if err != nil {
		return err
	}
	_, err = temp.Write(f.data)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), filepath.Join(f.dir, f.name)); err != nil {
		return err
	}
	folder, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// compare runs the store's benchmark and the raw one, round by round.
func compare(s settings, store, bare func(*testing.B)) (map[string][]float64, error) {
	results, err := race(s.rounds, []contender{{ours, store}, {raw, bare}})
	if err != nil {
		return nil, err
	}
	return nanoseconds(results), nil
}

func recordKey() spotipie.Key {
	return spotipie.Key{ClientID: credentials().ClientID, Profile: "ada"}
}

func newRecord() spotipie.Record {
	return spotipie.Record{
		Token: newToken(), AuthorizedAt: time.Now().Add(-24 * time.Hour), ClientID: credentials().ClientID, RequestedScope: scopes(),
	}
}

func loadRecord(ctx context.Context, b *testing.B, store spotipie.Store) {
	for b.Loop() {
		if _, found, err := store.Load(ctx, recordKey()); err != nil || !found {
			b.Fatalf("found %t, error %v", found, err)
		}
	}
}

func saveRecord(b *testing.B, store spotipie.Store) {
	rec, _, err := store.Load(b.Context(), recordKey())
	orFatal(b, err)
	for b.Loop() {
		rec.Version, err = store.Swap(b.Context(), recordKey(), rec.Version, rec)
		orFatal(b, err)
	}
}

// renewalTrips counts the round trips of a refresh until the token is saved and
// announced. The store is behind a proxy and has one connection. It returns the
// lowest count of several, because a refresh may come while the one before still
// works.
func renewalTrips(ctx context.Context, store spotipie.Store, proxy *testservices.Proxy) (fewest float64, err error) {
	w, err := newWorld(ctx, store)
	if err != nil {
		return 0, err
	}
	defer w.close()
	var start, saved int
	w.session.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
		saved = proxy.RoundTrips() - start
		return nil
	})
	fewest = math.Inf(1)
	for range 5 {
		unlock, err := store.Lock(ctx, w.session.Key()) // after this the refresh before has unlocked it
		if err != nil {
			return 0, err
		}
		if err := unlock(ctx); err != nil {
			return 0, err
		}
		start = proxy.RoundTrips()
		if _, err := w.session.RefreshToken(ctx); err != nil {
			return 0, err
		}
		fewest = min(fewest, float64(saved))
	}
	return fewest, w.session.Close(ctx)
}

// tripsRow makes a row. notices are round trips that nobody waits for.
func tripsRow(title string, saved, notices float64) row {
	r := newRow(title, "", map[string][]float64{ours: {saved}}).atMost(4 + notices)
	r.Note = "lock, load, check and swap, counted on the wire; unlock comes after them."
	if notices > 0 {
		r.Note += " Among them are notices, which are sent in the background."
	}
	return r
}

// notMeasured returns a row that says that a server is not installed. It
// returns any other error.
func notMeasured(err error, measures ...string) ([]row, error) {
	if !errors.Is(err, testservices.ErrNotInstalled) {
		return nil, err
	}
	var rows []row
	for _, measure := range measures {
		rows = append(rows, row{Measure: measure, NotMeasured: err.Error()})
	}
	return rows, nil
}
