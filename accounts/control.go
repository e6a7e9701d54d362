package accounts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

const servicePath = "/_service/"

// controlRequest is a method of the service that can be called by HTTP.
type controlRequest struct {
	method, name string
	example      string // a body
	does         string
	handle       func(s *Service, body []byte) (answer any, err error)
}

// controlRequests are all control requests. The page at / lists them.
func controlRequests() []controlRequest {
	return []controlRequest{
		{"POST", "advance", `{"seconds":3600}`, "moves the clock forward", (*Service).controlAdvance},
		{"POST", "consent", `{"authorization_url":"…","user":"grace"}`, "agrees to an authorization request and returns its callback_url", (*Service).controlConsent},
		{"POST", "approve", `{"user":"grace"}`, `agrees to every authorization request from now on; "" shows the page again`, (*Service).controlApprove},
		{"POST", "deny", `{"times":1}`, "denies the next authorization requests", (*Service).controlDeny},
		{"POST", "expire", `{"user":"ada"}`, "expires the access tokens of a user, or of all users", (*Service).controlExpire},
		{"POST", "expire-refresh-tokens", `{"user":"ada"}`, "expires the refresh tokens of a user, as after six months", (*Service).controlExpireRefreshTokens},
		{"POST", "revoke", `{"user":"ada"}`, "revokes a user's consent, as on the account page", (*Service).controlRevoke},
		{"POST", "faults", `{"kind":"rate_limited","target":"api","retry_after_seconds":11}`, "makes a later request go wrong", (*Service).controlFault},
		{"DELETE", "faults", "", "removes all prepared faults", (*Service).controlClearFaults},
		{"POST", "reset", `{}`, "resets everything to the state at the start", (*Service).controlReset},
	}
}

// controlError is the answer to a control request that fails.
type controlError struct {
	Status  int    `json:"-"`
	Message string `json:"error"`
}

func (e *controlError) Error() string { return e.Message }

func serveControlError(w http.ResponseWriter, status int, format string, args ...any) {
	writeControl(w, status, &controlError{Message: fmt.Sprintf(format, args...)})
}

func writeControl(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", apiContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(marshal(answer))
}

// serveControl answers a control request, if [Options.Control] allows them.
func (s *Service) serveControl(w http.ResponseWriter, r *http.Request) {
	if !s.opts.Control {
		serveControlError(w, http.StatusNotFound, "control requests are off; turn them on with spotipie serve --control, or in package accounts with Options.Control")
		return
	}
	if reason := notFromHere(r); reason != "" {
		serveControlError(w, http.StatusForbidden, "control requests are for programs on this machine: %s", reason)
		return
	}
	request, allowed := findControlRequest(r)
	switch {
	case request != nil:
	case len(allowed) > 0:
		methodNotAllowed(w, allowed...)
		serveControlError(w, http.StatusMethodNotAllowed, "%s takes %s, not %s", r.URL.Path, strings.Join(allowed, " or "), r.Method)
		return
	default:
		serveControlError(w, http.StatusNotFound, "there is no control request %s; the page at / lists them", r.URL.Path)
		return
	}
	body, err := controlBody(w, r, request)
	if err != nil {
		writeControl(w, err.Status, err)
		return
	}
	answer, failure := request.handle(s, body)
	if failure != nil {
		serveControlError(w, http.StatusBadRequest, "%s", strings.TrimPrefix(failure.Error(), "accounts: "))
		return
	}
	writeControl(w, http.StatusOK, answer)
}

func findControlRequest(r *http.Request) (request *controlRequest, allowed []string) {
	name := strings.TrimPrefix(r.URL.Path, servicePath)
	for _, c := range controlRequests() {
		if c.name != name {
			continue
		}
		if c.method == r.Method {
			return &c, nil
		}
		allowed = append(allowed, c.method)
	}
	return nil, allowed
}

// notFromHere returns "" if a request comes from a program on this machine, and
// otherwise why it seems not to. It checks the Host because a page can make its
// own name point to this machine.
func notFromHere(r *http.Request) string {
	switch {
	case !isLoopback(r.RemoteAddr):
		return "this request comes from another machine"
	case !isLoopback(r.Host) && !strings.EqualFold(hostname(r.Host), "localhost"):
		return fmt.Sprintf("its Host is %q, which is neither a loopback address nor localhost", r.Host)
	case r.Header.Get("Origin") != "":
		return "this request has an Origin, so it comes from a page in a browser"
	case r.Header.Get("Sec-Fetch-Site") != "":
		return "this request comes from a browser"
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(header) != "" {
			return "this request comes through a proxy (" + header + ")"
		}
	}
	return ""
}

// isLoopback reports whether an address, with a port or without one, is a
// loopback IP literal.
func isLoopback(address string) bool {
	ip, err := netip.ParseAddr(hostname(address))
	return err == nil && ip.Unmap().IsLoopback()
}

func hostname(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
}

// controlBody reads the body of a request that has one. It takes only JSON with
// the content type of JSON, which a form of a page in a browser cannot send.
func controlBody(w http.ResponseWriter, r *http.Request, request *controlRequest) ([]byte, *controlError) {
	if request.example == "" {
		return nil, nil
	}
	if !isJSON(r) {
		return nil, &controlError{http.StatusUnsupportedMediaType,
			"send JSON with the header Content-Type: application/json, such as " + request.example}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &controlError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	case err != nil:
		return nil, &controlError{http.StatusBadRequest, "the body could not be read"}
	}
	return body, nil
}

// decodeControl reads a body strictly: one JSON object with known fields only.
func decodeControl(body []byte, into any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return errors.New("the body is not a JSON object")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("the body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body has more than one JSON object")
	}
	return nil
}
