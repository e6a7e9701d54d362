package doctor_test

import (
	"net/http"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/doctor"
)

func TestMode(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		detail string // empty: not known
	}{
		"development":  {http.StatusForbidden, `{"error":{"status":403,"message":"Forbidden"}}`, "development mode: five users at most"},
		"extended":     {http.StatusOK, `{"markets":["SE"]}`, "extended quota"},
		"another 403":  {http.StatusForbidden, `{"error":{"status":403,"message":"no"}}`, ""},
		"no owner":     {http.StatusForbidden, "Active premium subscription required for the owner of the app.", ""},
		"no endpoint":  {http.StatusNotFound, `{"error":{"status":404,"message":"Service not found"}}`, ""},
		"rate limited": {http.StatusTooManyRequests, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, session := signedIn(t)
			queue(server, accounts.Fault{Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Status: test.status, Body: test.body})
			result, known := doctor.Mode(t.Context(), using(session, nil))
			if known != (test.detail != "") {
				t.Fatalf("got %+v, %t", result, known)
			}
			if known {
				check(t, result, test.detail, "")
			}
		})
	}
	if result, known := doctor.Mode(t.Context(), using(nil, spotipie.ErrNotAuthorized)); known {
		t.Errorf("nobody is signed in, and yet %+v", result)
	}
}
