// Package fleet tests stores with processes that share one authorization. Many of
// them need a token at once; those that hold the lock are killed, paused or cut off
// from their store. The processes, called members, run the test binary again:
//
//	func TestMain(m *testing.M) {
//		fleet.RunMember(openStore) // does not return in a member
//		goleak.VerifyTestMain(m)
//	}
//
// The accounts service is a real one, in the test's own process, over TCP.
package fleet
