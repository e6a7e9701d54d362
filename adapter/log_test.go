package adapter_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// TestEventsInALog: what OnRetry and OnPause get can be logged as it is.
func TestEventsInALog(t *testing.T) {
	since := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		event      slog.LogValuer
		text, json string
	}{
		"a retry after an answer": {
			adapter.Retry{Attempt: 1, Wait: 2 * time.Second, StatusCode: 429, Method: "GET", URL: "https://api.spotify.com/v1/me"},
			"e.attempt=1 e.wait=2s e.status=429 e.method=GET e.url=https://api.spotify.com/v1/me\n",
			`"e":{"attempt":1,"wait":2000000000,"status":429,"method":"GET","url":"https://api.spotify.com/v1/me"}}` + "\n",
		},
		"a retry without an answer": {
			adapter.Retry{Attempt: 2, Wait: time.Second, Err: errors.New("no route"), Method: "PUT", URL: "https://api.spotify.com/v1/me"},
			"e.attempt=2 e.wait=1s e.error=\"no route\" e.method=PUT e.url=https://api.spotify.com/v1/me\n",
			`"e":{"attempt":2,"wait":1000000000,"error":"no route","method":"PUT","url":"https://api.spotify.com/v1/me"}}` + "\n",
		},
		"a pause": {
			adapter.PauseState{Host: "api.spotify.com", Since: since, Until: since.Add(time.Minute)},
			"e.host=api.spotify.com e.since=2026-11-27T12:00:00.000Z e.until=2026-11-27T12:01:00.000Z\n",
			`"e":{"host":"api.spotify.com","since":"2026-11-27T12:00:00Z","until":"2026-11-27T12:01:00Z"}}` + "\n",
		},
		"a quota": {
			adapter.PauseState{Host: "h", Since: since, Until: since, Reason: spotipie.ReasonQuotaExceeded, Message: "used up"},
			"e.host=h e.since=2026-11-27T12:00:00.000Z e.until=2026-11-27T12:00:00.000Z e.reason=" + spotipie.ReasonQuotaExceeded + " e.message=\"used up\"\n",
			`"reason":"` + spotipie.ReasonQuotaExceeded + `","message":"used up"}}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var text, json strings.Builder
			slog.New(slog.NewTextHandler(&text, nil)).Info("x", "e", test.event)
			slog.New(slog.NewJSONHandler(&json, nil)).Info("x", "e", test.event)
			if !strings.HasSuffix(text.String(), test.text) {
				t.Errorf("got %s, want %s", text.String(), test.text)
			}
			if !strings.HasSuffix(json.String(), test.json) {
				t.Errorf("got %s, want %s", json.String(), test.json)
			}
		})
	}
}
