package accounts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	apiContentType  = "application/json; charset=utf-8"
	apiCacheControl = "private, max-age=0"
)

// The Web API's error messages.
const (
	messageRefusedToken = "Missing/invalid/expired access token"
	messageNotBearer    = "Only valid bearer authentication supported"
	messageScope        = "Insufficient client scope"
	messageUserRequired = "Valid user authentication required"
	messageNotFound     = "Service not found"
	messagePremium      = "Player command failed: Premium required"
)

// apiError is the Web API's error object. Reason is the player's and the
// quota's.
type apiError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"`
}

// writeAPIError answers in the Web API's form. The headers of what is not the
// token's fault are assumed from RFC 6750 section 3.
func writeAPIError(w http.ResponseWriter, status int, message string) {
	switch message {
	case messageNotBearer:
		w.Header().Set("WWW-Authenticate", challengeHeader("invalid_request", message))
	case messageUserRequired:
		w.Header().Set("WWW-Authenticate", bareChallenge)
	}
	writeAPIJSON(w, apiError{Status: status, Message: message})
}

func writeAPIJSON(w http.ResponseWriter, e apiError) {
	h := w.Header()
	h.Set("Content-Type", apiContentType)
	h.Set("Cache-Control", apiCacheControl)
	w.WriteHeader(e.Status)
	w.Write(marshal(map[string]apiError{"error": e}))
}

func writeAPIText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", apiCacheControl)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// send answers with v and its ETag, or with 304 when the client has it already
// (RFC 9110 section 13.1.2).
func (c *apiCall) send(v any) {
	body := marshal(v)
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := c.w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", apiCacheControl)
	h.Set("Vary", "Authorization")
	if matchesETag(c.r.Header.Values("If-None-Match"), etag) {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", apiContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	io.Copy(c.w, bytes.NewReader(body))
}

func matchesETag(headers []string, etag string) bool {
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}

func (c *apiCall) fail(status int, message string) { writeAPIError(c.w, status, message) }

// base is the scheme and host the client used, for absolute URLs.
func (c *apiCall) base() string {
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}
