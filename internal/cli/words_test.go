package cli_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                     "0s",
		400 * time.Millisecond:                "0s",
		59 * time.Second:                      "59s",
		time.Minute:                           "1m",
		59*time.Minute + 58*time.Second:       "59m 58s",
		time.Hour:                             "1h",
		3*time.Hour + 5*time.Minute:           "3h 5m",
		47*time.Hour + 59*time.Minute:         "47h 59m",
		181*24*time.Hour + 23*time.Hour:       "181 days",
		time.Hour - 400*time.Millisecond:      "1h",
		2*time.Minute - 1000*time.Millisecond: "1m 59s",
	} {
		if got := cli.Span(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestClosest(t *testing.T) {
	names := []string{"user-library-read", "user-library-modify", "streaming", "a"}
	for word, want := range map[string]string{
		"user-library-red":  "user-library-read",
		"user_library_read": "user-library-read",
		"streeming":         "streaming",
		"everything":        "",
		"b":                 "",
		"":                  "",
	} {
		if got := cli.Closest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
