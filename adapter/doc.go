// Package adapter has ready-made [http.RoundTripper] values for a session to
// send its requests through: one that tries again ([NewRetry]), one that sends
// nothing while a server wants to be left alone ([NewPause]), and one that
// remembers answers ([NewCache]). Nothing in them is particular to sessions: any
// [http.Client] can use them.
//
// # Mounting
//
// A session adds the access token to a request and hands it to the
// RoundTripper that is mounted on the longest matching prefix of the URL:
//
//	err := session.Mount("https://api.spotify.com/", adapter.NewRetry(nil, nil))
//
// A nil base is [http.DefaultTransport] and nil options are the documented
// defaults, so this alone survives Spotify's rate limits and its bad moments.
//
// # Order
//
// Each RoundTripper wraps the one that it passes requests on to. The cache goes
// outside, then the retries, and the pause inside:
//
//	pause := adapter.NewPause(http.DefaultTransport, nil)
//	retry := adapter.NewRetry(pause, nil)
//	cache := adapter.NewCache(retry, nil)
//	err := session.Mount("https://api.spotify.com/", cache)
//
// In this order an answer from the cache costs nothing and is given during a
// pause, too. What the cache has to ask for, be it only whether an answer is
// still good, is tried again like any other request. The pause sees every
// answer, so when one request is told to wait for a few seconds, the retries of
// all requests wait for the end of the pause, and when it is told to wait for
// hours, all fail at once.
//
// Each works alone, and in another order, with less effect. A pause outside of
// the retries hears of a pause only when the retries give up; until then other
// requests go on asking. Retries outside of the cache begin every new try with a
// vain look into the cache.
//
// Spotify counts the requests of an app over all its users: mount one and the
// same Pause on all sessions of an app. One cache may be mounted on all sessions,
// too.
//
// # What to expect
//
// Retries wait: give each request a context with a deadline, or the retries a
// [RetryOptions].TotalTimeout. A server that asks for a longer pause than that,
// or than [RetryOptions].MaxWait, is answered with a
// [*spotipie.RateLimitError] at once, never with a long sleep. A quota that is
// used up is never waited for:
//
//	var limit *spotipie.RateLimitError
//	if errors.As(err, &limit) {
//		log.Printf("Spotify wants us back in %s (%s)", limit.RetryAfter, limit.Reason)
//	}
//
// An answer 429 that is returned as an answer becomes the same error with
// [spotipie.CheckResponse].
//
// A program that runs for a moment, again and again, has to keep a pause outside
// of it, one for each app: see [Pause.Pauses] and [Pause.Restore].
//
// The cache is private (RFC 9111 section 1): it keeps answers in memory, apart
// for each access token, and never gives one user what another was told. When a
// session gets a new access token, an hour after the last, its part of the cache
// starts empty.
//
// All are safe for use by several goroutines, log nothing, leave the caller's
// request as it is, and pass CloseIdleConnections on to what they wrap. None
// has a goroutine that outlives a request, but for one that reads the body of an
// answer which a base does not end when it is closed.
package adapter
