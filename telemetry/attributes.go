package telemetry

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spotipie/spotipie"
)

// The attributes for which the semantic conventions have no name. A store is
// not always a database, and has other operations, so db.operation.name is not
// used.
const (
	flowKey           = attribute.Key("spotipie.flow")
	grantTypeKey      = attribute.Key("spotipie.grant_type")
	storeOperationKey = attribute.Key("spotipie.store.operation")
)

// other stands for all unknown values, as in the semantic conventions.
const other = "_OTHER"

// attributesOf returns the attributes of an observation. Each has one of a few
// values.
func attributesOf(ctx context.Context, o spotipie.Observation) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 4)
	attributes = append(attributes, flowKey.String(flow(o)))
	switch o.Kind {
	case spotipie.ObservedTokenRequest:
		attributes = append(attributes, grantTypeKey.String(grantType(o)))
		if status := statusCode(o.Err); status != 0 {
			attributes = append(attributes, semconv.HTTPResponseStatusCode(status))
		}
	case spotipie.ObservedStoreCall:
		attributes = append(attributes, storeOperationKey.String(storeOperation(o.Op)))
	}
	if o.Err != nil {
		attributes = append(attributes, semconv.ErrorTypeKey.String(errorType(ctx, o)))
	}
	return attributes
}

func flow(o spotipie.Observation) string {
	return oneOf(string(o.Flow), string(spotipie.FlowAuthorizationCode), string(spotipie.FlowClientCredentials), string(spotipie.FlowImplicitGrant))
}

func grantType(o spotipie.Observation) string {
	return oneOf(o.Op, "authorization_code", "refresh_token", "client_credentials")
}

func storeOperation(op string) string {
	return oneOf(op, "load", "save", "delete", "lock", "unlock", "check", "watch")
}

// oneOf returns value if it is known, and other if not.
func oneOf(value string, known ...string) string {
	if slices.Contains(known, value) {
		return value
	}
	return other
}

// statusCode returns the HTTP status of an answer that is not a token, or 0 if
// there was no answer, or if HTTP does not have its status (RFC 9110 section
// 15).
func statusCode(err error) int {
	var answer *spotipie.TokenEndpointError
	var limited *spotipie.RateLimitError
	status := 0
	switch {
	case errors.As(err, &answer):
		status = answer.StatusCode
	case errors.As(err, &limited) && !limited.NotSent:
		status = limited.StatusCode
	}
	if status < 100 || status > 599 {
		return 0
	}
	return status
}
