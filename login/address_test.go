package login_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// ownAddress returns an address of this machine that other machines may reach.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLoopback() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	t.Skip("this machine has no address but the loopback's")
	return ""
}

// TestAnAddressThatTheUserHasEditedIsTaken covers users with a browser on another machine.
// It ends at 127.0.0.1, where nothing answers, and they replace that by this machine's
// address.
func TestAnAddressThatTheUserHasEditedIsTaken(t *testing.T) {
	surroundings(t, nil)
	address := ownAddress(t)
	for _, legacy := range []bool{false, true} {
		server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: legacy})
		opts := &login.Options{BindAddress: "0.0.0.0"}
		var session spotipie.Session = newSession(t, server, nil)
		if legacy {
			session = newImplicitSession(t, server)
		}
		r, b := start(t, session, opts), newBrowser(t)
		answer := server.Consent(t, r.address())
		edited := strings.Replace(answer, "127.0.0.1", address, 1)
		p, err := b.get(edited)
		if err != nil {
			t.Fatal(err)
		}
		r.token()
		if !strings.Contains(p.body, "Hello") || p.url.Hostname() != address {
			t.Errorf("%s says %s", p.url, p.body)
		}
	}
}

// TestNamesAreNoAddresses protects from DNS rebinding, which needs a host name. At the
// loopback address users have nothing to edit.
func TestNamesAreNoAddresses(t *testing.T) {
	surroundings(t, nil)
	address := ownAddress(t)
	for bind, hosts := range map[string]map[string]int{
		"0.0.0.0": {"evil.example": 421, "evil.example:80": 421, "10.1.2.3.evil.example": 421, address: 200, "192.0.2.7:8888": 200, "[2001:db8::1]:80": 200},
		"":        {"192.0.2.7": 421, address: 421, "evil.example": 421},
	} {
		r := start(t, newSession(t, newServer(t, nil), nil), &login.Options{BindAddress: bind})
		u := mustParse(t, parameter(t, r.address(), "redirect_uri"))
		at := "127.0.0.1"
		if bind != "" {
			at = address
		}
		for host, status := range hosts {
			p := do(t, "GET", "http://"+net.JoinHostPort(at, u.Port())+"/", func(req *http.Request) { req.Host = host })
			if p.status != status {
				t.Errorf("bound to %q, host %q: status %d, want %d", bind, host, p.status, status)
			}
		}
		r.cancel()
		r.wait()
	}
}

func TestShortHints(t *testing.T) {
	surroundings(t, map[string]string{"container": "podman"})
	r := start(t, newSession(t, newServer(t, nil), nil), &login.Options{ShortHints: true})
	text := strings.Join(strings.Fields(r.output.waitFor(t, "This is a container", 1)), " ")
	if strings.Contains(text, "docker run") || !strings.Contains(text, "paste the address here, or bind the page to a published port") {
		t.Errorf("printed %s", text)
	}
}
