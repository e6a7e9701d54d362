package adapter_test

import (
	"net/http"
	"testing"

	"github.com/spotipie/spotipie/adapter"
)

// TestCacheForgetsWhatWasUnderWayDuringAChange: an answer that was asked for
// before a change and comes after it is not kept.
func TestCacheForgetsWhatWasUnderWayDuringAChange(t *testing.T) {
	asked := 0
	var cache http.RoundTripper
	cache = adapter.NewCache(roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodPut {
			return status(204)(req)
		}
		if asked++; asked == 1 { // meanwhile the same user changes it
			send(t, cache, newRequest(t, http.MethodPut, apiURL, nil))
		}
		return status(200, "Cache-Control", "max-age=3600")(req)
	}), nil)
	for range 2 {
		send(t, cache, newRequest(t, http.MethodGet, apiURL, nil))
	}
	if asked != 2 {
		t.Errorf("the server was asked %d times, want 2: the first answer is from before the change", asked)
	}
	send(t, cache, newRequest(t, http.MethodGet, apiURL, nil))
	if asked != 2 {
		t.Error("the second answer was not kept")
	}
}
