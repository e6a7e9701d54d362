package demo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spotipie/spotipie/internal/demo"
)

// tell runs the demo and returns its output.
func tell(t *testing.T, wrap func(http.Handler) http.Handler) (string, error) {
	t.Helper()
	var story strings.Builder
	err := demo.Run(t.Context(), &story, &demo.Options{Wrap: wrap})
	return story.String(), err
}

func TestStory(t *testing.T) {
	var seen secrets
	story, err := tell(t, seen.wrap)
	if err != nil {
		t.Fatalf("Run: %v\n%s", err, story)
	}
	for line := range strings.SplitSeq(story, "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
	if strings.Contains(story, "\x1b") {
		t.Error("the story is not plain")
	}
	steps := strings.Count(story, "  ✓ ")
	if steps < 35 || strings.Contains(story, "✗") {
		t.Errorf("%d steps with a tick:\n%s", steps, story)
	}
	facts := regexp.MustCompile(`(?m)^  ✓ .{46}  \S.*$`)
	if aligned := len(facts.FindAllString(story, -1)); aligned != steps {
		t.Errorf("%d of %d steps have a fact in its column:\n%s", aligned, steps, story)
	}
}

func TestStoryShowsNoSecret(t *testing.T) {
	var seen secrets
	story, err := tell(t, seen.wrap)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	kinds := map[string]int{}
	for secret, kind := range seen.all {
		kinds[kind]++
		if strings.Contains(story, secret) {
			t.Errorf("the story shows a secret: %s", kind)
		}
	}
	for _, kind := range secretKeys {
		if kinds[kind] == 0 {
			t.Errorf("no %s passed by, so this test shows nothing about them", kind)
		}
	}
}

// sabotage are ways to make a service misbehave. Steps of the demo must notice each
// of them; otherwise they check nothing.
var sabotage = map[string]struct {
	wrap   func(http.Handler) http.Handler
	failed []string // steps
}{
	"refusals of codes and refresh tokens are vague": {
		onToken(`"error":"invalid_grant"`, `"error":"none"`),
		[]string{"A stolen code gets no token", "Ada removes the app: she must agree again"},
	},
	"the API is down for good": {
		answerTo("/v1/me", http.StatusNotFound, `{"error":{"status":404,"message":"Service not found"}}`),
		[]string{
			"An API request brings her profile", "An API request brings Ada's profile",
			"Token refused: renewed, and request repeated", "She agrees again, and it works",
			"A redirect to another port goes without it",
		},
	},
	"it is somebody else's profile": {
		onAPI(`"display_name":"Ada"`, `"display_name":"Eve"`),
		[]string{
			"An API request brings her profile", "An API request brings Ada's profile",
			"Token refused: renewed, and request repeated", "She agrees again, and it works",
		},
	},
	"search is down": {
		answerTo("/v1/search", http.StatusServiceUnavailable, `{}`),
		[]string{"The first request fetches a token"},
	},
	"saved tracks are missing": {
		answerTo("/v1/me/tracks", http.StatusOK, `{"items":[]}`),
		[]string{"An API request brings her saved tracks"},
	},
	"a consent cannot be refused": {
		onRedirect("error=access_denied", "error=server_error"),
		[]string{"Ada presses Cancel"},
	},
	"the state comes back changed": {
		onRedirect("state=", "state=x"),
		[]string{
			"Ada agrees: the code is swapped for a token", "Old rules: the callback has a token",
			"Fresh: it comes from memory", "A redirect to another port goes without it",
		},
	},
	"every refresh is asked for twice": {
		twice,
		[]string{"Listeners are told of the new token", "Token refused: renewed, and request repeated"},
	},
	"refresh tokens are never replaced": {
		changing(isRefresh, replaceBody(`"refresh_token":"`, `"unknown":"`)),
		[]string{"A service that rotates: each is replaced"},
	},
	"refreshing gives the old access token": {
		sameAccessToken,
		[]string{
			"Listeners are told of the new token", "A refresh without a new one keeps the old",
		},
	},
	"the implicit grant is refused in other words": {
		onBody("response_type must be code", "not today"),
		[]string{"Today's rules: it is refused at once"},
	},
	"it asks to wait a minute, not an hour": {
		onHeader("Retry-After", "3600", "60"),
		[]string{"Pause of an hour: an error, not a sleep"},
	},
	"it redirects to itself": {
		noRedirectOfAPI,
		[]string{"A redirect to another port goes without it"},
	},
}

func TestSabotageIsNoticed(t *testing.T) {
	for name, test := range sabotage {
		t.Run(name, func(t *testing.T) {
			story, err := tell(t, test.wrap)
			var failed *demo.FailedError
			if !errors.As(err, &failed) {
				t.Fatalf("Run: got %v, want *FailedError\n%s", err, story)
			}
			if failed.Passed == 0 || failed.Failed < len(test.failed) {
				t.Errorf("got %+v, want at least %d failed and some passed", *failed, len(test.failed))
			}
			for _, step := range test.failed {
				if !strings.Contains(story, "  ✗ "+step+"\n      ") {
					t.Errorf("not noticed by: %s", step)
				}
			}
			if t.Failed() {
				t.Log(story)
			}
			if strings.Contains(story, "steps checked") || !strings.Contains(story, "steps failed") {
				t.Errorf("the end does not tell of the failure:\n%s", story)
			}
		})
	}
}

// The output of a failed step must not contain a secret either.
func TestFailureShowsNoSecret(t *testing.T) {
	for name, test := range sabotage {
		t.Run(name, func(t *testing.T) {
			var seen secrets
			story, err := tell(t, func(h http.Handler) http.Handler { return seen.wrap(test.wrap(h)) })
			if err == nil {
				t.Fatal("Run: no error")
			}
			for secret, kind := range seen.all {
				if strings.Contains(story+err.Error(), secret) {
					t.Errorf("a secret shows: %s", kind)
				}
			}
		})
	}
}

func TestHangingServiceIsAFailure(t *testing.T) {
	var story strings.Builder
	err := demo.Run(t.Context(), &story, &demo.Options{
		StepLimit: 20 * time.Millisecond,
		Wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // otherwise the context would not end with the connection
				<-r.Context().Done()
			})
		},
	})
	var failed *demo.FailedError
	if !errors.As(err, &failed) || failed.Passed > 0 {
		t.Errorf("got %v, want all steps failed\n%s", err, story.String())
	}
}

func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	var story strings.Builder
	err := demo.Run(ctx, &story, &demo.Options{Wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel(why)
			h.ServeHTTP(w, r)
		})
	}})
	if !errors.Is(err, why) {
		t.Errorf("Run: got %v, want the cause", err)
	}
	if strings.Contains(story.String(), "✗") || strings.Contains(story.String(), "steps") {
		t.Errorf("the interruption is told as a result:\n%s", story.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe is gone") }

func TestBrokenWriter(t *testing.T) {
	err := demo.Run(t.Context(), brokenWriter{}, nil)
	if err == nil || !strings.Contains(err.Error(), "writing the output: pipe is gone") {
		t.Errorf("Run: got %v, want the writer's error", err)
	}
}
