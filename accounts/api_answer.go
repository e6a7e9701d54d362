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
	messageForbidden    = "Forbidden"
	messageInvalidID    = "Invalid base62 id"
	messageRateLimited  = "API rate limit exceeded"
	messageTooMany      = "Too many requests"
)

// The reasons that some errors also have.
const (
	reasonPremium = "PREMIUM_REQUIRED"
	reasonQuota   = "QUOTA_EXCEEDED"
)

// The texts that are sent without JSON.
const (
	textUserNotRegistered = "User not registered in the Developer Dashboard"
	textOwnerNotPremium   = "Active premium subscription required for the owner of the app. " +
		"When the subscription status changes, it can take a few hours before requests are allowed again."
)

// apiError is the Web API's error object. Only errors of the player and the
// quota have a Reason.
type apiError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"`
}

// writeAPIError answers in the Web API's form. For errors that are not about
// the token, the headers are assumed from RFC 6750 section 3.
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
	body := c.encoded(v)
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

// sendStatus answers with v and a status that is not 200.
func (c *apiCall) sendStatus(status int, v any) {
	h := c.w.Header()
	h.Set("Cache-Control", apiCacheControl)
	h.Set("Content-Type", apiContentType)
	c.w.WriteHeader(status)
	c.w.Write(c.encoded(v))
}

// done answers without a body.
func (c *apiCall) done(status int) {
	c.w.Header().Set("Cache-Control", apiCacheControl)
	c.w.WriteHeader(status)
}

// encoded is the JSON of v as the app's mode shows it.
func (c *apiCall) encoded(v any) []byte {
	body := marshal(v)
	if c.development {
		body = withoutDropped(body)
	}
	return body
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
func (c *apiCall) base() string { return baseURL(c.r) }

// baseURL is the scheme and host the client used, for absolute URLs.
func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
