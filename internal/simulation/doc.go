// Package simulation runs whole fleets of sessions with faults in simulated time.
//
// Several processes share one store and one user's authorization. The accounts
// service replaces refresh tokens, and revokes the authorization when one is used
// twice. In every third plan other processes use the same store for the app's own
// authorization, of the client credentials flow. They have a key of their own, but one
// of them may have the user's key by mistake. A plan, made from a seed, says what goes
// wrong and when:
//
//   - Store calls fail, hang, or succeed while their answer is lost. The store falls
//     back to an older state, or comes back empty.
//   - Processes are killed or suspended while they hold the lock.
//   - The token endpoint answers 429, 5xx, garbage, late or not at all.
//   - Clocks are wrong by hours and are set right.
//   - The user logs in and out, and so does the app.
//   - Listeners are slow, panic or set tokens.
//
// The plan runs in a bubble of testing/synctest, where hours pass in milliseconds.
//
// An oracle knows what the accounts service and the store know, and what each
// process has been told. It reports everything that a session did although it could
// have known that it was wrong. The rules are:
//
//   - sent-twice: a refresh token that was used up is sent again.
//   - sent-refused: a process sends a refresh token again that was refused for good.
//   - older-saved: the store gets an older token of the same authorization.
//   - login-lost: a consent or a logout is replaced by an older one, or is lost.
//   - not-saved: a session does not save a token after the store works again, or
//     Close returns no error for a token that was not saved.
//   - handed-out-unsaved: a token is used before a process tries to save it.
//   - past-end: a session returns a token that is expired by one of its
//     clocks.
//   - without-lock: a process that does not hold the lock makes a token
//     request.
//   - pace: a token request is made before the end of a Retry-After, or there
//     are too many.
//   - order: a listener is called twice with a token, not at all, or with an
//     older token after a newer one.
//   - after-close: a listener is called after Close or remove has returned.
//   - late-return: a call returns after its context has ended, or a call without
//     a limit takes longer than two minutes.
//   - watch: Watch does not return when the session is closed.
//   - no-token: a process has no token some time after the last fault.
//   - disagree: sessions and store have different tokens at the end.
//   - consent-time: a renewal changes the time of the consent.
//   - flow: a session returns, sends, saves or replaces a token of the other flow, or
//     does not say that the store has one.
//   - needless: a session of the app asks for a token although it has seen a valid one
//     in the store.
//   - forgotten: a session of the app returns a token after it was signed out, or
//     Logout fails although the store is well.
//   - goroutine: a goroutine of a session is left after all sessions are closed.
//
// The beginning of allowed.go lists what no session can prevent.
//
// # How to use it
//
//	go test -race ./internal/simulation                                  # 2,000 plans, always the same
//	go test -race ./internal/simulation -run TestPlans -first=0 -for=1h  # others, for an hour; make simulate
//	go test -race ./internal/simulation -run TestPlans -survey           # counts all findings by rule
//
// If a plan fails, the test shortens it while it still fails in the same way. It
// prints the plan, its seed, and what happened. To run a seed again:
//
//	go test -race ./internal/simulation -run TestPlans -seed=123 -v
//	go test -race ./internal/simulation -run TestPlans -seed=123 -rule=login-lost -v
//
// A seed makes the same plan each time, but the plan does not run in exactly
// the same way: sessions wait for random times, and goroutines that wake at the same
// moment run in any order. So -seed runs a seed until it fails, up to 20 times.
// Another version of the generator makes other plans from the same seeds. Those that
// have found something are listed in testdata/seeds, and are played by every test.
//
// [Play] takes collaborators that are broken on purpose. The tests use them to see
// what the simulation notices.
//
// # Limits
//
// The monotonic clock advances while one process is suspended, as on a real system.
// Another action makes the whole machine sleep, like a laptop: then only the wall
// clocks, the accounts service and the store advance. Each process has one session.
// There is one user. Other tests cover several sessions of one process on one store,
// the implicit grant flow, pools, and RoundTrippers that panic. The store is a model of
// the contract; make fleets tests the real ones.
package simulation
