package spotipie

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// APIError is an answer of the Web API that is not a success, with Spotify's
// message
// (https://developer.spotify.com/documentation/web-api/concepts/api-calls).
//
// For 429 Too Many Requests the error is a [*RateLimitError]. [errors.As] finds
// an *APIError in that too, so a program that handles all refusals in the same
// way needs only this type.
type APIError struct {
	StatusCode int           // HTTP status
	Message    string        // Spotify's message; the beginning of the body if that is plain text
	Reason     string        // such as PREMIUM_REQUIRED; only the player and a quota give one
	RetryAfter time.Duration // how long a 429 or 503 asks to wait; 0 if it does not
}

func (e *APIError) Error() string {
	msg := fmt.Sprintf("spotipie: the Web API answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if e.Message != "" {
		msg += ": " + e.Message
	}
	if e.Reason != "" {
		msg += " (" + e.Reason + ")"
	}
	if e.RetryAfter > 0 {
		msg += fmt.Sprintf(" (try again in %s)", e.RetryAfter)
	}
	return msg
}

// CheckResponse returns an error for an answer of the Web API whose status is
// 400 or more, and closes its body. For any other answer it returns nil, and
// the caller can read the body.
//
// The error is an [*APIError], or a [*RateLimitError] if the status is 429,
// whether or not package adapter's retries are in use. [errors.As] finds an
// *APIError in both.
//
// It reads at most 16 KiB of the body, for at most a second.
func CheckResponse(resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	e := apiErrorOf(resp)
	if e.StatusCode != http.StatusTooManyRequests {
		return e
	}
	limit := &RateLimitError{
		RetryAfter: e.RetryAfter, StatusCode: e.StatusCode,
		Reason: e.Reason, Message: e.Message, Since: time.Now(),
	}
	if limit.RetryAfter > 0 {
		limit.Until = limit.Since.Add(limit.RetryAfter)
	}
	return limit
}

// apiErrorOf reads the refusal that resp is, and closes its body.
func apiErrorOf(resp *http.Response) *APIError {
	e := &APIError{StatusCode: resp.StatusCode}
	e.RetryAfter, _ = ParseRetryAfter(resp.Header.Get("Retry-After"), answeredAt(resp, time.Now()))
	body, err := errorBody(resp.Body)
	if err != nil && len(body) == 0 {
		e.Message = "reading its message failed"
		return e
	}
	e.Message, e.Reason = apiErrorFields(resp.Header.Get("Content-Type"), body)
	sent := sentToken(resp.Request)
	e.Message, e.Reason = foreignText(e.Message, sent), foreignText(e.Reason, sent)
	return e
}

// errorBodyTime is how long the body of an error may take.
const errorBodyTime = time.Second

// errorBody reads the part of body that an error needs, and closes it. If the
// body takes too long, closing it ends the read.
func errorBody(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	closed := sync.OnceFunc(func() { _ = body.Close() })
	defer closed()
	defer time.AfterFunc(errorBodyTime, closed).Stop()
	return io.ReadAll(io.LimitReader(body, maxErrorBody))
}

// apiErrorFields reads the nested JSON that the Web API documents, the flat
// JSON of the accounts service, and plain text.
func apiErrorFields(contentType string, body []byte) (message, reason string) {
	var answer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	// Unlike Unmarshal, Decode needs only the first value, not the end of the
	// body.
	if json.NewDecoder(bytes.NewReader(body)).Decode(&answer) != nil {
		if strings.HasPrefix(contentType, "text/html") {
			return "", ""
		}
		return string(body), ""
	}
	var nested struct {
		Message string `json:"message"`
		Reason  string `json:"reason"`
	}
	if json.Unmarshal(answer.Error, &nested) == nil {
		return nested.Message, nested.Reason
	}
	var code string
	_ = json.Unmarshal(answer.Error, &code)
	return strings.TrimSuffix(code+": "+answer.Description, ": "), ""
}
