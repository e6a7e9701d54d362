package accounts

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Target is the part of the service that a [Fault] happens in.
type Target string

// The targets of faults.
const (
	TargetAny       Target = ""          // whichever gets the next request
	TargetAuthorize Target = "authorize" // GET and POST /authorize
	TargetToken     Target = "token"     // POST /api/token
	TargetAPI       Target = "api"       // everything under /v1/
)

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of faults.
const (
	// FaultSlow waits for [Fault.Delay] and then answers as usual.
	FaultSlow FaultKind = "slow"
	// FaultRateLimited is 429 with Retry-After and the JSON body of 2025.
	FaultRateLimited FaultKind = "rate_limited"
	// FaultRateLimitedPlain is 429 with Retry-After and the 17 bytes "Too many
	// requests" without a Content-Type, as the gateway before the API sends it.
	FaultRateLimitedPlain FaultKind = "rate_limited_plain"
	// FaultQuotaExceeded is the API's 429 for a developer account in
	// development mode that has used up its quota, since 2026-07-23: the reason
	// is QUOTA_EXCEEDED, and Retry-After is a day unless [Fault.RetryAfter] is
	// set. [DevelopmentMode.DailyQuota] sets a real quota.
	FaultQuotaExceeded FaultKind = "quota_exceeded"
	// FaultServerError is a 5xx: [Fault.Status], or 503.
	FaultServerError FaultKind = "server_error"
	// FaultCut closes the connection without an answer, before the request has
	// any effect.
	FaultCut FaultKind = "cut"
	// FaultTruncated processes the request and closes the connection in the
	// middle of the answer. So a code is used up, or a refresh token rotated,
	// without the client learning of it.
	FaultTruncated FaultKind = "truncated"
	// FaultHTML is 200 with an HTML page instead of JSON, as from a captive
	// portal.
	FaultHTML FaultKind = "html"
	// FaultInvalidJSON is 200 with a JSON content type and a body that is not
	// JSON.
	FaultInvalidJSON FaultKind = "invalid_json"
	// FaultRevoked answers a refresh with "Refresh token revoked" although the
	// token is valid, as in Spotify's outages. [Service.RevokeUser] really
	// revokes. FaultRevoked is for refreshes only.
	FaultRevoked FaultKind = "revoked"
	// FaultExpired answers a refresh with "Refresh token expired", and an API
	// request with 401 "The access token expired", although the token is valid.
	FaultExpired FaultKind = "expired"
	// FaultUserNotRegistered is the API's 403 for a user who is not on a
	// development app's list. Plain text.
	FaultUserNotRegistered FaultKind = "user_not_registered"
	// FaultOwnerNotPremium is the API's 403 for an app whose owner has no
	// Premium, since 2026. Plain text of 159 bytes.
	FaultOwnerNotPremium FaultKind = "owner_not_premium"
	// FaultEndpointRemoved is the API's 403 "Forbidden" for an endpoint that
	// development mode no longer has.
	FaultEndpointRemoved FaultKind = "endpoint_removed"
	// FaultRespond answers with the Status, Header and Body of the fault.
	FaultRespond FaultKind = "respond"
)

// Fault is something that goes wrong on purpose; see [Service.QueueFault].
type Fault struct {
	Kind   FaultKind
	Target Target

	// Path, when set, limits the fault to requests of one path, such as
	// "/v1/me/tracks"; a slash at the end makes no difference. It must be a path
	// of Target, if that is set.
	Path string

	// Times is how many requests a queued fault is for. Default: one.
	Times int

	// Every, when set, makes the fault happen on every n-th request of its
	// target until [Service.ClearFaults]. Times is ignored then.
	Every int

	// Delay is how long to wait before anything else, on a real timer. It ends
	// early with the request's context. Every kind may have one.
	Delay time.Duration

	// RetryAfter goes into the header of the 429 kinds, in whole seconds
	// rounded up. Default: one second, for FaultQuotaExceeded a day.
	RetryAfter time.Duration

	// Status is for FaultServerError (default 503) and FaultRespond (default
	// 200).
	Status int

	// Header and Body are for FaultRespond.
	Header http.Header
	Body   string
}

// maxFaults is how many faults may be prepared at the same time.
const maxFaults = 1_000

// faults are the prepared faults. Service.mu guards them.
type faults struct {
	queue []Fault
	rates []*faultRate
}

type faultRate struct {
	fault Fault
	seen  int
}

// QueueFault prepares a fault. Without Every it happens on the next request (or
// the next Times requests) of its target, after the faults queued before it.
// With Every it happens on every n-th request. Queued faults come first, and a
// request gets at most one fault. QueueFault fails for a kind that is unknown
// or that the target cannot have, a negative number, a status outside 200 to
// 599, a header that HTTP does not allow, and if a thousand faults are prepared
// already.
func (s *Service) QueueFault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	f.Header = f.Header.Clone()
	f.Times = max(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults.queue)+len(s.faults.rates) >= maxFaults {
		return fmt.Errorf("accounts: %d faults are prepared already, and no more are possible", maxFaults)
	}
	if f.Every > 0 {
		s.faults.rates = append(s.faults.rates, &faultRate{fault: f})
	} else {
		s.faults.queue = append(s.faults.queue, f)
	}
	return nil
}

// ClearFaults removes all faults, queued or with Every.
func (s *Service) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults{}
}

func (f Fault) check() error {
	switch f.Target {
	case TargetAny, TargetAuthorize, TargetToken, TargetAPI:
	default:
		return fmt.Errorf("accounts: unknown fault target %q", f.Target)
	}
	var targets []Target
	switch f.Kind {
	case FaultSlow, FaultRateLimited, FaultRateLimitedPlain, FaultServerError, FaultCut,
		FaultTruncated, FaultHTML, FaultInvalidJSON, FaultRespond:
		targets = []Target{TargetAny, TargetAuthorize, TargetToken, TargetAPI}
	case FaultRevoked:
		targets = []Target{TargetAny, TargetToken}
	case FaultExpired:
		targets = []Target{TargetAny, TargetToken, TargetAPI}
	case FaultUserNotRegistered, FaultOwnerNotPremium, FaultQuotaExceeded, FaultEndpointRemoved:
		targets = []Target{TargetAny, TargetAPI}
	default:
		return fmt.Errorf("accounts: unknown fault %q", f.Kind)
	}
	if !slices.Contains(targets, f.Target) {
		return fmt.Errorf("accounts: fault %q is not possible for target %q", f.Kind, f.Target)
	}
	if f.Path != "" && !strings.HasPrefix(f.Path, "/") {
		return fmt.Errorf("accounts: the path %q of fault %q does not start with a slash", f.Path, f.Kind)
	}
	of := targetOf(f.Path)
	if possible := of != TargetAny && slices.Contains(targets, of) && (f.Target == TargetAny || f.Target == of); f.Path != "" && !possible {
		return fmt.Errorf("accounts: fault %q for target %q and the path %q would never happen: "+
			"target authorize has the path /authorize, token has /api/token, and api has those under /v1/", f.Kind, f.Target, f.Path)
	}
	if err := f.checkHeader(); err != nil {
		return err
	}
	return f.checkNumbers()
}

// targetOf returns the target of requests of a path, or [TargetAny] if no fault is
// possible there.
func targetOf(path string) Target {
	switch path = strings.TrimSuffix(path, "/"); {
	case isAuthorizePath(path):
		return TargetAuthorize
	case path == "/api/token":
		return TargetToken
	case strings.HasPrefix(path, "/v1/"):
		return TargetAPI
	}
	return TargetAny
}

// checkHeader checks the header by RFC 9110 sections 5.1 and 5.5.
func (f Fault) checkHeader() error {
	for name, values := range f.Header {
		malformed := name == "" || strings.ContainsFunc(name, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
		})
		for _, value := range values {
			malformed = malformed || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
		}
		if malformed {
			return fmt.Errorf("accounts: HTTP does not allow the header %q of fault %q", name, f.Kind)
		}
	}
	return nil
}

func (f Fault) checkNumbers() error {
	if f.Times < 0 || f.Every < 0 || f.Delay < 0 || f.RetryAfter < 0 {
		return fmt.Errorf("accounts: fault %q has a negative number", f.Kind)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("accounts: fault %q has status %d, not one of 200 to 599", f.Kind, f.Status)
	}
	return nil
}

// target is a request for which a fault may be prepared.
type target struct {
	part      Target
	grantType string // of a request to /api/token
}

// strikes reports whether the fault applies to a request.
func (f Fault) strikes(at target, path string) bool {
	if f.Target != TargetAny && f.Target != at.part {
		return false
	}
	if f.Path != "" && strings.TrimSuffix(f.Path, "/") != strings.TrimSuffix(path, "/") {
		return false
	}
	switch f.Kind {
	case FaultRevoked:
		return at.grantType == grantRefreshToken
	case FaultExpired:
		return at.part == TargetAPI || at.grantType == grantRefreshToken
	case FaultUserNotRegistered, FaultOwnerNotPremium, FaultQuotaExceeded, FaultEndpointRemoved:
		return at.part == TargetAPI
	}
	return true
}

func (s *Service) takeFault(at target, path string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var struck *Fault
	for _, rate := range s.faults.rates {
		if !rate.fault.strikes(at, path) {
			continue
		}
		if rate.seen++; rate.seen%rate.fault.Every == 0 && struck == nil {
			struck = &rate.fault
		}
	}
	for i := range s.faults.queue {
		f := s.faults.queue[i]
		if !f.strikes(at, path) {
			continue
		}
		if s.faults.queue[i].Times--; s.faults.queue[i].Times == 0 {
			s.faults.queue = slices.Delete(s.faults.queue, i, i+1)
		}
		return f, true
	}
	if struck == nil {
		return Fault{}, false
	}
	return *struck, true
}
