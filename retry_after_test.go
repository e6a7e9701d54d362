package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, time.November, 24, 10, 0, 0, 0, time.UTC)
	const year = 365 * 24 * time.Hour
	for name, tc := range map[string]struct {
		header string
		want   time.Duration
		ok     bool
	}{
		"seconds":                          {"11", 11 * time.Second, true},
		"hours, as seen from Spotify":      {"19056", 19056 * time.Second, true},
		"zero":                             {"0", 0, true},
		"leading zeros":                    {"0007", 7 * time.Second, true},
		"optional white space":             {" \t11\t ", 11 * time.Second, true},
		"exactly a year":                   {"31536000", year, true},
		"more than a year":                 {"31536001", year, true},
		"overflows a duration":             {"9223372037", year, true},
		"largest int64":                    {"9223372036854775807", year, true},
		"overflows int64":                  {"9223372036854775808", year, true},
		"a thousand digits":                {strings.Repeat("9", 1000), year, true},
		"a thousand zeros":                 {strings.Repeat("0", 1000), 0, true},
		"date, IMF fixdate":                {"Tue, 24 Nov 2026 10:01:30 GMT", 90 * time.Second, true},
		"date, RFC 850":                    {"Tuesday, 24-Nov-26 10:01:30 GMT", 90 * time.Second, true},
		"date, asctime":                    {"Tue Nov 24 10:01:30 2026", 90 * time.Second, true},
		"date with white space":            {" Tue, 24 Nov 2026 10:01:30 GMT ", 90 * time.Second, true},
		"date, now":                        {"Tue, 24 Nov 2026 10:00:00 GMT", 0, true},
		"date, passed":                     {"Tue, 24 Nov 2026 09:00:00 GMT", 0, true},
		"date, long passed":                {"Thu, 01 Jan 1970 00:00:00 GMT", 0, true},
		"date, before any time.Duration":   {"Mon, 01 Jan 0001 00:00:00 GMT", 0, true},
		"date, beyond a year":              {"Fri, 31 Dec 9999 23:59:59 GMT", year, true},
		"empty":                            {"", 0, false},
		"white space":                      {" \t ", 0, false},
		"negative":                         {"-5", 0, false},
		"negative zero":                    {"-0", 0, false},
		"plus sign":                        {"+5", 0, false},
		"fraction":                         {"1.5", 0, false},
		"exponent":                         {"1e9", 0, false},
		"hexadecimal":                      {"0x10", 0, false},
		"underscore":                       {"1_000", 0, false},
		"two values":                       {"1, 2", 0, false},
		"digits of another script":         {"١٢", 0, false},
		"a unit":                           {"5s", 0, false},
		"word":                             {"soon", 0, false},
		"date that does not exist":         {"Tue, 31 Nov 2026 10:00:00 GMT", 0, false},
		"date in another layout":           {"2026-11-24T10:01:30Z", 0, false},
		"line break":                       {"11\n", 0, false},
		"not UTF-8":                        {"\xff\xfe", 0, false},
		"no-break space is no white space": {"\u00a011", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := spotipie.ParseRetryAfter(tc.header, now)
			if got != tc.want || ok != tc.ok {
				t.Errorf("ParseRetryAfter(%.60q) = %v, %v; want %v, %v", tc.header, got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestParseRetryAfterCountsFromNow(t *testing.T) {
	date := time.Date(2026, time.November, 24, 10, 0, 0, 0, time.UTC)
	header := date.Format(http.TimeFormat)
	for _, ahead := range []time.Duration{0, time.Nanosecond, time.Second, 48 * time.Hour} {
		berlin := date.Add(-ahead).In(time.FixedZone("CET", 3600))
		if got, ok := spotipie.ParseRetryAfter(header, berlin); got != ahead || !ok {
			t.Errorf("%v before the date: got %v, %v", ahead, got, ok)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, header := range []string{
		"", "0", "11", "19056", " 7 ", "-1", "+1", "1.5", "9223372036854775808", "31536001", "soon",
		"Tue, 24 Nov 2026 10:01:30 GMT", "Tuesday, 24-Nov-26 10:01:30 GMT", "Tue Nov 24 10:01:30 2026",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "\xff", "1, 2",
	} {
		f.Add(header, int64(1795514400))
	}
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT", int64(-1<<63))
	f.Add("Thu, 01 Jan 1970 00:00:00 GMT", int64(1<<63-1))
	f.Fuzz(func(t *testing.T, header string, now int64) {
		d, ok := spotipie.ParseRetryAfter(header, time.Unix(now, 0))
		if d < 0 || d > 365*24*time.Hour {
			t.Errorf("%q at %d: %v is out of range", header, now, d)
		}
		if !ok && d != 0 {
			t.Errorf("%q at %d: a pause of %v without ok", header, now, d)
		}
		if again, okAgain := spotipie.ParseRetryAfter(" "+header+"\t", time.Unix(now, 0)); again != d || okAgain != ok {
			t.Errorf("%q at %d: white space around it changes the answer", header, now)
		}
	})
}

func TestRateLimitError(t *testing.T) {
	err := error(&spotipie.RateLimitError{
		RetryAfter: 19056 * time.Second, Limit: 30 * time.Second,
		StatusCode: http.StatusTooManyRequests, Err: context.DeadlineExceeded,
	})
	const want = "spotipie: rate limited: the server (429 Too Many Requests) asks for a pause of 5h17m36s, " +
		"longer than the 30s this request may wait: try again after the pause"
	if err.Error() != want {
		t.Errorf("Error() = %q, want %q", err, want)
	}
	var limit *spotipie.RateLimitError
	if wrapped := fmt.Errorf("get the profile: %w", err); !errors.As(wrapped, &limit) || limit.RetryAfter != 19056*time.Second {
		t.Errorf("errors.As does not find the error in %v", wrapped)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("errors.Is does not find what Err holds")
	}
	if errors.Is(&spotipie.RateLimitError{}, context.DeadlineExceeded) {
		t.Error("errors.Is finds a deadline where Err is nil")
	}

	unavailable := &spotipie.RateLimitError{RetryAfter: time.Hour, StatusCode: http.StatusServiceUnavailable}
	if strings.Contains(unavailable.Error(), "rate limited") {
		t.Errorf("a 503 is not a rate limit: %q", unavailable)
	}
}
