package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// A server that is busy at first.
func ExampleNewRetry() {
	busy := 2
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if busy > 0 {
			busy--
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "here you are")
	}))
	defer server.Close()

	// With a session: session.Mount("/", retry)
	retry := adapter.NewRetry(nil, &adapter.RetryOptions{InitialBackoff: 10 * time.Millisecond})
	client := &http.Client{Transport: retry}
	defer client.CloseIdleConnections()

	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(content), err)
	// Output: 200 here you are <nil>
}

// A server that asks for a pause of more than five hours.
func ExampleNewRetry_rateLimit() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "19056")
		http.Error(w, "Too many requests", http.StatusTooManyRequests)
	}))
	defer server.Close()

	client := &http.Client{Transport: adapter.NewRetry(nil, nil)}
	defer client.CloseIdleConnections()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Do(req)
	var limit *spotipie.RateLimitError
	if errors.As(err, &limit) {
		fmt.Println("come back in", limit.RetryAfter)
		return
	}
	defer resp.Body.Close()
	// Output: come back in 5h17m36s
}

// The cache is outside, and the retries are inside.
func ExampleNewCache() {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Cache-Control", "private, max-age=3600")
		fmt.Fprintf(w, "answer %d", asked)
	}))
	defer server.Close()

	cache := adapter.NewCache(adapter.NewRetry(nil, nil), nil)
	client := &http.Client{Transport: cache}
	defer client.CloseIdleConnections()

	for _, token := range []string{"first user", "first user", "second user"} {
		req, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		content, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%s: %s %v %q\n", token, content, err, resp.Header.Get("Cache-Status"))
	}
	// Output:
	// first user: answer 1 <nil> ""
	// first user: answer 1 <nil> "spotipie; hit"
	// second user: answer 2 <nil> ""
}

// The order of all three: the cache is outside, then come the retries, and the pause is
// inside.
func Example() {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/v1/search" { // too many of those
			w.Header().Set("Retry-After", "20520")
			http.Error(w, "Too many requests", http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Cache-Control", "private, max-age=3600")
		fmt.Fprint(w, "an album")
	}))
	defer server.Close()

	pause := adapter.NewPause(nil, nil)
	retry := adapter.NewRetry(pause, nil)
	cache := adapter.NewCache(retry, nil)
	client := &http.Client{Transport: cache}
	defer client.CloseIdleConnections()

	for _, path := range []string{"/v1/albums/1", "/v1/search", "/v1/me", "/v1/albums/1"} {
		resp, err := client.Get(server.URL + path)
		var limit *spotipie.RateLimitError
		if errors.As(err, &limit) {
			fmt.Printf("%s: wait for more than 5 hours: %t; not sent: %t\n", path, limit.RetryAfter > 5*time.Hour, limit.NotSent)
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		content, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%s: %s %v %q\n", path, content, err, resp.Header.Get("Cache-Status"))
	}
	fmt.Println("the server was asked", asked, "times")
	// Output:
	// /v1/albums/1: an album <nil> ""
	// /v1/search: wait for more than 5 hours: true; not sent: false
	// /v1/me: wait for more than 5 hours: true; not sent: true
	// /v1/albums/1: an album <nil> "spotipie; hit"
	// the server was asked 2 times
}

// One run of a program gets a pause and saves it, and the next run restores it.
func ExamplePause_Restore() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`)
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()

	var file []byte // of this app
	run := func() {
		var known []adapter.PauseState
		if err := json.Unmarshal(file, &known); err != nil && file != nil {
			fmt.Println(err)
		}
		pause := adapter.NewPause(nil, nil)
		pause.Restore(known...)

		resp, err := (&http.Client{Transport: pause}).Get(server.URL)
		if err == nil {
			err = spotipie.CheckResponse(resp)
		}
		var limit *spotipie.RateLimitError
		if errors.As(err, &limit) {
			fmt.Println(limit.Reason, "not sent:", limit.NotSent)
		}
		if file, err = json.Marshal(pause.Pauses()); err != nil {
			fmt.Println(err)
		}
	}
	run()
	run()
	// Output:
	// QUOTA_EXCEEDED not sent: false
	// QUOTA_EXCEEDED not sent: true
}

// There is a limit for each attempt and one for all of them. OnRetry prints each retry.
func ExampleRetryOptions() {
	busy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if busy {
			busy = false
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()

	retry := adapter.NewRetry(nil, &adapter.RetryOptions{
		AttemptTimeout: 10 * time.Second,
		TotalTimeout:   time.Minute,
		OnRetry: func(_ context.Context, r adapter.Retry) {
			fmt.Println("attempt", r.Attempt, "of", r.Method, "failed:", r.StatusCode, r.Err)
		},
	})
	client := &http.Client{Transport: retry}
	defer client.CloseIdleConnections()

	resp, err := client.Get(server.URL + "/v1/me")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// attempt 1 of GET failed: 503 <nil>
	// 200
}
