package doctor_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/internal/doctor"
)

const accountsURL = "https://accounts.example"

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// dated answers after a while with a Date that is wrong by off.
func dated(after, off time.Duration) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(after)
		date := time.Now().Add(-after/2 - off).UTC().Format(http.TimeFormat)
		return answer(req, date), nil
	}
}

func answer(req *http.Request, date string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusNotFound, Header: http.Header{"Date": {date}},
		Body: io.NopCloser(strings.NewReader("")), Request: req,
	}
}

func TestClock(t *testing.T) {
	for name, test := range map[string]struct {
		transport   roundTrip
		system      string
		detail, fix string
	}{
		"right":           {dated(0, 0), "linux", "within 30s of that of https://accounts.example", ""},
		"a little off":    {dated(0, 29*time.Second), "linux", "within 30s", ""},
		"slow connection": {dated(7*time.Second, 0), "linux", "within 30s", ""},
		"hours ahead":     {dated(0, 2*time.Hour), "linux", "h0m", "timedatectl"},
		"behind":          {dated(0, -time.Minute), "darwin", "behind that of", "sntp"},
		"on Windows":      {dated(0, time.Hour), "windows", "ahead of", "w32tm"},
		"elsewhere":       {dated(0, time.Hour), "plan9", "ahead of", "time server"},
		"offline": {func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") },
			"linux", "no answer from https://accounts.example (no route to host)", "connection"},
		"no answer": {func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}, "linux", "nothing for 8s", "connection"},
		"no date": {func(req *http.Request) (*http.Response, error) { return answer(req, "today"), nil },
			"linux", "does not say what time", "in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				check(t, doctor.Clock(t.Context(), test.transport, accountsURL, test.system, time.Now), test.detail, test.fix)
			})
		})
	}
	t.Run("a practice service", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			check(t, doctor.Clock(t.Context(), dated(0, -time.Hour), "http://127.0.0.1:8888", "linux", time.Now), " behind that of http://127.0.0.1:8888", "its clock was moved")
		})
	})
	t.Run("no URL", func(t *testing.T) {
		check(t, doctor.Clock(context.Background(), dated(0, 0), "://", "linux", time.Now), "cannot be checked", "correct the URL")
	})
}
