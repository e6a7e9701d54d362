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
// The caller makes the pool, and sets its address, TLS, user and password, and
// size. The database must have the encoding UTF8, and client ids and profiles
// must be valid UTF-8 without NUL.
//
// # Poolers
//
// The store works through a pooler in transaction mode, such as PgBouncer,
// without any settings: every operation is a single statement, which leaves no
// prepared statement behind and needs no session, and no connection is held
// between operations. The exception is Watch: LISTEN needs its own connection
// to the server. Give [Options.Listen] a pool that goes to the server directly;
// Watch fails if no notice gets through. Without a pooler, [Options.Prepare]
// makes each operation a little faster.
//
// A pooler in statement mode works too, even for Migrate.
//
// # Several servers
//
// Name all hosts, and let the pool find the one that takes writes within a few
// seconds (by default pgx waits two minutes for a host, and a server that hangs
// then blocks the whole pool):
//
//	postgres://app@db1.internal,db2.internal/app?target_session_attrs=read-write&connect_timeout=3
//
// A statement on one record ends after five seconds, or earlier with its context.
// If the server hangs, the store takes the connection out of the pool a second later,
// and closes those that are idle (Reset); otherwise pgx would keep its place in the
// pool for fifteen seconds. So a busy pool uses the server that has been promoted about
// ten seconds after the other one began to hang, with the connect_timeout above. When
// a server no longer takes writes, the store makes the pool connect again, too. Swap
// and Delete wait for a connection of the pool as long as their contexts allow: give
// them deadlines.
//
// # The table
//
// [Store.Migrate] makes it. If the program may not do that, [Store.Schema]
// returns the statements for an administrator, and [Store.Grants] those for the
// program's role: SELECT, INSERT, UPDATE and DELETE on the table. If there is
// something to do, Migrate also needs CREATE in the schema. A role that may not
// call pg_notify can do everything except Watch.
//
// # What is stored
//
// One table has one row per authorization: the record as JSON with a format
// number and a version, and the lock. Tokens are stored unencrypted: anybody
// who may read the table can use them. Package seal encrypts them. With
// log_statement = 'all' the server's log has the parameters of statements, and
// so the tokens.
//
// For a record of a newer format, or one that cannot be read, Load returns a
// [*spotipie.RecordMismatchError] that names the table and the key. Swap does
// not overwrite it; [Store.Delete] removes it. The row of a deleted record
// stays for a week without its token, so that the deletion is remembered and
// its version is not used again; later Deletes remove such rows, a hundred at a
// time. Swap refuses a record whose JSON is larger than 1 MiB.
//
// More columns have the time of the consent and whether the refresh token was
// refused, with indexes for [Store.Summaries], and the version that both belong
// to. Programs with older versions of this package may go on saving: the
// versions then differ, and the store reads the record itself.
//
// # Guarantees
//
// Lock is a lease, 30 s by default and by the server's clock, which the holder
// extends while it lives: if a holder dies, the others wait no longer than
// that. If a holder is suspended for longer, [Store.Check] fails before a token
// request, and the holder cannot overwrite newer records, because Swap is
// UPDATE … WHERE version = …. If the server's clock jumps ahead, leases end
// early, which Check notices. If it is set back, the lease of a dead holder
// lasts up to four times as long from when another one waits for it. A version
// is the server's clock in microseconds, or one more than the last version if
// the clock has not advanced.
//
// Statements are not repeated, unless the server says that it has rolled them
// back. A first save or a deletion that is delayed on its way does not replace
// anything saved after it was sent; for that, both take one more round trip.
//
// A saved record survives a crash like any committed data: with
// synchronous_commit = off it may be lost for some hundred milliseconds. Do not
// point the pool at a replica.
//
// A renewal costs four round trips: lock, load and swap before anyone has the
// token, and unlock after that; Check is one more. Goroutines that wait for the
// lock of one key ask the server together, every 10 to 100 ms, or less often if
// the store watches, since it then hears when the lock is free. Waiting writes
// almost nothing. Waiters of one process take turns, first come, first served,
// and a process that has just had the lock does not get it again while another
// one waits. Loads of one key at the same time share a statement.
//
// All watchers of a store share one connection. Notices are sent in separate
// statements, after the change and many at once, because PostgreSQL commits
// transactions that notify one after the other. Each has the key and the new
// version; another one has a hash of the key, for older versions of this
// package. If a program ends right after a save, its notice may be lost.
package pgstore
