// Package failover tests what the fail-over of a store's server costs: Redis with
// Sentinel, as a cluster that loses a master, and as a cluster whose slots move,
// and PostgreSQL whose replica is promoted. Several processes, each with a
// [github.com/spotipie/spotipie.Pool], share many users whose access tokens live
// for seconds and whose refresh tokens are single use, so that somebody renews all
// the time. There are only tests here.
//
// The processes are the test binary run again. The accounts service is in the
// test's own process. Together with what the processes tell of their saves and
// loads, it says which acknowledged saves were lost, which logins and why, how long
// nobody could renew, and what callers saw.
//
// SPOTIPIE_TEST_USERS and SPOTIPIE_TEST_PROCESSES say how many there are;
// scripts/fleets has 200 and 8.
package failover
