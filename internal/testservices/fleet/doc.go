// Package fleet tests stores with processes that share one authorization: many
// that need a token at once, and holders of the lock that are killed, paused or
// cut off from their store. The processes, called members, are the test binary
// run again:
//
//	func TestMain(m *testing.M) {
//		fleet.RunMember(openStore) // does not return in a member
//		goleak.VerifyTestMain(m)
//	}
//
// The accounts service is a real one, in the test's own process, over TCP.
package fleet
