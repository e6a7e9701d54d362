package testservices_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/testservices"
)

func TestNginxTakesUpstreamsInTurn(t *testing.T) {
	upstream := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
		t.Cleanup(s.Close)
		return s
	}
	one, two := upstream("one"), upstream("two")
	nginx := testservices.StartNginx(t, strings.TrimPrefix(one.URL, "http://"), strings.TrimPrefix(two.URL, "http://"))
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	get := func() string {
		resp, err := client.Get("http://" + nginx.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	count := make(map[string]int)
	for range 10 {
		count[get()]++
	}
	if count["one"] != 5 || count["two"] != 5 {
		t.Errorf("answers: %v, want 5 of each", count)
	}
	one.Close()
	for range 10 {
		if got := get(); got != "two" {
			t.Errorf("got %q from the upstream that is left", got)
		}
	}
}
