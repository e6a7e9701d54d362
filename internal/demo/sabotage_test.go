package demo_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// changing returns a wrapper that changes the answers to some requests.
func changing(applies func(*http.Request) bool, change func(*httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !applies(r) {
				service.ServeHTTP(w, r)
				return
			}
			answer := record(service, r)
			change(answer)
			send(w, answer)
		})
	}
}

func anyRequest(*http.Request) bool { return true }

func under(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, path) }
}

func replaceBody(old, new string) func(*httptest.ResponseRecorder) {
	return func(answer *httptest.ResponseRecorder) {
		changed := bytes.ReplaceAll(answer.Body.Bytes(), []byte(old), []byte(new))
		answer.Body = bytes.NewBuffer(changed)
		answer.Header().Del("Content-Length")
	}
}

func onBody(old, new string) func(http.Handler) http.Handler {
	return changing(anyRequest, replaceBody(old, new))
}

func onAPI(old, new string) func(http.Handler) http.Handler {
	return changing(under("/v1/"), replaceBody(old, new))
}

func onToken(old, new string) func(http.Handler) http.Handler {
	return changing(under("/api/token"), replaceBody(old, new))
}

func onRedirect(old, new string) func(http.Handler) http.Handler {
	return onHeader("Location", old, new)
}

func onHeader(name, old, new string) func(http.Handler) http.Handler {
	return changing(anyRequest, func(answer *httptest.ResponseRecorder) {
		if value := answer.Header().Get(name); value != "" {
			answer.Header().Set(name, strings.Replace(value, old, new, 1))
		}
	})
}

// answerTo answers requests for exactly path without asking the service.
func answerTo(path string, status int, body string) func(http.Handler) http.Handler {
	return func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				service.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
}

// twice makes every refresh count twice, as if two callers had asked. The first one
// fails, so that the second still works if tokens rotate.
func twice(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/token" && isRefresh(r) {
			vain := httptest.NewRequest(http.MethodPost, "/api/token",
				strings.NewReader("grant_type=refresh_token&client_id=nobody&refresh_token=none"))
			vain.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			record(service, vain)
		}
		service.ServeHTTP(w, r)
	})
}

// sameAccessToken answers every refresh with the first access token.
func sameAccessToken(service http.Handler) http.Handler {
	var mu sync.Mutex
	first := ""
	return changing(under("/api/token"), func(answer *httptest.ResponseRecorder) {
		var object map[string]any
		if json.Unmarshal(answer.Body.Bytes(), &object) != nil {
			return
		}
		token, _ := object["access_token"].(string)
		if token == "" {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if first == "" {
			first = token
		}
		replaceBody(token, first)(answer)
	})(service)
}

// noRedirectOfAPI answers an API request with 200 that should be redirected.
func noRedirectOfAPI(service http.Handler) http.Handler {
	return changing(under("/v1/"), func(answer *httptest.ResponseRecorder) {
		if answer.Header().Get("Location") != "" {
			answer.Code = http.StatusOK
			answer.Header().Del("Location")
			answer.Body = bytes.NewBufferString("{}")
		}
	})(service)
}
