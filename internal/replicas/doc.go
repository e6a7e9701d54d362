// Package replicas tests a web app with many users on two replicas. Each replica is
// a process with package web and a [github.com/spotipie/spotipie.Pool]. They are
// behind a real nginx, with a real PostgreSQL or Redis. Refresh tokens are single
// use, and access tokens live for seconds. Replicas are killed again and again.
// Then the database is restarted and cut off. There are only tests here.
//
// The replicas run the test binary again. The accounts service and the users' browsers
// are in the test's own process, so the test knows what each user must see and what
// happened to each token.
//
// SPOTIPIE_TEST_USERS is the number of users, and SPOTIPIE_TEST_SECONDS how long
// replicas are killed. scripts/fleets uses 2,000 and 60.
package replicas
