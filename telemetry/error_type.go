package telemetry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/spotipie/spotipie"
)

// errorType returns the error.type of an observation that has an error: one of a
// few words, whatever went wrong. docs/telemetry.md lists them.
func errorType(ctx context.Context, o spotipie.Observation) string {
	var store *spotipie.StoreError
	word := sessionErrorType(o.Err)
	switch {
	case word != "":
	case o.Kind != spotipie.ObservedStoreCall && errors.As(o.Err, &store):
		word = "store"
		if op := storeOperation(store.Op); op != other {
			word += "_" + op
		}
	default:
		word = causeType(o.Err)
	}
	if word == "" { // the program may end a context with its own cause
		word = causeType(ctx.Err())
	}
	if word == "" {
		return other
	}
	return word
}

// sessionErrorType returns the word for an answer of the accounts service or
// for an error of a session, or an empty string.
func sessionErrorType(err error) string {
	var answer *spotipie.TokenEndpointError
	var limited *spotipie.RateLimitError
	switch {
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		return "reauthorization_required"
	case errors.As(err, &answer):
		return answerType(answer)
	case errors.As(err, &limited):
		return "rate_limited"
	case errors.Is(err, spotipie.ErrNotAuthorized):
		return "not_authorized"
	case errors.Is(err, spotipie.ErrTokenExpired):
		return "token_expired"
	case errors.Is(err, spotipie.ErrNoRefreshToken):
		return "no_refresh_token"
	case errors.Is(err, spotipie.ErrClosed):
		return "closed"
	}
	return ""
}

// answerType returns the error code of an answer of the token endpoint if it is
// one of RFC 6749 section 5.2, and its status if not.
func answerType(answer *spotipie.TokenEndpointError) string {
	code := oneOf(answer.Code, "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope")
	status := statusCode(answer)
	switch {
	case code != other:
		return code
	case status >= 400:
		return strconv.Itoa(status)
	}
	return "invalid_answer"
}

// causeType returns the word for the failure of a store, a network or a context,
// or an empty string.
func causeType(err error) string {
	var (
		mismatch    *spotipie.RecordMismatchError
		listener    *spotipie.ListenerError
		certificate *tls.CertificateVerificationError
		network     net.Error
		operation   *net.OpError
		name        *net.DNSError
	)
	switch {
	case errors.Is(err, spotipie.ErrVersionConflict):
		return "version_conflict"
	case errors.As(err, &mismatch):
		return "record_mismatch"
	case errors.As(err, &listener):
		return "listener"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.As(err, &certificate):
		return "tls"
	case errors.As(err, &operation), errors.As(err, &name), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET):
		return "connection"
	}
	return ""
}
