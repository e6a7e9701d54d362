// Package filestore keeps authorizations in files: a [spotipie.Store] for one
// machine, shared by as many processes as there are.
//
//	store, err := filestore.Open("", nil) // in the user's config folder
//	...
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: "default",
//	})
//
// # Files
//
// Each key has a file of its own, such as
//
//	default-3f0c9a5b7c1e4d2f8a6b0c9d8e7f6a5b.json
//
// whose name starts with what can be had of the profile in letters that every
// file system takes, and ends with a hash of the whole key, which keeps "Ada"
// and "ada" apart where the file system does not. The file is JSON with a
// format number, the key, the version, the record and a checksum. Beside it
// are two empty files, .lock and .swap, that are only ever locked, and a third
// one, .lock.turn, while another process waits. They go with the record, or with
// the lock if there is no record; on Windows, where a file that is open cannot be
// removed, they stay. Leave them to this package: a lock on a file that somebody
// else has removed counts for nothing, which [Store.Check] notices.
//
// Files have mode 0600 and the folder has 0700, whatever the umask. A file or
// folder that others can get at, or that belongs to a user other than the
// program's own and root, is refused with [ErrExposed] and what mends it; on
// Windows the folder's access list is not looked at. A lock file that is a
// link, a pipe or anything else but a file of its own is refused as well.
//
// # What survives
//
// A record is written to a temporary file, synced to the disk, and renamed
// over the old one, and the folder is synced, before Swap returns: a crash of
// the program or the machine leaves the old record or the new one, whole. What
// a writer that was killed leaves behind, the next Open removes.
//
// Swap refuses a record whose file would be larger than 1 MiB.
//
// What the package cannot read it does not touch: a file that is torn, edited
// by hand, renamed, made by a later version of this package or sealed with
// another key is a [*FileError] from Load, and from Swap as well, until somebody
// has looked at it.
//
// A version is the microseconds of the clock, or one more than the last.
//
// After Delete the file tells of the deletion, and its version, in some 200 bytes
// that name nobody. After a week it is removed, when the store is opened or
// something else is deleted. On a full disk Delete removes the record first.
//
// There is no index: [Store.List] reads all files, and [Store.Summaries] lists the
// folder for each page and reads the files of the page.
//
// # Locks
//
// Lock holds a lock of the kernel (flock, or LockFileEx on Windows) on the
// key's .lock file. The kernel frees it when its holder ends, however it ends;
// there is no lease to wait for. A holder that is stopped but not ended (Ctrl-Z,
// a debugger) keeps the lock: who waits for it gives up when the context ends,
// with an error that names the file. The record is not locked by it, so who
// has a new token can still save it, and the version keeps the stopped
// process from overwriting that when it goes on. Swap holds the .swap file's
// lock for the few milliseconds it takes. Goroutines of one process wait in the
// order they came, and one of them at a time asks the kernel, every 1 to 20 ms.
// The next turn is that of a process that waits, so that a busy one keeps nobody
// out.
//
// [Store.Check] looks whether the lock's file is still there, and writes as much
// as the record takes and syncs it: where that fails, because the disk is full,
// read-only or out of inodes, Spotify is better not asked.
//
// Such locks, and the promise that a rename survives a crash, are those of a
// local file system. A network file system keeps them as well as its server
// does; between machines, use a store that has a server.
//
// # Sealing
//
// With [Options].Key records are sealed with AES-256-GCM, bound to their key
// and version, so that a sealed record copied over another one is refused. The
// file then still shows whose it is (client id and profile) and its version.
// The key comes from [KeyFromEnv], [KeyFromFile], or the OS keyring by way of
// package keyringstore. A store with a key refuses files that are not sealed,
// and the other way round: a change of mind means authorizing again.
//
// Sealing does not tell an older record from the last one: a sealed file of the
// same key that is put back from a backup is taken. Deletions are not sealed:
// whoever can write to the folder can end a login, as by removing its file.
package filestore
