package spotipie

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// APIError is an answer of the Web API that is not a success, in Spotify's
// words (https://developer.spotify.com/documentation/web-api/concepts/api-calls).
type APIError struct {
	StatusCode int           // HTTP status
	Message    string        // Spotify's message; the beginning of the body if that is plain text
	Reason     string        // such as PREMIUM_REQUIRED; only the player gives one
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

// CheckResponse makes an [*APIError] of an answer of the Web API whose status
// is 400 or more, and closes its body then. Of any other answer it makes
// nothing: it returns nil and leaves the body to be read.
func CheckResponse(resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	defer resp.Body.Close()
	e := &APIError{StatusCode: resp.StatusCode}
	e.RetryAfter, _ = ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		e.Message = "reading its message failed"
		return e
	}
	e.Message, e.Reason = apiErrorFields(resp.Header.Get("Content-Type"), body)
	sent := sentToken(resp.Request)
	e.Message, e.Reason = foreignText(e.Message, sent), foreignText(e.Reason, sent)
	return e
}

// apiErrorFields reads the nested JSON that the Web API documents, the flat
// JSON of the accounts service, and plain text.
func apiErrorFields(contentType string, body []byte) (message, reason string) {
	var answer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil {
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
