package login_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// TestASecondTabDoesNotCostTheFirstItsPage protects users who reload the page while the
// code is being exchanged.
func TestASecondTabDoesNotCostTheFirstItsPage(t *testing.T) {
	surroundings(t, nil)
	for range 10 {
		server := newServer(t, nil)
		if err := server.QueueFault(accounts.Fault{Target: accounts.TargetToken, Kind: accounts.FaultSlow, Delay: 50 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		r := start(t, newSession(t, server, nil), nil)
		answer := server.Consent(t, r.address())
		errs := make(chan error, 2)
		for range cap(errs) {
			go func() {
				p, err := newBrowser(t).get(answer)
				if err == nil && !strings.Contains(p.body, "Hello") {
					err = errors.New(p.body)
				}
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Fatalf("a tab has no page: %v", err)
			}
		}
		r.token()
	}
}

// TestStraysAtTheResultDoNotEndTheLogin protects the result page from clients that were
// not redirected to it.
func TestStraysAtTheResultDoNotEndTheLogin(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	r := start(t, newSession(t, server, nil), nil)
	answer := server.Consent(t, r.address())
	root := "http://" + mustParse(t, answer).Host
	location := do(t, "GET", answer, nil).header.Get("Location")
	for _, stray := range []string{"/callback/done", "/callback/done?visit=", "/callback/done?visit=1"} {
		if p := do(t, "GET", root+stray, nil); !strings.Contains(p.body, "Hello") {
			t.Errorf("%s says %s", stray, p.body)
		}
		r.running()
	}
	if p := do(t, "GET", root+location, nil); !strings.Contains(p.body, "Hello") {
		t.Errorf("the page says %s", p.body)
	}
	r.token()
}

// TestARequestThatIsNeverCompleteDoesNotHoldTheEnd protects from clients that
// announce a body and send none.
func TestARequestThatIsNeverCompleteDoesNotHoldTheEnd(t *testing.T) {
	for method, legacy := range map[string]bool{"GET": false, "POST": true} {
		t.Run(method, func(t *testing.T) {
			surroundings(t, nil)
			server, b := newServer(t, &accounts.Options{AutoApprove: true, Legacy: legacy}), newBrowser(t)
			var session spotipie.Session = newSession(t, server, nil)
			if legacy {
				session = newImplicitSession(t, server)
			}
			r := start(t, session, nil)
			address := r.address()
			host := mustParse(t, parameter(t, address, "redirect_uri")).Host
			conn := dial(t, host)
			defer conn.Close()
			_, _ = io.WriteString(conn, method+" /callback HTTP/1.1\r\nHost: "+host+
				"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nx")
			do(t, "GET", "http://"+host+"/", nil) // after this the connection before is accepted
			if err := b.open(address); err != nil {
				t.Fatal(err)
			}
			b.shown()
			begun := time.Now()
			r.token()
			if took := time.Since(begun); took > 700*time.Millisecond {
				t.Errorf("the end took %s", took)
			}
		})
	}
}

// TestPathsThatNeedEscaping protects Location headers from paths that mean something else
// when they are not escaped.
func TestPathsThatNeedEscaping(t *testing.T) {
	surroundings(t, nil)
	for _, path := range []string{"/my%20app", "/a%3Fb", "/a%23b", "/call%2Fback", "/%0d%0aX:y"} {
		t.Run(path, func(t *testing.T) {
			uri := "http://127.0.0.1" + path
			server := newServer(t, &accounts.Options{AutoApprove: true, Apps: []accounts.App{{ClientID: "app", RedirectURIs: []string{uri}}}})
			r, b := start(t, newSession(t, server, nil), nil), newBrowser(t)
			address := r.address()
			if p := do(t, "GET", parameter(t, address, "redirect_uri")+"?code=x&state=y", nil); p.header.Get("Location") != path+"/stray" {
				t.Errorf("strays are sent to %q", p.header.Get("Location"))
			}
			if err := b.open(address); err != nil {
				t.Fatal(err)
			}
			r.token()
			if p := b.shown(); !strings.Contains(p.body, "Hello") || p.url.EscapedPath() != path+"/done" {
				t.Errorf("%s says %s", p.url, p.body)
			}
		})
	}
	t.Run("//evil.example", func(t *testing.T) {
		session := newSession(t, newServer(t, nil), nil)
		for _, path := range []string{"//evil.example", "//", "///x"} {
			opts := quiet(t)
			opts.RedirectURI = "http://127.0.0.1" + path
			_, err := login.Authorize(t.Context(), session, opts)
			expectError[*spotipie.RedirectURIError](t, err)
		}
	})
}

func TestTheHostIsTakenInAnyCase(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true, Apps: []accounts.App{{
		ClientID: "app", RedirectURIs: []string{fmt.Sprintf("http://localhost:%d/callback", freePort(t))},
	}}})
	session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) { o.SkipRedirectURICheck = true })
	r := start(t, session, nil)
	callback := parameter(t, r.address(), "redirect_uri")
	p := do(t, "GET", callback, func(req *http.Request) { req.Host = strings.ToUpper(req.Host) })
	if p.status != http.StatusOK {
		t.Errorf("status %d", p.status)
	}
}

func TestTheEndByTimeSaysSo(t *testing.T) {
	surroundings(t, nil)
	session := newSession(t, newServer(t, nil), nil)
	reason := errors.New("the program ends")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, reason)
	defer cancel()
	opts := &login.Options{NoBrowser: true, Input: noTerminal(t), Output: newOutput()}
	for _, when := range []string{"meanwhile", "before"} {
		if _, err := login.Authorize(ctx, session, opts); !errors.Is(err, reason) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", when, err)
		}
	}
	opts.Timeout = time.Millisecond
	if _, err := login.Authorize(t.Context(), session, opts); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Options.Timeout: %v", err)
	}
}

func TestDurationsAreWrittenAsPeopleSayThem(t *testing.T) {
	for after, want := range map[time.Duration]string{
		2 * time.Minute: "2 minutes:", time.Minute: "1 minute:", 90 * time.Second: "90 seconds:",
		time.Second: "1 second:", 1500 * time.Millisecond: "1.5s:", 20 * time.Millisecond: "20ms:",
	} {
		if text := (&login.TimeoutError{After: after}).Error(); !strings.Contains(text, "within "+want) {
			t.Errorf("%v: %s", after, text)
		}
	}
	surroundings(t, nil)
	r := start(t, newSession(t, newServer(t, nil), nil), nil)
	r.output.waitFor(t, "Waiting for 2 minutes.", 1)
}

func TestAPortThatIsNotAllowedIsNotSaidToBeTaken(t *testing.T) {
	denied := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}
	text := (&login.PortError{Host: "127.0.0.1", Ports: []int{80}, Err: denied}).Error()
	if strings.Contains(text, "end the program") || !strings.Contains(text, "privileged") {
		t.Error(text)
	}
}
