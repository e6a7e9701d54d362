// Package testservices starts and stops real servers for tests. They listen on
// free loopback ports, and their data is deleted afterwards:
//
//	var services testservices.Services
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(services.Exit)) }
//
//	func TestSomething(t *testing.T) { client := connect(services.Redis(t)) … }
//
// The programs are in the Debian packages redis-server, postgresql, pgbouncer and
// nginx. Tests whose program is missing are skipped and say so; with
// SPOTIPIE_TEST_SERVICES=1 they fail.
package testservices
