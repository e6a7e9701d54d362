package demo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secrets collects every secret in the requests and answers of an accounts service.
type secrets struct {
	mu  sync.Mutex
	all map[string]string // secret to kind
}

// secretKeys are the parameters and JSON keys whose values nobody may see.
var secretKeys = []string{
	"access_token", "refresh_token", "code", "code_verifier", "code_challenge", "state", "client_secret",
}

func (s *secrets) add(kind, secret string) {
	if secret == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]string{}
	}
	s.all[secret] = kind
}

func (s *secrets) addQuery(query string) {
	values, _ := url.ParseQuery(query)
	for _, key := range secretKeys {
		for _, value := range values[key] {
			s.add(key, value)
		}
	}
}

func (s *secrets) wrap(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.addQuery(r.URL.RawQuery)
		s.addQuery(string(body))
		if _, secret, ok := r.BasicAuth(); ok {
			s.add("client_secret", secret)
		}
		answer := record(service, r)
		if location, err := url.Parse(answer.Header().Get("Location")); err == nil {
			s.addQuery(location.RawQuery)
			s.addQuery(location.EscapedFragment())
		}
		var object map[string]any
		if json.Unmarshal(answer.Body.Bytes(), &object) == nil {
			for _, key := range secretKeys {
				value, _ := object[key].(string)
				s.add(key, value)
			}
		}
		send(w, answer)
	})
}

// record lets service answer a request, and returns the answer.
func record(service http.Handler, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	service.ServeHTTP(answer, r)
	return answer
}

func send(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// isRefresh reports whether r asks for a token by a refresh token, and leaves
// its body as it was.
func isRefresh(r *http.Request) bool {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return strings.Contains(string(body), "grant_type=refresh_token")
}
