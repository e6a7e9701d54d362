package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/pausefile"
)

// pausePath is where pauses are kept from one run to the next, or empty.
func (s *settings) pausePath() string {
	if s.configPath == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(s.configPath), pausefile.Name)
}

// pauses are those that the services have asked of the app in this run and
// earlier ones. A file that cannot be read is passed over with a note.
func (s *settings) pauses() []adapter.PauseState {
	pauses, err := pausefile.Read(s.pausePath(), s.ClientID.value, time.Now())
	if err != nil && !s.pausesNoted {
		s.pausesNoted = true
		s.sayWrapped("Note: pauses that Spotify has asked for earlier are not known: %s.", plain(err))
	}
	return pauses
}

// apiPause is the pause of the Web API, or nil.
func (s *settings) apiPause() *adapter.PauseState {
	u, err := url.Parse(s.APIURL.value)
	if err != nil {
		return nil
	}
	for _, pause := range s.pauses() {
		if pause.Host == adapterHost(u) {
			return &pause
		}
	}
	return nil
}

// adapterHost is the host of u as package adapter names it.
func adapterHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	}
	return host
}

// newPause returns a transport that fails requests at once while the service
// wants to be left alone, and remembers that for later runs. With ignore it does
// not heed what was asked in earlier ones, and forgets it when an answer shows
// that it is over.
func (s *settings) newPause(ignore bool) http.RoundTripper {
	pause := adapter.NewPause(s.transport(), &adapter.PauseOptions{OnPause: s.keepPause})
	if ignore {
		return forgetful{s, pause}
	}
	pause.Restore(s.pauses()...)
	return pause
}

// keepPause is for adapter.PauseOptions.OnPause.
func (s *settings) keepPause(ctx context.Context, pause adapter.PauseState) {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	if err := pausefile.Add(ctx, s.pausePath(), s.ClientID.value, pause, time.Now()); err != nil {
		s.debug.printf("the pause is not remembered: %s", plain(err))
	}
}

// mountPause makes a session heed pauses of the Web API. Token requests are not
// held up by them, even where one address stands for both services.
func (s *settings) mountPause(session spotipie.Session) error {
	return session.Mount(s.APIURL.value+"/v1/", awaitable{s.cmd.Context(), s.newPause(false)})
}

// forgetful forgets a pause that turns out to be over.
type forgetful struct {
	settings *settings
	base     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (f forgetful) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f.base.RoundTrip(req)
	if err != nil || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
		return resp, err
	}
	s, host := f.settings, adapterHost(req.URL)
	isHost := func(p adapter.PauseState) bool { return p.Host == host }
	if slices.ContainsFunc(s.pauses(), isHost) {
		ctx, cancel := uninterrupted(req.Context())
		defer cancel()
		if err := pausefile.Remove(ctx, s.pausePath(), s.ClientID.value, host, time.Now()); err != nil {
			s.debug.printf("a pause that is over is not forgotten: %s", plain(err))
		}
	}
	return resp, nil
}

// explainLimit says until when a service wants to be left alone, or returns "".
func (s *settings) explainLimit(e *spotipie.RateLimitError, maxWait time.Duration) string {
	if e.QuotaExceeded() {
		if e.NotSent {
			return plain(e) + s.ignoreAdvice()
		}
		return plain(e)
	}
	if e.RetryAfter <= 0 {
		return ""
	}
	until := fmt.Sprintf("until %s (%s from now)", clockTime(time.Now().Add(e.RetryAfter)), cli.Span(e.RetryAfter))
	switch {
	case e.NotSent:
		return fmt.Sprintf("too many requests: Spotify has asked for a pause %s, so the request was not sent%s", until, s.ignoreAdvice())
	case e.Limit > 0:
		return fmt.Sprintf("too many requests: Spotify asks for a pause %s, longer than --max-wait %s", until, maxWait)
	}
	return fmt.Sprintf("too many requests: Spotify asks for a pause %s", until)
}

func (s *settings) ignoreAdvice() string {
	return "; 'spotipie api --ignore-pause' asks all the same"
}

// clockTime is a moment as people write it.
func clockTime(t time.Time) string { return t.Local().Format("2 January 2006 15:04") }

// pauseWords says what a pause is and until when.
func pauseWords(p *adapter.PauseState) string {
	why := "too many requests"
	if p.Reason == spotipie.ReasonQuotaExceeded {
		why = "the quota is used up"
	}
	return fmt.Sprintf("paused until %s (%s from now): %s", clockTime(p.Until), cli.Span(time.Until(p.Until)), why)
}

// limitOf finds a rate limit in an error.
func limitOf(err error) *spotipie.RateLimitError {
	var limited *spotipie.RateLimitError
	if errors.As(err, &limited) {
		return limited
	}
	return nil
}
