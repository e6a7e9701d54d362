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
// There is nothing to install: SQLite is compiled into the program, without
// cgo. For a few records package filestore is smaller. To share records between
// machines, use a store with a server.
//
// # Files
//
// While the database is open, there are more files in its folder: its log
// (-wal), the log's index (-shm), and an empty file for each process that uses
// locks. Do not move or remove them. Back up with SQLite's own commands (VACUUM
// INTO, or .backup of the sqlite3 program): a copy of the database file lacks
// what is still in the log.
//
// The database has mode 0600, and the folder 0700, whatever the umask. Open
// refuses a folder or a database that other users can access, or that belongs
// to another user than the program's or root, with [ErrExposed] and a text that
// says what to do; on Windows it does not check access lists. The file system
// must be local, because processes share memory for SQLite's log.
//
// The database must belong to this package. Open refuses a database of another
// program, with a newer schema, or that is damaged or empty, with a
// [*DatabaseError], and does not change it. It also refuses a read-only disk or
// file. If a database is moved away or replaced while it is open, every method
// fails with [ErrMissing].
//
// # What is stored
//
// One table has one row per authorization: the record as JSON with a format
// number and a version, and the columns that summaries are searched by. Tokens
// are not encrypted: anybody who can read the file can use them. Deleted data
// is overwritten with zeros: in the database when the log is written back to
// it, and in the log when its space is used again.
//
// For a record of a newer format, or one that cannot be read, Load fails with a
// [*spotipie.RecordMismatchError] that names the database and the key. Nothing
// overwrites such a record; [Store.Delete] removes it. Swap refuses a record
// whose JSON is larger than 1 MiB. The row of a deleted record stays for a week
// without its token; later Deletes remove such rows, a hundred at a time.
//
// # Guarantees
//
// When Swap returns, the record is synced to the disk (synchronous = FULL): a
// crash of the program or the machine leaves the old record or the new one, whole.
//
// Lock is a lease in the database. Each process also holds a kernel lock on a
// file of its own, which the kernel releases when the process ends, however it
// ends. So other processes see whether the holder lives, and never wait for a
// process that was killed. A holder that is suspended (Ctrl-Z, a debugger)
// keeps the others waiting until they have seen no sign of it for 30 s
// ([Options].Lease), by their monotonic clocks. When it wakes up, [Store.Check]
// fails before a token request, and it cannot overwrite what was saved
// meanwhile. Locks are not synced to the disk, since they need not survive a
// crash of the machine.
//
// If many goroutines of a process wait for the lock of one key, one of them
// looks for all, every 10 to 100 ms. This takes some microseconds and writes
// almost nothing. Waiters in one process take turns in the order in which they
// came, and a process that has just had the lock does not get it again while
// another one waits.
//
// Reads never wait. SQLite allows one writer at a time, for all keys, for the
// milliseconds that a save takes. If a process is suspended right then, it
// blocks the writes of all others until their contexts end; writes without a
// deadline fail with [ErrBusy] after 30 s.
//
// On a full disk, renewals and logouts still work, because they need no more
// room than the log has. Writes that need more fail with [ErrFull].
// [Store.Check] writes as many bytes as the record has, so that it fails before
// a token request.
//
// A version is the clock's time in microseconds, or one more than the last
// version.
package sqlitestore
