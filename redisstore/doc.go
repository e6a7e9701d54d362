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
// The client is the caller's, and with it the address, TLS, user and password,
// timeouts, cluster and Sentinel. Redis 6 or newer is needed. A [redis.Ring] does
// not do, nor reading from replicas. Where a server may hang without breaking its
// connections, set ReadTimeout and DialTimeout to a second or two: the client
// takes three and five otherwise, and tries a command four times.
//
// # What is stored
//
// For each authorization, TAG being its client id and profile as in a query
// string ("id:ada"):
//
//	spotipie:{TAG}:record     hash: format, version, writer, record (JSON); never expires.
//	                          After Delete: format, version, writer, deleted; expires in a week
//	spotipie:{TAG}:lock       the lock's owner, and who waits for it; expires with the lease,
//	                          or soon after unlock
//	spotipie:changed          channel: the TAG and version of what has changed, the TAG alone
//	                          after that for older versions of this package, and the TAG
//	                          of locks that were released while somebody waited
//
// The braces put the keys of one authorization into one slot of a cluster. A
// record of a newer format, and anything else that is found under the name of
// a record, is answered with a [*spotipie.RecordMismatchError] that names the
// key, and is overwritten by nobody; [Store.Delete] removes it. Swap refuses a
// record whose JSON is larger than 1 MiB.
//
// Tokens are stored as they are: whoever may read these keys may use them. A
// Redis user for the store needs no more than
//
//	ACL SETUSER app on >PASSWORD ~spotipie:* &spotipie:* +evalsha +eval
//	    +get +set +pexpire +del +type +hget +hmget +hset +time +scan
//	    +publish +subscribe +unsubscribe +ping +select +asking
//
// and in a cluster +cluster|slots besides. It needs +select for another database
// than 0, and +asking in a cluster whose slots move. Without the channel (&) everything
// but Watch works.
//
// MONITOR and the slow log show the arguments of commands, hence tokens.
//
// There is no index. In a cluster it could not be in the slot of every record, so
// that a script could not write both, and where it lacks a record a user would be
// forgotten. [Store.Summaries] scans the names of all keys for each page, as
// [Store.List] does: ask for pages of thousands, and where there are millions of
// records that are often asked for, take package pgstore.
//
// # Guarantees
//
// Lock is a lease, 30 s by default, which the holder extends while it lives:
// one that dies keeps the others waiting no longer than that. One that is
// paused for longer and goes on learns of it from [Store.Check] before Spotify
// is asked, and cannot overwrite what came after, for Swap compares versions
// inside Redis. A version is the microseconds of the server's clock, or one more
// than the last where the clock has not moved on; the tombstone keeps that so
// for a deleted record if the clock is set back.
//
// The client repeats commands whose answer was lost. Each write has a name of
// its own and names the version it replaces, so that it happens once. If
// somebody else has saved between two attempts, what became of the first cannot
// be known: the error says so, and is not [spotipie.ErrVersionConflict]. A first
// save or a deletion that is held up on its way replaces nothing that came after
// it was sent; both take a round trip more for that.
//
// A server whose clock jumps ahead ends leases early, which Check notices; one
// whose clock is set back lets those of dead holders last longer.
//
// How well a record survives a crash is a matter of the server's settings:
// appendonly yes with appendfsync always loses nothing, everysec up to a
// second. Replication is asynchronous, so a fail-over may lose the last save.
//
// Set maxmemory-policy to noeviction. The allkeys-… policies throw records away.
// The volatile-… policies throw away what expires when the memory is full: locks,
// which Check notices, and deletions, after which a logout looks like a loss and
// a process that still has the token saves it again.
//
// A renewal costs four round trips: lock, load and swap before anyone has the
// token, unlock after; Check is one more. However many goroutines wait for the
// lock of one key they ask Redis as one, every 10 to 100 ms, or less often if
// the store watches, as it is told then when the lock is free. Waiters of one
// process take turns in the order they came, and a process that has just had the
// lock does not get it again while another one waits. Loads of one key at the same
// time share a command. All watchers of a store share one connection.
package redisstore
