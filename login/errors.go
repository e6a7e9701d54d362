package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrNoTerminal means that there is no terminal for [Prompt], so the user
// cannot paste the answer.
var ErrNoTerminal = errors.New("login: there is no terminal to paste the answer into: run the program in one, " +
	"or let it use Authorize where a browser can reach it")

// errNoAnswer means that a pipe has had enough lines without an answer.
var errNoAnswer = fmt.Errorf("login: the first %d lines of the input have no answer, and nobody is signed in: "+
	"start the login again, and write only the address that the browser ends at, in one line", maxAttempts)

// inputEndedError means that the input has ended, so there will be no answer.
type inputEndedError struct{ pipe bool }

func (e inputEndedError) Error() string {
	if e.pipe {
		return "login: the input has ended without the address that the browser ends at, and nobody is signed in: " +
			"start the login again, and keep the pipe open until you write the address to it, in one line"
	}
	return "login: the input has ended before an answer, and nobody is signed in: start the login again"
}

func (inputEndedError) Unwrap() error { return io.EOF }

// TimeoutError means that the user did not answer in time.
type TimeoutError struct {
	After       time.Duration // how long the login has waited
	RedirectURI string        // what the app's settings must have
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("login: nobody agreed within %s: start the login again, or allow more time (Options.Timeout); "+
		"if the browser showed only an error of Spotify, check the client id, and register %s to the letter at "+
		"https://developer.spotify.com/dashboard",
		spoken(e.After), e.RedirectURI)
}

// Is makes errors.Is(err, context.DeadlineExceeded) true.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout returns true. It is a method of [net.Error].
func (e *TimeoutError) Timeout() bool { return true }

// PortError means that the page cannot listen on its port, usually because
// another program uses it.
type PortError struct {
	Host        string // where it was tried
	Ports       []int  // all that were tried; a single 0 is any free port
	RedirectURI string // what the app's settings must have
	Err         error  // of the last one
}

func (e *PortError) Error() string {
	var ports []string
	for _, port := range e.Ports {
		ports = append(ports, strconv.Itoa(port))
	}
	what := "port " + strings.Join(ports, ", ")
	if len(ports) > 1 {
		what = "ports " + strings.Join(ports, ", ")
	}
	if what == "port 0" {
		return fmt.Sprintf("login: cannot listen on %s: %v", e.Host, e.Err)
	}
	advice := "end the program that has it, or choose another port"
	if errors.Is(e.Err, fs.ErrPermission) {
		advice = "the system keeps that port (mostly those below 1024) for privileged programs: choose another"
	}
	if u, err := url.Parse(e.RedirectURI); err == nil && u.Port() == "" {
		return fmt.Sprintf("login: cannot listen on %s of %s: %v: %s (Options.Ports, Options.BindAddress); "+
			"without them any free port is taken", what, e.Host, e.Err, advice)
	}
	return fmt.Sprintf("login: cannot listen on %s of %s: %v: %s (Options.Ports); "+
		"a redirect URI registered without a port, such as %s, works with any free one",
		what, e.Host, e.Err, advice, DefaultRedirectURI)
}

// Unwrap returns Err.
func (e *PortError) Unwrap() error { return e.Err }

// ended returns the error of a context that has ended: its cause, and whether
// it was a timeout or a cancellation.
func ended(ctx context.Context, doing string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("login: %s: %w", doing, cause)
	}
	return fmt.Errorf("login: %s: %w (%w)", doing, cause, ctx.Err())
}
