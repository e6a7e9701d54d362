package web

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// answerJSON is the answer to programs, in place of a page.
type answerJSON struct {
	Error       string          `json:"error"`
	Description string          `json:"error_description"`
	Missing     spotipie.Scopes `json:"missing,omitempty"`
	LoginURL    string          `json:"login_url,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, answer answerJSON) {
	body, err := json.Marshal(answer)
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// wantsJSON reports whether a program makes the request, which cannot use a
// page. Browsers mark the visit of a page as such (Fetch Metadata).
func wantsJSON(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode != "navigate"
	}
	wants := false
	for accepted := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, _, err := mime.ParseMediaType(accepted)
		switch {
		case err != nil:
		case kind == "text/html":
			return false
		case kind == "application/json" || strings.HasSuffix(kind, "+json"):
			wants = true
		}
	}
	return wants
}

// seconds formats a duration for Retry-After.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
