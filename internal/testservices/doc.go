// Package testservices starts real servers for tests, on private loopback
// ports and with data that is thrown away, and stops them again:
//
//	var services testservices.Services
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(services.Exit)) }
//
//	func TestSomething(t *testing.T) { client := connect(services.Redis(t)) … }
//
// The programs are those of the Debian packages redis-server, postgresql,
// pgbouncer and nginx. Without one, the tests that need it are skipped, which the
// skip says; with SPOTIPIE_TEST_SERVICES=1 they fail.
package testservices
