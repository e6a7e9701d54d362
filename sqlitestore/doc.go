// Package sqlitestore keeps authorizations in a SQLite database: one file, for
// the processes of one machine, such as a web app with many users:
//
//	store, err := sqlitestore.Open(ctx, "/var/lib/my-app/spotify/store.db", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: userID,
//	})
//
// There is nothing to install: SQLite is part of the program, without cgo. For a
// few records package filestore is smaller; between machines, use a store that
// has a server.
//
// # Files
//
// The database has files beside it while it is open: its log (-wal), an index of
// that (-shm), and an empty file for each process that uses locks. Leave all of
// them where they are, and back up with SQLite's own means (VACUUM INTO, or
// .backup of the sqlite3 program): a copy of the file alone lacks what is in the
// log.
//
// The database has mode 0600, and the folder 0700, whatever the umask. A folder
// or a database that others can get at, or that belongs to a user other than the
// program's own and root, is refused with [ErrExposed] and what mends it; on
// Windows access lists are not looked at. The file system has to be a local one:
// SQLite's log is memory that processes share.
//
// The database is the package's own. Another program's, one of a newer schema and
// one that is torn or empty are refused with a [*DatabaseError], and left as they
// were. So is a disk or a file that can only be read. A database that is moved
// away or replaced while it is open is missed with [ErrMissing] from every method.
//
// # What is stored
//
// One table has one row per authorization: the record as JSON with a format
// number and a version, and what summaries are found by. Tokens are stored as
// they are: whoever may read the file may use them. What is deleted is overwritten
// with zeros, in the database at once when the log is written back to it, and in
// the log when it is used anew.
//
// A record of a newer format, or one that cannot be read, is answered with a
// [*spotipie.RecordMismatchError] that names the database and the key, and is
// overwritten by nobody; [Store.Delete] removes it. Swap refuses a record whose
// JSON is larger than 1 MiB. The row of a deleted record stays for a week without
// its token; later Deletes clear such rows away, a hundred at a time.
//
// # Guarantees
//
// When Swap returns, the record is synced to the disk (synchronous = FULL): a
// crash of the program or the machine leaves the old record or the new one, whole.
//
// Lock is a lease in the database. Whether its holder lives other processes learn
// from the kernel, by a lock on its file, which is freed when the process ends,
// however it ends: nobody waits for a process that was killed. One that is stopped
// but not ended (Ctrl-Z, a debugger) keeps the others waiting until they have seen
// nothing of it for 30 s ([Options].Lease), by their own clocks, which nobody can
// set. When it goes on it learns of that from [Store.Check] before Spotify is
// asked, and cannot overwrite what came after. Locks are written without being
// synced: they need not survive the machine.
//
// However many goroutines wait for the lock of one key they look as one, every 10
// to 100 ms, which takes some microseconds and writes next to nothing. Waiters of
// one process take turns in the order they came, and a process that has just had
// the lock does not get it again while another one waits.
//
// Reads wait for nobody. SQLite has one writer at a time, for all keys, for the
// milliseconds that a save takes; a process that is stopped right then holds up
// the writes of all others, until their contexts end or, without a deadline, for
// 30 s, after which they fail with [ErrBusy].
//
// On a full disk, what takes no more room than before goes on in that of the log:
// renewals and logouts. What does not fails with [ErrFull]; [Store.Check] writes as
// much as the record takes and tells before Spotify is asked.
//
// A version is the microseconds of the clock, or one more than the last.
package sqlitestore
