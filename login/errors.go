package login

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNoTerminal: [Prompt] has no terminal into which the user could paste the
// answer, and so does not wait for it.
var ErrNoTerminal = errors.New("login: there is no terminal to paste the answer into: run the program in one, " +
	"or let it use Authorize where a browser can reach it")

// TimeoutError: the user did not answer in time.
type TimeoutError struct {
	After       time.Duration // how long was waited
	RedirectURI string        // what the app's settings must have
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("login: nobody agreed within %s: start the login again, or allow more time (Options.Timeout); "+
		"if Spotify complained about the redirect URI, register %s to the letter at https://developer.spotify.com/dashboard",
		e.After, e.RedirectURI)
}

// Timeout returns true, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// PortError: the page cannot be listened for, mostly because another program
// has the port.
type PortError struct {
	Host  string // where it was tried
	Ports []int  // all that were tried; a single 0 is any free port
	Err   error  // of the last one
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
	return fmt.Sprintf("login: cannot listen on %s of %s: %v: end the program that has it, or choose another port "+
		"(Options.Ports); a redirect URI registered without a port, such as %s, works with any free one",
		what, e.Host, e.Err, DefaultRedirectURI)
}

// Unwrap returns Err.
func (e *PortError) Unwrap() error { return e.Err }
