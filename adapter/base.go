package adapter

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spotipie/spotipie/internal/typednil"
)

func orDefaultTransport(base http.RoundTripper) http.RoundTripper {
	switch {
	case base == nil:
		return http.DefaultTransport
	case typednil.Is(base):
		return unusable{fmt.Errorf("spotipie/adapter: the base is a nil %T: %w", base, errNilBase)}
	}
	return base
}

var (
	errNilBase   = errors.New("leave it out, or make it first")
	errZeroPause = errors.New("spotipie/adapter: the Pause is a zero value: make it with NewPause")
)

// unusable is a base that would panic.
type unusable struct{ err error }

// RoundTrip implements [http.RoundTripper].
func (u unusable) RoundTrip(req *http.Request) (*http.Response, error) {
	closeBody(req)
	return nil, u.err
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
