// Package debuglog implements --debug: it writes to stderr the settings, the
// requests, and the errors of work that is tried again in the background. It
// leaves out secrets.
package debuglog

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

// Log shows requests without their secrets.
type Log struct {
	mu sync.Mutex
	w  io.Writer
}

// New returns a log that writes to w.
func New(w io.Writer) *Log { return &Log{w: w} }

// Printf writes one line, with the control characters of terminals escaped. A
// nil Log writes nothing. It is safe for concurrent use.
func (d *Log) Printf(format string, args ...any) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintln(d.w, "debug: "+cli.Printable(fmt.Sprintf(format, args...)))
}

// Failed is for spotipie.Options.OnError.
func (d *Log) Failed(err error) { d.Printf("%s", failure.Plain(err)) }

// Transport sends requests with http.DefaultTransport and logs them.
func (d *Log) Transport() http.RoundTripper { return debugTransport{d} }

type debugTransport struct{ log *Log }

// RoundTrip implements http.RoundTripper.
func (t debugTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.log.Printf("> %s %s%s", req.Method, shownURL(req.URL), shownForm(req))
	began := time.Now()
	resp, err := http.DefaultTransport.RoundTrip(req)
	took := time.Since(began).Round(time.Millisecond)
	if err != nil {
		t.log.Printf("< %s after %s", err, took)
		return resp, err
	}
	retry := ""
	if after := resp.Header.Get("Retry-After"); after != "" {
		retry = ", Retry-After " + after
	}
	t.log.Printf("< %s after %s%s", resp.Status, took, retry)
	return resp, nil
}

// shownURL returns a URL without the values of its query.
func shownURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.RawQuery == "" {
		return shown.String()
	}
	return shown.String() + "?" + shownValues(u.Query())
}

// shownValues returns the names of the parameters, and the values of those that
// are not secret.
func shownValues(values url.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := "…"
		switch name {
		case "grant_type", "response_type", "redirect_uri", "scope", "client_id", "code_challenge_method",
			"limit", "offset", "market", "type", "ids", "q":
			value = strings.Join(values[name], ",")
		}
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, "&")
}

func shownForm(req *http.Request) string {
	const maxForm = 64 << 10
	if req.GetBody == nil || req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return ""
	}
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxForm))
	if err != nil {
		return ""
	}
	values, err := url.ParseQuery(string(data))
	if err != nil {
		return ""
	}
	return " " + shownValues(values)
}
