// Package filestore keeps authorizations in files. It is a [spotipie.Store] for
// all processes of one machine.
//
//	store, err := filestore.Open("", nil) // in the user's config folder
//	...
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: "default",
//	})
//
// # Files
//
// Each key has its own file, such as
//
//	default-3f0c9a5b7c1e4d2f8a6b0c9d8e7f6a5b.json
//
// whose name starts with the profile, in letters that every file system takes,
// and ends with a hash of the whole key, which keeps "Ada" and "ada" apart
// where the file system does not. The file is JSON with a format number, the
// key, the version, the record and a checksum. Beside it are two empty files
// for locks, .lock and .swap, and a third one, .lock.turn, while another
// process waits. They are removed with the record, or with the lock if there is
// no record; on Windows, where an open file cannot be removed, they stay. Do
// not remove them yourself: a lock on a removed file has no effect, which
// [Store.Check] notices.
//
// Files have mode 0600 and the folder has 0700, whatever the umask. A file or
// folder that other users can read or change, or that belongs to another user
// than the program's or root, is refused with [ErrExposed], and the error says
// how to fix it. On Windows the folder's access list is not checked. A lock
// file that is a link, a pipe or anything else but a regular file is refused
// too.
//
// # What survives
//
// A record is written to a temporary file, synced to the disk, and renamed over
// the old one, and the folder is synced, before Swap returns: a crash of the
// program or the machine leaves the old record or the new one, whole. The next
// Open removes the temporary files of writers that were killed.
//
// Swap refuses a record whose file would be larger than 1 MiB.
//
// The package never changes a file that it cannot read. If a file is
// incomplete, edited by hand, renamed, made by a later version of this package
// or sealed with another key, Load and Swap return a [*FileError] until
// somebody has fixed or removed it.
//
// A version is the clock's time in microseconds, or one more than the last
// version.
//
// After Delete the file has only the version of the deletion, in about 200
// bytes that do not name the user. It is removed after a week, when the store
// is opened or another record is deleted. On a full disk Delete removes the
// record first.
//
// There is no index: [Store.List] reads all files, and [Store.Summaries] lists the
// folder for each page and reads the files of the page.
//
// # Locks
//
// Lock holds a lock of the kernel (flock, or LockFileEx on Windows) on the
// key's .lock file. The kernel frees it when its holder ends, however it ends;
// there is no lease to wait for. A holder that is suspended (Ctrl-Z, a
// debugger) keeps the lock: the others wait until their contexts end, and get
// an error that names the file. The record itself is not locked, so a process
// with a new token can still save it, and the version prevents the suspended
// process from overwriting that when it wakes up. Swap holds the .swap file's
// lock for the few milliseconds it takes. Goroutines of one process wait in the
// order they came, and one of them at a time asks the kernel, every 1 to 20 ms.
// A process that waits has the next turn, so a busy process cannot keep the
// others out.
//
// [Store.Check] checks that the lock's file is still there, and writes and
// syncs as many bytes as the record has. If that fails, because the disk is
// full, read-only or out of inodes, no token is requested that could not be
// saved.
//
// These locks, and renames that survive a crash, need a local file system. On a
// network file system they are only as good as its server. For several
// machines, use a store that has a server.
//
// # Sealing
//
// With [Options].Key records are sealed with AES-256-GCM, bound to their key
// and version, so that a sealed record copied over another one is refused. The
// file still shows the client id, the profile and the version. The key comes
// from [KeyFromEnv], [KeyFromFile], or the OS keyring by way of package
// keyringstore. A store with a key refuses files that are not sealed, and the
// other way round. To change over, copy the records into a store in another
// folder with [spotipie.CopyStore].
//
// Sealing cannot tell an older record from the last one: if a sealed file of
// the same key is put back from a backup, the store accepts it. Sessions that have
// the newer token in memory save it again. If there are none, the user may have to
// sign in again. Deletions are not sealed: whoever can write to the folder can end
// a login, as they can by removing its file.
package filestore
