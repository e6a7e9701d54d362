package testservices

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// PassTokenRequest passes a token request on to an accounts service, for a test that
// keeps account of the tokens. It calls before with the form of the request, and after
// with the service's answer before the client gets it.
func PassTokenRequest(service http.Handler, w http.ResponseWriter, r *http.Request, before func(form url.Values), after func(form url.Values, answer *httptest.ResponseRecorder)) {
	body, err := io.ReadAll(r.Body)
	form, parseErr := url.ParseQuery(string(body))
	if err != nil || parseErr != nil {
		http.Error(w, "the test cannot read this token request", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	before(form)
	answer := httptest.NewRecorder()
	service.ServeHTTP(answer, r)
	after(form, answer)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
