package adapter

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/spotipie/spotipie"
)

// isWorthwhile reports whether another attempt may have another result.
func (r *retries) isWorthwhile(resp *http.Response, err error) bool {
	if r.req.Context().Err() != nil || !rewindable(r.req) || r.body.isFaulty() {
		return false
	}
	var limit *spotipie.RateLimitError
	switch {
	case errors.As(err, &limit):
		return isRetryableStatus(limit.StatusCode, r.req.Method)
	case err != nil:
		return isIdempotent(r.req.Method) && isSendable(r.req) && !isHopeless(err)
	}
	return isRetryableStatus(resp.StatusCode, r.req.Method)
}

func isRetryableStatus(status int, method string) bool {
	switch status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return isIdempotent(method)
	}
	return false
}

func isIdempotent(method string) bool {
	return slices.Contains([]string{
		"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete,
	}, method)
}

func rewindable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// isSendable reports whether req can be sent at all. [http.Transport] refuses
// other requests with errors that have no type.
func isSendable(req *http.Request) bool {
	if req.URL == nil || req.Header == nil || (req.URL.Scheme != "http" && req.URL.Scheme != "https") {
		return false
	}
	hasBody := req.Body != nil && req.Body != http.NoBody
	return req.URL.Host != "" && (hasBody || req.ContentLength <= 0) && isSendableHeader(req.Header) && isSendableHeader(req.Trailer)
}

func isSendableHeader(h http.Header) bool {
	for name, values := range h {
		if name == "" || strings.ContainsFunc(name, isNoTokenCharacter) {
			return false
		}
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && isControl(r) }) {
				return false
			}
		}
	}
	return true
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isNoTokenCharacter is the opposite of tchar in RFC 9110 section 5.6.2.
func isNoTokenCharacter(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// isHopeless reports whether every other attempt would end with the same error
// of the base.
func isHopeless(err error) bool {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.Is(err, errNothing), errors.Is(err, errNilBase), errors.Is(err, errZeroPause),
		errors.Is(err, fs.ErrPermission), isAddressError(err), isTLSRefusal(err), isSessionError(err):
		return true
	}
	return slices.ContainsFunc(hopelessBeginnings(), func(beginning string) bool {
		return strings.HasPrefix(rootCause(err).Error(), beginning)
	})
}

// isAddressError reports whether the host and port of the URL cannot be an
// address.
func isAddressError(err error) bool {
	var address *net.AddrError
	var parse *net.ParseError
	var network net.UnknownNetworkError
	return errors.As(err, &address) || errors.As(err, &parse) || errors.As(err, &network)
}

// isTLSRefusal reports whether the two sides cannot agree on TLS, or the
// certificate is not trusted.
func isTLSRefusal(err error) bool {
	var (
		untrusted *tls.CertificateVerificationError
		noTLS     tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	if errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &untrusted) || errors.As(err, &noTLS) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) {
		return true
	}
	// Of most errors, alerts among them, crypto/tls does not export the type.
	switch text := rootCause(err).Error(); text {
	case "tls: internal error", "tls: bad record MAC":
		return false
	default:
		return strings.HasPrefix(text, "tls: ")
	}
}

// hopelessBeginnings are how net/http's errors without a type begin.
func hopelessBeginnings() []string {
	return []string{
		"http: nil Request", "http: no Host", "http: invalid Host", "http: Request.", "http: ContentLength=",
		"net/http: invalid ", "net/http: can't write control character", "net/http: server response headers exceeded",
		`malformed HTTP response "\x15\x03`, // a TLS alert: the server wants https
		http.StatusText(http.StatusProxyAuthRequired),
	}
}

func rootCause(err error) error {
	for {
		cause := errors.Unwrap(err)
		if cause == nil {
			return err
		}
		err = cause
	}
}

// isSessionError reports whether an error comes from a session without a token.
// The session itself tries again where that helps.
func isSessionError(err error) bool {
	for _, final := range []error{
		spotipie.ErrNotAuthorized, spotipie.ErrTokenExpired, spotipie.ErrNoRefreshToken,
		spotipie.ErrReauthorizationRequired, spotipie.ErrClosed,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	var endpoint *spotipie.TokenEndpointError
	var store *spotipie.StoreError
	var mismatch *spotipie.RecordMismatchError
	return errors.As(err, &endpoint) || errors.As(err, &store) || errors.As(err, &mismatch)
}
