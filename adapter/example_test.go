package adapter_test

import (
	"context"
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

	// With a session: session.Mount("https://api.spotify.com/", retry)
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

// The cache outside, the retries inside.
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
