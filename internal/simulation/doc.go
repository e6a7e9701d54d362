// Package simulation runs whole fleets of sessions, with trouble, in simulated
// time.
//
// Several processes share one store and one user's authorization; the accounts
// service replaces refresh tokens, and revokes the authorization when one is
// used twice. A plan, made from a seed, says what goes wrong and when: store
// calls that fail, hang, or succeed while their answer is lost; processes that
// are killed or stand still while they hold the lock; a token endpoint that
// answers 429, 5xx, garbage, late or not at all; clocks that are wrong by hours
// and are set right; logins and logouts in between; listeners that are slow,
// panic or set tokens; a store that is set back to an older state or comes back
// empty. The plan runs in a bubble of testing/synctest, where hours pass in
// milliseconds.
//
// An oracle knows what the accounts service and the store know, and what each
// process has been told. It reports everything that a session could have known
// to be wrong, by these rules:
//
//   - sent-twice: a refresh token that was used up is sent again.
//   - older-saved: the store gets an older token of the same authorization.
//   - login-lost: a consent or a logout is replaced by an older one, or by
//     nothing.
//   - not-saved: a session does not save a token once the store works, or
//     Close says that it was saved when it was not.
//   - handed-out-unsaved: a token is used before a process tries to save it.
//   - past-end: a session returns a token that is expired by one of its
//     clocks.
//   - without-lock: a process that does not hold the lock makes a token
//     request.
//   - pace: a token request is made before the end of a Retry-After, or there
//     are too many.
//   - order: a listener is called twice with a token, not at all, or with an
//     older one after a newer one.
//   - after-close: a listener is called after Close or remove has returned.
//   - late-return: a call outlives its context, or takes longer than two
//     minutes without a limit.
//   - watch: Watch does not return when the session is closed.
//   - no-token: some time after all trouble has ended, a process has no
//     token.
//   - disagree: sessions and store hold different tokens in the end.
//   - consent-time: a renewal changes the time of the consent.
//   - goroutine: a goroutine of a session is left when all are closed.
//
// What no session can prevent is listed at the beginning of allowed.go.
//
// # How to use it
//
//	go test -race ./internal/simulation                                  # 2,000 plans, always the same
//	go test -race ./internal/simulation -run TestPlans -first=0 -for=1h  # others, for an hour; make simulate
//	go test -race ./internal/simulation -run TestPlans -survey           # all that is found, counted by rule
//
// A failing plan is shortened as far as it still fails in the same way, and is
// printed with what happened and its seed:
//
//	go test -race ./internal/simulation -run TestPlans -seed=123 -v
//	go test -race ./internal/simulation -run TestPlans -seed=123 -rule=login-lost -v
//
// A seed makes the same plan each time, but the plan does not run in exactly
// the same way: sessions use random waits, and goroutines that wake at the same
// moment run in any order. So a seed given by -seed runs until it fails, up to
// 20 times. Another version of the generator makes other plans from the same
// seeds.
//
// To see what the simulation notices, [Play] takes collaborators that are
// broken on purpose; see the tests.
//
// # What it does not see
//
// The monotonic clock advances while one process is suspended, as on a real
// system. For a laptop that sleeps there is an action for the machine with all
// its processes, in which only the wall clocks, the accounts service and the
// store advance. Each process has one session, of one user and of the
// authorization code flow; several sessions of one process on one store, other
// flows, a pool, and RoundTrippers that panic are left to other tests. The
// store is a model of its contract: the real ones have fleets of their own, see
// make fleets.
package simulation
