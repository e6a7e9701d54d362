package adapter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/adapter"
)

// TestPauseIsCarriedOver saves a pause as JSON and restores it in a Pause of another
// process, which starts later.
func TestPauseIsCarriedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		base := &script{answers: []func(*http.Request) (*http.Response, error){quota("Retry-After", "86400")}}
		first := adapter.NewPause(base, nil)
		send(t, first, newRequest(t, "GET", apiURL, nil))
		send(t, first, newRequest(t, "GET", "http://127.0.0.1:8080/v1/me", nil))
		time.Sleep(time.Hour)
		saved, err := json.Marshal(first.Pauses())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		var states []adapter.PauseState
		if err := json.Unmarshal(saved, &states); err != nil {
			t.Fatal(err)
		}
		second := adapter.NewPause(base, &adapter.PauseOptions{OnPause: func(context.Context, adapter.PauseState) { t.Error("told of a pause that is known") }})
		second.Restore(states...)
		for _, url := range []string{apiURL, "http://127.0.0.1:8080/v1/search"} {
			limit := notSent(t, second, newRequest(t, "GET", url, nil))
			if limit.RetryAfter != 21*time.Hour || !limit.Since.Equal(start) || !limit.QuotaExceeded() || limit.Message != "Too many requests" {
				t.Errorf("%s: %+v", url, limit)
			}
		}
		second.End("127.0.0.1:8080")
		second.End("API.spotify.com")
		second.End("unknown")
		if pauses := second.Pauses(); len(pauses) != 0 {
			t.Errorf("ended, and yet %v", pauses)
		}
	})
}

// TestZeroPause checks that it says what is wrong.
func TestZeroPause(t *testing.T) {
	pause := &adapter.Pause{}
	pause.Restore(adapter.PauseState{Host: "api.spotify.com", Until: time.Now().Add(time.Hour)})
	pause.End("api.spotify.com")
	pause.CloseIdleConnections()
	content := &body{Reader: strings.NewReader("content")}
	_, _, err := try(pause, newRequest(t, "PUT", apiURL, content))
	if err == nil || !strings.Contains(err.Error(), "make it with NewPause") || !content.closed || pause.Pauses() != nil {
		t.Errorf("got %v, %v; body closed: %t", pause.Pauses(), err, content.closed)
	}
}

func TestPauseRestore(t *testing.T) {
	now := time.Now().Round(0)
	state := func(since, until time.Duration) adapter.PauseState {
		return adapter.PauseState{Host: "api.spotify.com", Since: now.Add(since), Until: now.Add(until)}
	}
	for name, tc := range map[string]struct {
		states []adapter.PauseState
		left   time.Duration
	}{
		"under way":                         {[]adapter.PauseState{state(-time.Hour, time.Hour)}, time.Hour},
		"over":                              {[]adapter.PauseState{state(-time.Hour, -time.Second)}, 0},
		"just over":                         {[]adapter.PauseState{state(-time.Hour, 0)}, 0},
		"begun in the future: clock set":    {[]adapter.PauseState{state(100*time.Hour, 101*time.Hour)}, time.Hour},
		"longer than can be":                {[]adapter.PauseState{state(-time.Hour, 999*time.Hour)}, 24 * time.Hour},
		"the year 9999":                     {[]adapter.PauseState{{Host: "api.spotify.com", Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}}, 24 * time.Hour},
		"as far as time goes":               {[]adapter.PauseState{{Host: "api.spotify.com", Since: time.Unix(math.MinInt64, 0), Until: time.Unix(1<<60, 0)}}, 24 * time.Hour},
		"no beginning":                      {[]adapter.PauseState{{Host: "api.spotify.com", Until: now.Add(time.Hour)}}, time.Hour},
		"ends before it begins":             {[]adapter.PauseState{state(2*time.Hour, time.Hour)}, 0},
		"nothing in it":                     {[]adapter.PauseState{{}}, 0},
		"no host":                           {[]adapter.PauseState{{Until: now.Add(time.Hour)}}, 0},
		"no end":                            {[]adapter.PauseState{{Host: "api.spotify.com", Since: now}}, 0},
		"host in upper case":                {[]adapter.PauseState{{Host: "API.Spotify.com", Until: now.Add(time.Hour)}}, time.Hour},
		"the later of two, first":           {[]adapter.PauseState{state(0, 2*time.Hour), state(0, time.Hour)}, 2 * time.Hour},
		"the later of two, last":            {[]adapter.PauseState{state(0, time.Hour), state(0, 2*time.Hour)}, 2 * time.Hour},
		"none":                              {nil, 0},
		"another host's is another's pause": {[]adapter.PauseState{{Host: "accounts.spotify.com", Until: now.Add(time.Hour)}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			pause := adapter.NewPauseWithClocks(adapter.NewPause(roundTripper(status(200)), nil),
				func() time.Time { return now }, func() time.Duration { return time.Minute })
			pause.Restore(tc.states...)
			if tc.left == 0 {
				send(t, pause, newRequest(t, "GET", apiURL, nil))
				return
			}
			limit := notSent(t, pause, newRequest(t, "GET", apiURL, nil))
			if limit.RetryAfter != tc.left || !limit.Until.Equal(now.Add(tc.left)) || limit.Since.After(now) {
				t.Errorf("got %+v, want %v", limit, tc.left)
			}
		})
	}
}

// TestPauseAndTheComputersTime corrects the clock by hours. That must neither end nor
// prolong a pause, and the pause that is reported and saved must be right by the new
// time.
func TestPauseAndTheComputersTime(t *testing.T) {
	for _, correction := range []time.Duration{-30 * 24 * time.Hour, -time.Hour, time.Hour, 30 * 24 * time.Hour} {
		t.Run(correction.String(), func(t *testing.T) {
			wall, monotonic := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), time.Duration(0)
			pass := func(d time.Duration) { wall, monotonic = wall.Add(d), monotonic+d }
			base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "20520"), status(200)}}
			pause := adapter.NewPauseWithClocks(adapter.NewPause(base, nil),
				func() time.Time { return wall }, func() time.Duration { return monotonic })
			send(t, pause, newRequest(t, "GET", apiURL, nil))
			pass(520 * time.Second)
			wall = wall.Add(correction)
			want := adapter.PauseState{
				Host: "api.spotify.com", Since: wall.Add(-520 * time.Second), Until: wall.Add(20000 * time.Second), Message: "answer 429",
			}
			if got := pause.Pauses(); !reflect.DeepEqual(got, []adapter.PauseState{want}) {
				t.Errorf("after the correction: %+v, want %+v", got, want)
			}
			pass(20000*time.Second - 1)
			if limit := notSent(t, pause, newRequest(t, "GET", apiURL, nil)); limit.RetryAfter != 1 {
				t.Errorf("at its end: %v", limit.RetryAfter)
			}
			pass(1)
			send(t, pause, newRequest(t, "GET", apiURL, nil))
		})
	}
}

// TestPauseConcurrently calls all methods at the same time, for the race detector.
func TestPauseConcurrently(t *testing.T) {
	pause := adapter.NewPause(roundTripper(status(429, "Retry-After", "1")), &adapter.PauseOptions{
		ProbeInterval: time.Microsecond, OnPause: func(context.Context, adapter.PauseState) {},
	})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			host := fmt.Sprintf("host%d.test", i%2)
			for range 200 {
				if resp, err := pause.RoundTrip(newRequest(t, "GET", "https://"+host, nil)); err == nil {
					_ = resp.Body.Close()
				}
				pause.Restore(pause.Pauses()...)
				if i == 0 {
					pause.End(host)
				}
			}
		})
	}
	group.Wait()
}

func FuzzPauseRestore(f *testing.F) {
	f.Add(`[{"host":"api.spotify.com","since":"2026-11-24T10:00:00Z","until":"2026-11-25T10:00:00Z","reason":"QUOTA_EXCEEDED"}]`)
	f.Add(`[{"host":"[::1]:80","until":"9999-12-31T23:59:59Z"},{},{"host":"\u0000"},{"host":"a@b/c?d#e","since":"0001-01-01T00:00:00Z"}]`)
	f.Add(`[{"host":"API.SPOTIFY.COM:443","since":"9999-12-31T23:59:59+23:59","until":"0000-01-01T00:00:00Z"}]`)
	f.Fuzz(func(t *testing.T, saved string) {
		var states []adapter.PauseState
		if json.Unmarshal([]byte(saved), &states) != nil {
			return
		}
		pause := adapter.NewPause(roundTripper(status(200)), nil)
		pause.Restore(states...)
		for _, s := range pause.Pauses() {
			left := time.Until(s.Until)
			if s.Host == "" || left <= 0 || left > 24*time.Hour || s.Since.After(time.Now()) {
				t.Errorf("restored %+v of %q", s, saved)
			}
			pause.End(s.Host)
		}
		if left := pause.Pauses(); len(left) != 0 {
			t.Errorf("cannot end %+v of %q", left, saved)
		}
	})
}
