package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	// checkTimeout is how long a check waits for a service or a store.
	checkTimeout = 8 * time.Second
	// clockTolerance is how far the clock may be off before a token counts as
	// expired, or as valid, at the wrong time.
	clockTolerance = 30 * time.Second
)

// Clock compares the clock with the Date header (RFC 9110 section 6.6.1) of the
// accounts service, and so also checks whether the service can be reached.
// system is runtime.GOOS.
func Clock(ctx context.Context, transport http.RoundTripper, accountsURL, system string, now func() time.Time) Result {
	const name = "clock"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, accountsURL, nil)
	if err != nil {
		return bad(name, "cannot be checked: "+plain(err), "correct the URL of the accounts service")
	}
	before := now()
	resp, err := transport.RoundTrip(req)
	after := now()
	if err != nil {
		if found := certificateProblem(err); found != nil {
			return found.result(ctx, accountsURL, system, now)
		}
		fix := "check the connection, a proxy ($HTTPS_PROXY), and that nothing blocks the address"
		if isLoopback(req.URL) && errors.Is(err, syscall.ECONNREFUSED) {
			fix = "start the service on this machine again, for example with 'spotipie serve'; or, if you mean Spotify, remove its address " +
				"from the environment and sign in with 'spotipie login --accounts-url " + spotipie.DefaultAccountsURL + "'"
		}
		result := bad(name, fmt.Sprintf("cannot be checked: no answer from %s (%s)", accountsURL, networkReason(err)), fix)
		result.unanswered = true
		return result
	}
	_ = resp.Body.Close()
	off, ok := clockOff(resp, before, after)
	if !ok {
		return bad(name, fmt.Sprintf("cannot be checked: %s does not say what time it is", accountsURL),
			"check whether a proxy or firewall answers in its place")
	}
	if off.Abs() <= clockTolerance+after.Sub(before)/2 {
		return good(name, fmt.Sprintf("within %s of that of %s", clockTolerance, accountsURL))
	}
	fix := clockFix(system)
	if isLoopback(req.URL) {
		fix = "the service is on this machine, and its clock was moved, for example with /_service/advance: start it again for the right time"
	}
	return bad(name, wrongClock(off, accountsURL), fix)
}

// clockOff returns how far the clock is ahead of the Date of an answer to a
// request that was sent at before and answered at after.
func clockOff(resp *http.Response, before, after time.Time) (off time.Duration, ok bool) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	// The header leaves out the fraction of a second, so half of one is the
	// best guess, and the answer took half the time of the exchange.
	return before.Add(after.Sub(before) / 2).Sub(date.Add(time.Second / 2)), true
}

func wrongClock(off time.Duration, accountsURL string) string {
	side := "ahead of"
	if off < 0 {
		side = "behind"
	}
	return fmt.Sprintf("%s %s that of %s", off.Abs().Round(time.Second), side, accountsURL)
}

func isLoopback(u *url.URL) bool {
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

func networkReason(err error) string {
	var request *url.Error // its text contains the whole address
	switch {
	case tooLong(err):
		return fmt.Sprintf("nothing for %s", checkTimeout)
	case errors.As(err, &request):
		return plain(request.Err)
	}
	return plain(err)
}

func clockFix(system string) string {
	switch system {
	case "linux":
		return "set it: timedatectl set-ntp true; in a container or virtual machine, set the clock of the host"
	case "darwin":
		return "set it: sudo sntp -sS time.apple.com"
	case "windows":
		return "set it: w32tm /resync"
	}
	return "set it from a time server"
}
