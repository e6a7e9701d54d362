package serve

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// The endpoints in the help of serve exist: they ask for a token, and do not answer
// 404 or 405.
func TestServeHelpNamesWhatIsThere(t *testing.T) {
	service, err := accounts.New(&accounts.Options{
		Apps: []accounts.App{{ClientID: "app", RedirectURIs: []string{defaultRedirectURI}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^  ([A-Z]+) (/v1/\S+)`).FindAllStringSubmatch(New().Long, -1)
	if len(named) != 7 {
		t.Errorf("got %d operations, want 7: %q", len(named), named)
	}
	for _, operation := range named {
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), operation[1], operation[2], nil))
		if answer.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: got %d, want %d", operation[1], operation[2], answer.Code, http.StatusUnauthorized)
		}
	}
}
