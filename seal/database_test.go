package seal_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
)

// database is a store whose database somebody else may write to. copyRecord replaces
// the record of one user with that of another.
type database struct {
	store      spotipie.Store
	copyRecord func(from, to spotipie.Key) error
}

// databases are the stores that seal wraps, by name.
var databases = map[string]func(t *testing.T) database{
	"PostgreSQL": func(t *testing.T) database {
		dsn, table := services.Postgres(t), fresh()
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
		return database{openPostgres(t, dsn, table, 0), func(from, to spotipie.Key) error {
			_, err := conn.Exec(t.Context(), "UPDATE "+table+" SET record = (SELECT record FROM "+table+" WHERE profile = $1) WHERE profile = $2",
				from.Profile, to.Profile)
			return err
		}}
	},
	"SQLite": func(t *testing.T) database {
		path := newDatabase(t)
		store := openSQLite(t, path, 0)
		db, err := sql.Open("sqlite3", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return database{store, func(from, to spotipie.Key) error {
			_, err := db.Exec("UPDATE records SET record = (SELECT record FROM records WHERE profile = ?) WHERE profile = ?", from.Profile, to.Profile)
			return err
		}}
	},
	"Redis": func(t *testing.T) database {
		opts, prefix := &redis.Options{Addr: services.Redis(t)}, fresh()
		client := redis.NewClient(opts)
		t.Cleanup(func() { _ = client.Close() })
		return database{openRedis(t, opts, prefix, 0), func(from, to spotipie.Key) error {
			name := func(key spotipie.Key) string {
				names, err := client.Keys(t.Context(), prefix+"*"+key.Profile+"*").Result()
				if err != nil || len(names) != 1 {
					t.Fatalf("the record of %s is in %v, %v", key, names, err)
				}
				return names[0]
			}
			record, err := client.HGet(t.Context(), name(from), "record").Result()
			if err != nil {
				return err
			}
			return client.HSet(t.Context(), name(to), "record", record).Err()
		}}
	},
	"files": func(t *testing.T) database {
		files := openFiles(t)
		return database{files, func(from, to spotipie.Key) error { // through the store, which checks its files
			rec, _, err := files.Load(t.Context(), from)
			if err != nil {
				return err
			}
			old, _, err := files.Load(t.Context(), to)
			if err != nil {
				return err
			}
			_, err = files.Swap(t.Context(), to, old.Version, rec)
			return err
		}}
	},
}

// TestRecordThatWasMovedInTheDatabaseDoesNotOpen shows that nobody can sign a user in as
// another one by writing to the database.
func TestRecordThatWasMovedInTheDatabaseDoesNotOpen(t *testing.T) {
	ada, grace := user(1), user(2)
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db, keys := open(t), newKeys(t)
			fill(t, over(t, db.store, keys, nil), 1, 3)
			if err := db.copyRecord(grace, ada); err != nil {
				t.Fatal(err)
			}
			before := stored(t, db.store, ada)
			rec, found, err := over(t, db.store, keys, nil).Load(t.Context(), ada)
			var failed *seal.Error
			if !errors.As(err, &failed) || !errors.Is(err, seal.ErrDamaged) || failed.Key != ada || !strings.Contains(err.Error(), "moved") {
				t.Errorf("Load: %v, want ErrDamaged about %s", err, ada)
			}
			if rec.Token != nil || !found {
				t.Errorf("Load: found %t, and the token is %v", found, rec.Token)
			}
			newer := over(t, db.store, seal.Ring(newKeys(t), keys), nil)
			if report := reseal(t, newer, asFastAsCanBe()); report.Left[nameOf(t, keys)] != 1 || report.Resealed != 1 {
				t.Errorf("Reseal: %s", report)
			}
			if after := stored(t, db.store, ada); after.Version != before.Version {
				t.Error("the record was replaced")
			}
			if rec := stored(t, newer, grace); rec.Token.AccessToken() != access(grace) {
				t.Errorf("the other user has %v", rec)
			}
		})
	}
}

// TestWithoutTheRightKeyNoDatabaseIsChanged checks that sessions and Reseal return an
// error about the key, and change nothing.
func TestWithoutTheRightKeyNoDatabaseIsChanged(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			server, db, keys := newServer(t), open(t), newKeys(t)
			first := newSession(t, server, over(t, db.store, keys, nil), nil)
			server.Login(t, first)
			before := stored(t, db.store, first.Key())

			wrong := over(t, db.store, newKeys(t), nil)
			second := newSession(t, server, wrong, nil)
			for range 2 {
				var failed *seal.Error
				if _, err := second.RefreshToken(t.Context()); !errors.As(err, &failed) || !errors.Is(err, seal.ErrUnknownKey) || failed.KeyName != before.Sealed.Key || failed.Advice == "" {
					t.Errorf("RefreshToken: %v, want ErrUnknownKey about the key %s", err, before.Sealed.Key)
				}
			}
			if report := reseal(t, wrong, asFastAsCanBe()); report.Done() || report.Left[before.Sealed.Key] != 1 {
				t.Errorf("Reseal: %s", report)
			}
			if err := second.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
			if after := stored(t, db.store, first.Key()); after.Version != before.Version {
				t.Error("the record was replaced")
			}
			if n := server.Stats().TokenRequests.RefreshToken; n != 0 {
				t.Errorf("%d refresh tokens were used up", n)
			}
			if _, err := newSession(t, server, over(t, db.store, keys, nil), nil).RefreshToken(t.Context()); err != nil {
				t.Errorf("with the right key: %v", err)
			}
		})
	}
}
