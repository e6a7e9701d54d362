// Package simulation plays whole fleets of sessions, with trouble, in no time.
//
// Several processes share one store and one user's authorization; the accounts
// service replaces refresh tokens, and revokes the authorization when one is
// used twice. A plan, made from a seed, says what goes wrong and when: store
// calls that fail, hang, or succeed while their answer is lost; processes that
// are killed or stand still while they hold the lock; a token endpoint that
// answers 429, 5xx, garbage, late or not at all; clocks that are wrong by hours
// and are set right; logins and logouts in between; listeners that are slow,
// panic or set tokens; a store that falls back to an older state or comes back
// empty. It is played in a bubble of testing/synctest, where hours pass in
// milliseconds.
//
// An oracle knows what the accounts service and the store know, and what each
// process has been told. It finds fault with what a session could have known to
// be wrong, by these rules:
//
//   - sent-twice: a refresh token that was used up is sent again.
//   - older-saved: the store gets an older token of the same authorization.
//   - login-lost: a consent or a logout makes way for an older one, or for
//     nothing.
//   - not-saved: what was given is not saved by itself once the store is well,
//     or Close says that it was.
//   - handed-out-unsaved: a token is used before anybody tries to save it.
//   - past-end: a token is handed out that a clock knows to be expired.
//   - without-lock: the accounts service is asked by who does not hold the lock.
//   - pace: it is asked before the end of its Retry-After, or without end.
//   - order: a listener hears of a token twice, not at all, or of an older one
//     after a newer one.
//   - after-close: a listener is called after Close or remove has returned.
//   - late-return: a call outlives its context, or takes longer than two
//     minutes without a limit.
//   - watch: Watch does not return when the session is closed.
//   - no-token: a good while after all trouble, somebody has no token.
//   - disagree: sessions and store hold different tokens in the end.
//   - consent-time: a renewal changes the time of the consent.
//   - goroutine: something of a session is left over when all are closed.
//
// What no session can prevent is listed at the beginning of allowed.go.
//
// # How to use it
//
//	go test -race ./internal/simulation                                  # 2,000 plans, always the same
//	go test -race ./internal/simulation -run TestPlans -first=0 -for=1h  # others, for an hour; make simulate
//	go test -race ./internal/simulation -run TestPlans -survey           # all that is found, counted by rule
//
// A plan that fails is made as short as it can be while it still fails in the
// same way, and is printed with what happened and its seed:
//
//	go test -race ./internal/simulation -run TestPlans -seed=123 -v
//	go test -race ./internal/simulation -run TestPlans -seed=123 -rule=login-lost -v
//
// A seed makes the same plan each time, but does not play it to the same
// nanosecond: sessions jitter, and goroutines that wake at the same moment run
// in any order. Therefore a seed given by -seed is played until it fails, up to
// 20 times. Another version of the generator makes other plans of the same
// seeds.
//
// To see what the simulation notices, [Play] takes collaborators that are
// broken on purpose; see the tests.
//
// # What it does not see
//
// The monotonic clock goes on when one process stands still, as it does for a
// stopped process. For a laptop that sleeps there is an action for the machine
// with all its processes, in which only the wall clocks, the accounts service
// and the store go on. Each process has one session, of one user and of the
// authorization code flow; several sessions of one process on one store, other
// flows, a pool, and RoundTrippers that panic are left to other tests. The
// store is a model of its contract: the real ones have fleets of their own, see
// make fleets.
package simulation
