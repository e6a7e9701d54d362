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

// controlRequest is what a method of the service does, by HTTP.
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
		{"POST", "deny", `{"times":1}`, "lets the next authorization requests be denied", (*Service).controlDeny},
		{"POST", "expire", `{"user":"ada"}`, "ends the access tokens of a user, or of everyone", (*Service).controlExpire},
		{"POST", "expire-refresh-tokens", `{"user":"ada"}`, "lets the six months of a user be over", (*Service).controlExpireRefreshTokens},
		{"POST", "revoke", `{"user":"ada"}`, "takes back a user's consent, as on the account page", (*Service).controlRevoke},
		{"POST", "faults", `{"kind":"rate_limited","target":"api","retry_after_seconds":11}`, "lets a coming request go wrong", (*Service).controlFault},
		{"DELETE", "faults", "", "forgets the faults that are still to come", (*Service).controlClearFaults},
		{"POST", "reset", `{}`, "makes everything as it was at the start", (*Service).controlReset},
	}
}

// controlError is the answer to a control request that cannot be carried out.
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

// serveControl carries out a control request, if [Options.Control] allows them.
func (s *Service) serveControl(w http.ResponseWriter, r *http.Request) {
	if !s.opts.Control {
		serveControlError(w, http.StatusNotFound, "control requests are off; spotipie serve has them with --control, and package accounts with Options.Control")
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

// notFromHere returns why a request may not come from a program on this
// machine, or "". It checks the Host because a page can make its own name point
// to this machine.
func notFromHere(r *http.Request) string {
	switch {
	case !isLoopback(r.RemoteAddr):
		return "this one comes from another"
	case !isLoopback(r.Host) && !strings.EqualFold(hostname(r.Host), "localhost"):
		return fmt.Sprintf("its Host is %q, not a loopback address or localhost", r.Host)
	case r.Header.Get("Origin") != "":
		return "this one has an Origin, as those of a page in a browser do"
	case r.Header.Get("Sec-Fetch-Site") != "":
		return "this one was made by a browser"
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(header) != "" {
			return "a proxy has passed this one on (" + header + ")"
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
