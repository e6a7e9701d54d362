// Package adapter has ready-made [http.RoundTripper] values for a session to
// send its requests through: one that tries again ([NewRetry]), one that sends
// nothing while a server has asked for a pause ([NewPause]), and one that
// caches answers ([NewCache]). Any [http.Client] can use them too.
//
// # Mounting
//
// A session adds the access token to a request and passes it to the
// RoundTripper that is mounted on the longest matching prefix of the URL:
//
//	err := session.Mount("/", adapter.NewRetry(nil, nil)) // all of the Web API
//
// A nil base is [http.DefaultTransport] and nil options are the documented
// defaults, so this line alone handles Spotify's rate limits and brief
// failures. A mounted RoundTripper does not know the session's Options.Transport:
// if you have set one, for a proxy or in a test, make it the base.
//
// # Order
//
// Each RoundTripper wraps the one that it passes requests on to. The cache goes
// outside, then the retries, and the pause inside:
//
//	pause := adapter.NewPause(http.DefaultTransport, nil)
//	retry := adapter.NewRetry(pause, nil)
//	cache := adapter.NewCache(retry, nil)
//	err := session.Mount("/", cache)
//
// In this order an answer from the cache costs nothing, and comes during a
// pause too. A request of the cache, even one that only asks whether an answer
// is still good, is tried again like any other. The pause sees every answer, so
// when one request is told to wait for a few seconds, the retries of all
// requests wait for the end of the pause, and when it is told to wait for
// hours, all fail at once.
//
// Each works alone, and in another order, with less effect. A pause outside of
// the retries hears of a pause only when the retries give up; until then other
// requests are still sent. Retries outside of the cache look into the cache
// again, for nothing, before each try.
//
// Spotify counts the requests of an app over all its users: mount one and the
// same Pause on all sessions of an app. One cache may be mounted on all sessions,
// too.
//
// # What to expect
//
// Retries wait: give each request a context with a deadline, or the retries a
// [RetryOptions].TotalTimeout. A server that asks for a longer pause than that,
// or than [RetryOptions].MaxWait, leads to a [*spotipie.RateLimitError] at
// once, never to a long wait. If a quota is used up, the retries never wait:
//
//	var limit *spotipie.RateLimitError
//	if errors.As(err, &limit) {
//		log.Printf("Spotify wants us back in %s (%s)", limit.RetryAfter, limit.Reason)
//	}
//
// An answer 429 that is returned as an answer becomes the same error with
// [spotipie.CheckResponse].
//
// A program that runs briefly, again and again, must save its pauses, one for
// each app: see [Pause.Pauses] and [Pause.Restore].
//
// The cache is private (RFC 9111 section 1): it keeps answers in memory,
// separately for each access token, and never gives one user the answers of
// another. When a session gets a new access token, an hour after the last, its
// part of the cache starts empty.
//
// All are safe for use by several goroutines, log nothing, leave the caller's
// request unchanged, and pass CloseIdleConnections on to what they wrap. No
// goroutine outlives a request, except when a base does not end the read of a
// body that is closed.
package adapter
