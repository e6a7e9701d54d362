// Package replicas tests a web app with many users on two replicas: package web
// and a [github.com/spotipie/spotipie.Pool] in processes of their own, behind a
// real nginx, with a real PostgreSQL or Redis. Refresh tokens are single use,
// access tokens live for seconds, a replica is killed every so often, and then the
// database is restarted and cut off. There are only tests here.
//
// The replicas are the test binary run again. The accounts service and the users'
// browsers are in the test's own process, so it knows what each user must see and
// what became of each token.
//
// SPOTIPIE_TEST_USERS and SPOTIPIE_TEST_SECONDS say how many users there are and
// how long replicas are killed; scripts/fleets has 2,000 and 60.
package replicas
