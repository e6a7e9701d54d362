// Package adapter has ready-made [http.RoundTripper] values for a session to
// send its requests through: one that tries again ([NewRetry]) and one that
// remembers answers ([NewCache]). Nothing in them is particular to sessions:
// any [http.Client] can use them.
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
// Each RoundTripper wraps the one that it passes requests on to. The cache
// goes outside, the retries inside:
//
//	retry := adapter.NewRetry(http.DefaultTransport, nil)
//	err := session.Mount("https://api.spotify.com/", adapter.NewCache(retry, nil))
//
// In this order an answer from the cache costs nothing, and what the cache has
// to ask for, be it only whether an answer is still good, is tried again like
// any other request. The other way round works too, but every new try then
// begins with a vain look into the cache.
//
// # What to expect
//
// Retries wait: give each request a context with a deadline. A server that
// asks for a longer pause than that, or than [RetryOptions].MaxWait, is
// answered with a [*spotipie.RateLimitError] at once, never with a long sleep:
//
//	var limit *spotipie.RateLimitError
//	if errors.As(err, &limit) {
//		log.Printf("Spotify wants us back in %s", limit.RetryAfter)
//	}
//
// The cache is private (RFC 9111 section 1): it keeps answers in memory, apart
// for each access token, and never gives one user what another was told. One
// cache may be mounted on the sessions of many users. When a session gets a
// new access token, an hour after the last, its part of the cache starts empty.
//
// Both are safe for use by several goroutines, start none, log nothing, leave
// the caller's request as it is, and pass CloseIdleConnections on to what they
// wrap.
package adapter
