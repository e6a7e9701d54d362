package adapter

import (
	"net"
	"net/url"
	"strings"
	"time"
)

// PauseState is a pause in a form that can be saved outside of the process, for
// example as JSON. It holds no secrets.
type PauseState struct {
	Host    string    `json:"host"`              // such as "api.spotify.com"; with the port if that is not the scheme's
	Since   time.Time `json:"since"`             // when the server asked for the pause
	Until   time.Time `json:"until"`             // when it ends, by the computer's time
	Reason  string    `json:"reason,omitempty"`  // such as [spotipie.ReasonQuotaExceeded]; empty if the server gave none
	Message string    `json:"message,omitempty"` // the server's; may be empty
}

// pause is a pause in terms of the monotonic clock.
type pause struct {
	began, end, nextProbe time.Duration
	reason, message       string
}

// left returns how much of held is left: zero without a pause.
func (p *Pause) left(held *pause) time.Duration {
	if held == nil {
		return 0
	}
	return max(held.end-p.clock.monotonic(), 0)
}

// state returns held in terms of the computer's time.
func (p *Pause) state(host string, held *pause) PauseState {
	wall, now := p.clock.wall(), p.clock.monotonic()
	return PauseState{
		Host: host, Since: wall.Add(held.began - now), Until: wall.Add(held.end - now),
		Reason: held.reason, Message: held.message,
	}
}

// clock reads the wall clock and the monotonic clock.
type clock struct {
	wall      func() time.Time
	monotonic func() time.Duration
}

func systemClock() clock {
	start := time.Now()
	return clock{
		wall:      func() time.Time { return time.Now().Round(0) },
		monotonic: func() time.Duration { return time.Since(start) },
	}
}

// hostOf returns the host of u in lower case, with its port if that is not the
// scheme's. Without a scheme no port is left out.
func hostOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
