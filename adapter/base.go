package adapter

import (
	"errors"
	"fmt"
	"net/http"
)

func orDefaultTransport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return http.DefaultTransport
	}
	return base
}

// errNothing means that a base has broken the rules of [http.RoundTripper].
var errNothing = errors.New("neither an answer nor an error")

// roundTrip sends a request through base. The answer names its request, which
// CheckResponse needs to know the token that the server may repeat.
func roundTrip(base http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := base.RoundTrip(req)
	if resp == nil && err == nil {
		return nil, fmt.Errorf("spotipie/adapter: the RoundTripper %T returned %w", base, errNothing)
	}
	if resp != nil && resp.Request == nil {
		resp.Request = req
	}
	return resp, err
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
