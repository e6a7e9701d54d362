// Package pgstore keeps authorizations in PostgreSQL, for any number of hosts:
//
//	pool, err := pgxpool.New(ctx, "postgres://app@db.internal/app")
//	if err != nil {
//		return err
//	}
//	defer pool.Close()
//	store, err := pgstore.New(pool, nil)
//	if err != nil {
//		return err
//	}
//	if err := store.Migrate(ctx); err != nil { // makes the table; may run in every process
//		return err
//	}
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: userID,
//	})
//
// The pool is the caller's, and with it the address, TLS, user and password,
// and size. The database must have the encoding UTF8, and client ids and
// profiles be text that it takes: valid UTF-8 without NUL.
//
// # Poolers
//
// The store works through a pooler in transaction mode, such as PgBouncer,
// with nothing to set: every operation is one statement of its own, which
// leaves no prepared statement behind and needs no session, and no connection
// is held between two. The exception is Watch: LISTEN needs a connection of
// its own to the server. Give [Options.Listen] a pool that goes to the server
// directly; Watch fails if no notice gets through. Without a pooler,
// [Options.Prepare] makes each operation a little faster.
//
// A pooler in statement mode takes all of that too, also Migrate.
//
// # Several servers
//
// Name all hosts, and have the pool look for the one that takes writes, within a
// few seconds (pgx gives a host two minutes otherwise, in which a server that
// hangs takes all of the pool):
//
//	postgres://app@db1.internal,db2.internal/app?target_session_attrs=read-write&connect_timeout=3
//
// The store never waits for a server that does not answer for longer than five
// seconds to lock and ten to load, and Swap and Delete for no longer than their
// contexts: give them deadlines. When a server says that it takes no writes any
// more, the store has the pool connect anew (Reset).
//
// # The table
//
// [Store.Migrate] makes it. Where the program must not, [Store.Schema] has the
// statements for an administrator, and [Store.Grants] those for the program's
// role: SELECT, INSERT, UPDATE and DELETE on the table. Migrate needs CREATE in
// the schema besides, if there is something to do. A role that may not call
// pg_notify can do everything but Watch.
//
// # What is stored
//
// One table has one row per authorization: the record as JSON with a format
// number and a version, and the lock. Tokens are stored as they are: whoever
// may read the table may use them. With log_statement = 'all'
// the server's log has the parameters of statements, hence tokens.
//
// A record of a newer format, or one that cannot be read, is answered with a
// [*spotipie.RecordMismatchError] that names the table and the key, and is
// overwritten by nobody; [Store.Delete] removes it. The row of a deleted record
// stays for a week without its token, so that the deletion is remembered and its
// version does not come back; later Deletes clear such rows away, a hundred at a
// time. Swap refuses a record whose JSON is larger than 1 MiB.
//
// Beside the record stand the moment of consent and whether the refresh token was
// refused, with indexes from which [Store.Summaries] answers, and the version that
// both are of. Programs with older versions of this package may save beside newer
// ones: they leave another version there, and the record itself counts then.
//
// # Guarantees
//
// Lock is a lease, 30 s by default and by the server's clock, which the holder
// extends while it lives: one that dies keeps the others waiting no longer than
// that. One that is paused for longer and goes on learns of it from
// [Store.Check] before Spotify is asked, and cannot overwrite what came after:
// Swap is UPDATE … WHERE version = …. A version is the microseconds of the
// server's clock, or one more than the last where the clock has not moved on.
//
// Statements are not repeated, unless the server says that it has undone them. A
// first save or a deletion that is held up on its way replaces nothing that came
// after it was sent; both take a round trip more for that.
//
// A saved record survives a crash as anything committed does: with
// synchronous_commit = off it may be lost for some hundred milliseconds. Do not
// point the pool at a replica.
//
// A renewal costs four round trips: lock, load and swap before anyone has the
// token, unlock after; Check is one more. However many goroutines wait for the
// lock of one key they ask the server as one, every 10 to 100 ms, or less often
// if the store watches, as it is told then when the lock is free. Waiting writes
// next to nothing. Waiters of one process take turns in the order they came, and
// a process that has just had the lock does not get it again while another one
// waits. Loads of one key at the same time share a statement.
//
// All watchers of a store share one connection. Notices are sent by themselves,
// after what they tell of and many at once: PostgreSQL has transactions that
// notify commit one after the other. Each says the key and the new version, and
// once more, for older versions of this package, a hash of the key. A program
// that ends right after a save may take its notice with it.
package pgstore
