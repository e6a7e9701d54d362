package accounts

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// withFault answers a request with the fault that is prepared for it, or calls
// answer. It is called after the request's body has been read, so that the
// context ends when the client disconnects.
func (s *Service) withFault(w http.ResponseWriter, r *http.Request, at target, answer func(http.ResponseWriter)) {
	f, struck := s.takeFault(at, r.URL.Path)
	if !struck {
		answer(w)
		return
	}
	note(r, "fault", string(f.Kind))
	if !wait(r.Context(), f.Delay) {
		s.countLost(at.part)
		return
	}
	switch f.Kind {
	case FaultSlow:
		answer(w)
	case FaultTruncated:
		held := &heldResponse{header: w.Header()}
		answer(held)
		held.sendHalf(w)
	case FaultCut:
		s.countLost(at.part)
		panic(http.ErrAbortHandler) // net/http then closes the connection, silently
	default:
		s.countLost(at.part)
		s.respond(w, f, at.part)
	}
}

// countLost counts a token request that a fault has stopped.
func (s *Service) countLost(target Target) {
	if target == TargetToken {
		s.mu.Lock()
		s.stats.Rejected++
		s.mu.Unlock()
	}
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Service) respond(w http.ResponseWriter, f Fault, target Target) {
	h := w.Header()
	switch f.Kind {
	case FaultRateLimited:
		writeRateLimited(w, f.RetryAfter)
	case FaultQuotaExceeded:
		retryAfter := f.RetryAfter
		if retryAfter == 0 {
			retryAfter = quotaWindow
		}
		writeQuotaExceeded(w, retryAfter)
	case FaultRateLimitedPlain:
		h["Content-Type"] = nil
		h.Set("Retry-After", wholeSeconds(f.RetryAfter))
		h.Set("Cache-Control", apiCacheControl)
		h.Set("Server", "envoy")
		f.write(w, http.StatusTooManyRequests, messageTooMany)
	case FaultServerError:
		f.serverError(w, target)
	case FaultHTML:
		h.Set("Content-Type", "text/html; charset=utf-8")
		f.write(w, http.StatusOK, "<!doctype html><title>Welcome</title><p>Please log in to the network.")
	case FaultInvalidJSON:
		h.Set("Content-Type", apiContentType)
		f.write(w, http.StatusOK, `{"access_token":`)
	case FaultRevoked:
		writeTokenJSON(w, http.StatusBadRequest, marshal(errRefreshRevoked))
	case FaultExpired:
		if target == TargetToken {
			writeTokenJSON(w, http.StatusBadRequest, marshal(errRefreshExpired))
			return
		}
		s.refuseToken(w, tokenExpired)
	case FaultUserNotRegistered:
		writeAPIText(w, http.StatusForbidden, textUserNotRegistered)
	case FaultOwnerNotPremium:
		writeAPIText(w, http.StatusForbidden, textOwnerNotPremium)
	case FaultEndpointRemoved:
		writeAPIError(w, http.StatusForbidden, messageForbidden)
	case FaultRespond:
		for name, values := range f.Header {
			h[name] = values
		}
		f.write(w, http.StatusOK, f.Body)
	}
}

// serverError answers in the form of the endpoint. What /api/token says in an
// outage is unknown; the code it used for a 415 is assumed.
func (f Fault) serverError(w http.ResponseWriter, target Target) {
	status := f.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	switch target {
	case TargetToken:
		writeTokenJSON(w, status, marshal(&tokenError{Code: serverError}))
	case TargetAuthorize:
		writePage(w, status, http.StatusText(status))
	default:
		writeAPIError(w, status, http.StatusText(status))
	}
}

func (f Fault) write(w http.ResponseWriter, status int, body string) {
	if f.Status != 0 && f.Kind == FaultRespond {
		status = f.Status
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	w.Write([]byte(body))
}

// heldResponse collects an answer, so that half of it can be sent.
type heldResponse struct {
	header http.Header
	status int
	body   []byte
}

func (h *heldResponse) Header() http.Header { return h.header }

func (h *heldResponse) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldResponse) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	h.body = append(h.body, b...)
	return len(b), nil
}

// sendHalf promises the whole body, sends half, and cuts the connection. An
// answer without a body is cut before it starts.
func (h *heldResponse) sendHalf(w http.ResponseWriter) {
	if len(h.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(h.body)))
		w.WriteHeader(h.status)
		w.Write(h.body[:len(h.body)/2])
		_ = http.NewResponseController(w).Flush() // not every writer supports this; the cut follows anyway
	}
	panic(http.ErrAbortHandler)
}
