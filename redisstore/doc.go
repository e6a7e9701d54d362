// Package redisstore keeps authorizations in Redis, for any number of hosts:
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"redis.internal:6379"}})
//	defer client.Close()
//	store, err := redisstore.New(client, nil)
//	if err != nil {
//		return err
//	}
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: userID,
//	})
//
// The caller makes the client, and sets its address, TLS, user and password,
// timeouts, cluster and Sentinel. The server must be Redis 6 or newer. A
// [redis.Ring] and reading from replicas do not work. If a server may hang
// without breaking its connections, set ReadTimeout and DialTimeout to a second
// or two: by default the client waits for three and five seconds, and tries a
// command four times.
//
// # What is stored
//
// For each authorization. TAG stands for its client id and profile, escaped as in a
// query string ("id:ada"):
//
//	spotipie:{TAG}:record     hash: format, version, writer, record (JSON); never expires.
//	                          After Delete: format, version, writer, deleted; expires in a week
//	spotipie:{TAG}:lock       the lock's owner, and who waits for it; expires with the lease,
//	                          or soon after unlock
//	spotipie:changed          channel: the TAG and version of what has changed, the TAG alone
//	                          after that for older versions of this package, and the TAG
//	                          of locks that were released while somebody waited
//
// The braces put the keys of one authorization into one slot of a cluster. For
// a record of a newer format, and for anything else under the name of a record,
// Load returns a [*spotipie.RecordMismatchError] that names the key. Swap does
// not overwrite it; [Store.Delete] removes it. Swap refuses a record whose JSON
// is larger than 1 MiB.
//
// Tokens are stored unencrypted: anybody who may read these keys can use them.
// Package seal encrypts them. A Redis user for the store needs only
//
//	ACL SETUSER app on >PASSWORD ~spotipie:* &spotipie:* +evalsha +eval
//	    +get +set +pexpire +del +type +hget +hmget +hset +time +scan
//	    +publish +subscribe +unsubscribe +ping +select +asking
//
// in a cluster also +cluster|slots, and with [Options].Replicas +wait. It
// needs +select for a database other than 0, and +asking in a cluster whose slots
// move. Without the channel (&) everything except Watch works.
//
// MONITOR and the slow log show the arguments of commands, and so the tokens.
//
// There is no index. In a cluster it would be in another slot than most
// records, so one script could not write both, and a user whose record is
// missing from the index would be overlooked. [Store.Summaries] scans the names
// of all keys for each page, as [Store.List] does: ask for pages of thousands.
// For frequent summaries of millions of records use package pgstore.
//
// # Guarantees
//
// Lock is a lease, 30 s by default, which the holder extends while it lives: if
// a holder dies, the others wait no longer than that. If a holder is suspended
// for longer, [Store.Check] fails before a token request, and the holder cannot
// overwrite newer records, because Swap compares versions inside Redis. A
// version is the server's clock in microseconds, or one more than the last
// version if the clock has not advanced. A tombstone ensures this for a deleted
// record, too, if the clock is set back.
//
// The client repeats commands whose answer was lost. Each write has a unique
// name and names the version that it replaces, so that it takes effect only
// once. If another process has saved between two attempts, it is not known
// whether the first attempt succeeded: the error says so, and is not
// [spotipie.ErrVersionConflict]. A first save or a deletion that is delayed on
// its way does not replace anything saved after it was sent; for that, both
// take one more round trip.
//
// If the server's clock jumps ahead, leases end early, which Check notices. If
// it is set back, the lease of a dead holder lasts up to four times as long from
// when another one waits for it; on Redis 6 it lasts longer by as much as the
// clock was set back.
//
// How well a record survives a crash depends on the server's settings: with
// appendonly yes and appendfsync always nothing is lost, with everysec up to a
// second. Replication is asynchronous, so a fail-over may lose the last save,
// unless saves wait for a replica: see [Options].Replicas.
//
// If a node of a cluster does not answer, the store makes the client ask the others
// which one has taken over (ReloadState). By itself the client asks once a minute.
//
// Set maxmemory-policy to noeviction. The allkeys-… policies remove records
// when the memory is full. The volatile-… policies remove keys that expire:
// locks, which Check notices, and deletions, after which a logout looks like a
// loss, and a process that still has the token saves it again.
//
// A renewal costs four round trips: lock, load and swap before anyone has the
// token, and unlock after that; Check is one more. Goroutines that wait for the
// lock of one key ask Redis together, every 10 to 100 ms, or less often if the
// store watches, since it then hears when the lock is free. Waiters of one
// process take turns, first come, first served, and a process that has just had
// the lock does not get it again while another one waits. Loads of one key at
// the same time share a command. All watchers of a store share one connection.
package redisstore
