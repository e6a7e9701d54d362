package adapter

import "net/http"

func orDefaultTransport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return http.DefaultTransport
	}
	return base
}

func closeIdleConnections(base http.RoundTripper) {
	if closer, ok := base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// positiveOr returns n, or fallback if n is not positive.
func positiveOr[N ~int | ~int64](n, fallback N) N {
	if n > 0 {
		return n
	}
	return fallback
}
