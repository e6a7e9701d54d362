package accounts

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
)

// noteKey is the key of the notes for [Options.Logger] in a request's context.
type noteKey struct{}

// notes is what the service learns about a request while it answers it.
type notes struct {
	attrs   []slog.Attr
	refusal string // by the authorization endpoint
}

// note adds to the request's line in the log, which must never have a secret.
// Values from the client are logged only if they cannot be secret, such as the
// client id of a registered app.
func note(r *http.Request, name, value string) {
	if n, ok := r.Context().Value(noteKey{}).(*notes); ok && value != "" {
		n.attrs = append(n.attrs, slog.String(name, value))
	}
}

func noteRefusal(r *http.Request, err error) {
	if n, ok := r.Context().Value(noteKey{}).(*notes); ok {
		n.refusal = err.Error()
	}
}

func noteClient(r *http.Request, app *App) {
	if app != nil {
		note(r, "client_id", app.ClientID)
	}
}

func noteUser(r *http.Request, user *User) {
	if user != nil {
		note(r, "user", user.ID)
	}
}

// logged answers a request and writes one line about it.
func (s *Service) logged(w http.ResponseWriter, r *http.Request) {
	n := &notes{}
	observed := &observedResponse{ResponseWriter: w}
	answered := false
	defer func() {
		attrs := append([]slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path)}, n.attrs...)
		if answered {
			attrs = append(attrs, slog.Int("status", observed.answer()))
		} else {
			attrs = append(attrs, slog.String("status", "cut"))
		}
		if reason := cmp.Or(n.refusal, observed.reason()); reason != "" {
			attrs = append(attrs, slog.String("error", reason))
		}
		s.opts.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
	}()
	s.route(observed, r.WithContext(context.WithValue(r.Context(), noteKey{}, n)))
	answered = true
}

// observedResponse keeps the status and the beginning of an error's body.
type observedResponse struct {
	http.ResponseWriter
	status int
	body   []byte
}

const maxObserved = 1 << 10

// WriteHeader implements [http.ResponseWriter].
func (o *observedResponse) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (o *observedResponse) Write(b []byte) (int, error) {
	if o.answer() >= http.StatusBadRequest && len(o.body) < maxObserved {
		o.body = append(o.body, b[:min(len(b), maxObserved-len(o.body))]...)
	}
	return o.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] reach the writer.
func (o *observedResponse) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *observedResponse) answer() int {
	if o.status == 0 {
		return http.StatusOK
	}
	return o.status
}

// reason returns why a request was refused: the text of the answer, if it
// repeats nothing that the client has sent.
func (o *observedResponse) reason() string {
	var flat struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	var nested struct {
		Error apiError `json:"error"`
	}
	switch {
	case len(o.body) == 0:
		return ""
	case json.Unmarshal(o.body, &flat) == nil && flat.Error == unsupportedGrantType:
		return flat.Error // its description repeats the grant type of the request
	case json.Unmarshal(o.body, &flat) == nil && o.isToken():
		return strings.TrimSuffix(flat.Error+": "+flat.Description, ": ")
	case json.Unmarshal(o.body, &nested) == nil && o.isRefusal():
		challenge := o.Header().Get("WWW-Authenticate")
		if _, description, ok := strings.Cut(challenge, `error_description="`); ok {
			description, _, _ = strings.Cut(description, `"`)
			return description
		}
		return strings.TrimSuffix(nested.Error.Message+": "+nested.Error.Reason, ": ")
	}
	return ""
}

// isToken reports whether the answer comes from /api/token.
func (o *observedResponse) isToken() bool { return o.Header().Get("Pragma") == "no-cache" }

// isRefusal reports whether the answer's text is one of the Web API's texts.
func (o *observedResponse) isRefusal() bool {
	switch o.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return false
}
