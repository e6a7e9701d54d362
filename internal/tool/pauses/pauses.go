// Package pauses makes requests of the Web API respect the pauses that Spotify
// has asked for, also those of earlier runs of the tool.
package pauses

import (
	"context"
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
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// Pauses are the pauses that the services have asked of the app in the
// settings, in this run and earlier ones.
type Pauses struct {
	s     *settings.Settings
	noted bool // that the file cannot be read
}

// New returns the pauses of the app in s.
func New(s *settings.Settings) *Pauses { return &Pauses{s: s} }

// path is the file that keeps pauses between runs, or empty.
func (p *Pauses) path() string {
	if p.s.ConfigPath == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(p.s.ConfigPath), pausefile.Name)
}

// known returns the pauses that have not ended. If the file cannot be read, it
// ignores the file and writes a note.
func (p *Pauses) known() []adapter.PauseState {
	pauses, err := pausefile.Read(p.path(), p.s.ClientID.Value, time.Now())
	if err != nil && !p.noted {
		p.noted = true
		p.s.Say("Note: cannot read which pauses Spotify has asked for earlier: %s.", failure.Plain(err))
	}
	return pauses
}

// OfAPI returns the pause of the Web API, or nil.
func (p *Pauses) OfAPI() *adapter.PauseState {
	u, err := url.Parse(p.s.APIURL.Value)
	if err != nil {
		return nil
	}
	for _, pause := range p.known() {
		if pause.Host == adapterHost(u) {
			return &pause
		}
	}
	return nil
}

// adapterHost returns the host of u in the form that package adapter uses.
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

// Transport returns a transport that fails requests at once during a pause that
// the service has asked for, and remembers the pause for later runs. With
// ignore it ignores pauses of earlier runs, and forgets them when an answer
// shows that they are over.
func (p *Pauses) Transport(ignore bool) http.RoundTripper {
	pause := adapter.NewPause(p.s.Transport(), &adapter.PauseOptions{OnPause: p.keep})
	if ignore {
		return forgetful{p, pause}
	}
	pause.Restore(p.known()...)
	return pause
}

// keep is for adapter.PauseOptions.OnPause.
func (p *Pauses) keep(ctx context.Context, pause adapter.PauseState) {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	if err := pausefile.Add(ctx, p.path(), p.s.ClientID.Value, pause, time.Now()); err != nil {
		p.s.Debug.Printf("the pause is not remembered: %s", failure.Plain(err))
	}
}

// Mount makes a session respect pauses of the Web API. They do not delay token
// requests, even if both services have the same address.
func (p *Pauses) Mount(session spotipie.Session) error {
	return session.Mount(p.s.APIURL.Value+"/v1/", interrupt.Awaitable(p.s.Cmd.Context(), p.Transport(false)))
}

// forgetful is a transport that forgets a pause when an answer shows that it is
// over.
type forgetful struct {
	pauses *Pauses
	base   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (f forgetful) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f.base.RoundTrip(req)
	if err != nil || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
		return resp, err
	}
	host := adapterHost(req.URL)
	isHost := func(p adapter.PauseState) bool { return p.Host == host }
	if slices.ContainsFunc(f.pauses.known(), isHost) {
		ctx, cancel := interrupt.Shield(req.Context())
		defer cancel()
		if err := pausefile.Remove(ctx, f.pauses.path(), f.pauses.s.ClientID.Value, host, time.Now()); err != nil {
			f.pauses.s.Debug.Printf("cannot forget a pause that is over: %s", failure.Plain(err))
		}
	}
	return resp, nil
}

// Words describes a pause: why, and until when.
func Words(p *adapter.PauseState) string {
	why := "too many requests"
	if p.Reason == spotipie.ReasonQuotaExceeded {
		why = "the quota is used up"
	}
	return fmt.Sprintf("paused until %s (%s from now): %s", output.ClockTime(p.Until), cli.Span(time.Until(p.Until)), why)
}
