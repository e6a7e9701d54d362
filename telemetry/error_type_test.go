package telemetry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/spotipie/spotipie"
)

// errorCase is an observation with an error, and the error.type and status that
// it is exported with.
type errorCase struct {
	kind   spotipie.ObservationKind
	err    error
	want   string
	status string // "" for none
}

func answer(status int, code string) *spotipie.TokenEndpointError {
	return &spotipie.TokenEndpointError{StatusCode: status, Code: code, Description: "words of the server"}
}

func storeError(op string, err error) error {
	return &spotipie.StoreError{Op: op, Key: spotipie.Key{ClientID: "id", Profile: profile}, Err: err}
}

func errorCases() map[string]errorCase {
	const (
		request = spotipie.ObservedTokenRequest
		renewal = spotipie.ObservedRenewal
		call    = spotipie.ObservedStoreCall
		wait    = spotipie.ObservedWait
	)
	unverified := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	get := func(err error) error {
		return fmt.Errorf("asking for a token: %w", &url.Error{Op: "Post", URL: "https://accounts.spotify.com/api/token", Err: err})
	}
	cases := map[string]errorCase{
		"answer with a code":          {request, answer(400, "invalid_grant"), "invalid_grant", "400"},
		"invalid client":              {request, answer(401, "invalid_client"), "invalid_client", "401"},
		"invalid request":             {request, answer(400, "invalid_request"), "invalid_request", "400"},
		"unauthorized client":         {request, answer(400, "unauthorized_client"), "unauthorized_client", "400"},
		"unsupported grant type":      {request, answer(400, "unsupported_grant_type"), "unsupported_grant_type", "400"},
		"invalid scope":               {request, answer(400, "invalid_scope"), "invalid_scope", "400"},
		"code that nobody knows":      {request, answer(400, profile), "400", "400"},
		"no code":                     {request, answer(503, ""), "503", "503"},
		"success that is no token":    {request, answer(200, ""), "invalid_answer", "200"},
		"status that HTTP has not":    {request, answer(999, ""), "invalid_answer", ""},
		"pause of an adapter":         {request, get(&spotipie.RateLimitError{StatusCode: 429}), "rate_limited", "429"},
		"pause without a request":     {request, get(&spotipie.RateLimitError{StatusCode: 429, NotSent: true}), "rate_limited", ""},
		"no answer in time":           {request, get(context.DeadlineExceeded), "timeout", ""},
		"deadline of a connection":    {request, get(os.ErrDeadlineExceeded), "timeout", ""},
		"timeout of a name server":    {request, get(&net.DNSError{IsTimeout: true}), "timeout", ""},
		"name that does not exist":    {request, get(&net.DNSError{Name: "accounts.spotify.com", IsNotFound: true}), "connection", ""},
		"connection that is refused":  {request, get(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), "connection", ""},
		"connection that is reset":    {request, get(syscall.ECONNRESET), "connection", ""},
		"connection that is cut":      {request, get(io.ErrUnexpectedEOF), "connection", ""},
		"connection that ends":        {request, get(io.EOF), "connection", ""},
		"connection that is closed":   {request, get(net.ErrClosed), "connection", ""},
		"certificate":                 {request, get(unverified), "tls", ""},
		"anything":                    {request, errors.New(profile), "_OTHER", ""},
		"refusal":                     {renewal, fmt.Errorf("%w: %w", spotipie.ErrReauthorizationRequired, answer(400, "invalid_grant")), "reauthorization_required", ""},
		"answer, and a failed save":   {renewal, errors.Join(answer(500, ""), storeError("save", io.EOF)), "500", ""},
		"nobody has logged in":        {wait, spotipie.ErrNotAuthorized, "not_authorized", ""},
		"expired":                     {wait, spotipie.ErrTokenExpired, "token_expired", ""},
		"nothing to refresh it with":  {wait, spotipie.ErrNoRefreshToken, "no_refresh_token", ""},
		"closed":                      {wait, spotipie.ErrClosed, "closed", ""},
		"caller that has gone":        {wait, fmt.Errorf("waiting for the token: %w", context.Canceled), "canceled", ""},
		"listener":                    {wait, &spotipie.ListenerError{Event: "token_updated", Err: errors.New(profile)}, "listener", ""},
		"record of somebody else":     {renewal, &spotipie.RecordMismatchError{Key: spotipie.Key{Profile: profile}, Reason: "flow"}, "record_mismatch", ""},
		"conflict":                    {call, storeError("save", spotipie.ErrVersionConflict), "version_conflict", ""},
		"store that is slow":          {call, storeError("load", context.DeadlineExceeded), "timeout", ""},
		"store that is gone":          {call, storeError("load", &net.OpError{Op: "read", Err: io.EOF}), "connection", ""},
		"store with words of its own": {call, storeError("load", errors.New(profile)), "_OTHER", ""},
		"renewal without the record":  {renewal, storeError("load", context.DeadlineExceeded), "store_load", ""},
		"operation that nobody knows": {renewal, storeError(profile, io.EOF), "store", ""},
	}
	for _, op := range []string{"load", "save", "delete", "lock", "unlock", "check", "watch"} {
		cases["wait for a store that fails to "+op] = errorCase{wait, storeError(op, io.EOF), "store_" + op, ""}
	}
	return cases
}

func TestErrorType(t *testing.T) {
	for name, test := range errorCases() {
		t.Run(name, func(t *testing.T) {
			r := record(t)
			ctx, end := r.request(t.Context())
			r.Observe(ctx, spotipie.Observation{
				Kind: test.kind, Op: map[bool]string{true: "load"}[test.kind == spotipie.ObservedStoreCall],
				Flow: spotipie.FlowAuthorizationCode, Start: time.Now(), Err: test.err,
			})
			end()
			attributes := map[attribute.Key]string{}
			for _, m := range r.scope(t) {
				for _, a := range points(t, m)[0].attributes.ToSlice() {
					attributes[a.Key] = a.Value.String()
				}
			}
			status := attributes["http.response.status_code"]
			if test.kind != spotipie.ObservedTokenRequest && status != "" {
				t.Errorf("status %s", status)
			}
			if attributes["error.type"] != test.want || status != test.status {
				t.Errorf("exported as %q with status %q, want %q with %q", attributes["error.type"], status, test.want, test.status)
			}
			if spans := r.spanLines(); len(spans) != 1 || !strings.Contains(spans[0], " Error {error.type="+test.want) {
				t.Errorf("spans %q", spans)
			}
		})
	}
}

// errorTypes returns all values of error.type except the statuses, sorted.
func errorTypes() []string {
	var types []string
	for _, test := range errorCases() {
		if strings.Trim(test.want, "0123456789") != "" {
			types = append(types, test.want)
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// TestValuesHaveABound checks that arbitrary observations give a limited number of values.
func TestValuesHaveABound(t *testing.T) {
	r := record(t)
	for _, kind := range append(kinds(t), "a kind of next year") {
		for n := range 2000 {
			text := fmt.Sprint(profile, n)
			var err error
			switch n % 4 {
			case 1:
				err = answer(n, text)
			case 2:
				err = storeError(text, errors.New(text))
			case 3:
				err = errors.New(text)
			}
			r.Observe(t.Context(), spotipie.Observation{
				Kind: kind, Op: text, Key: spotipie.Key{ClientID: text, Profile: text}, Flow: spotipie.Flow(text), Err: err,
			})
		}
	}
	series := map[string]int{}
	for _, m := range r.scope(t) {
		for _, p := range points(t, m) {
			series[m.Name]++
			if strings.Contains(pairs(p.attributes.ToSlice()), profile) {
				t.Errorf("%s has %s", m.Name, pairs(p.attributes.ToSlice()))
			}
		}
	}
	// Of the statuses 1, 5, 9 … of the observations, 125 are statuses of HTTP.
	if len(series) != len(kinds(t)) || series["spotipie.token_request.duration"] > 130 || series["spotipie.renewal.duration"] > 130 {
		t.Errorf("time series: %v", series)
	}
}
