package login_test

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie/login"
)

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestALoginSurvivesAFlood sends slow clients, a port scan and ten thousand stray requests
// to the page while the user agrees.
func TestALoginSurvivesAFlood(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	r := start(t, newSession(t, server, nil), nil)
	address := r.address()
	host := mustParse(t, parameter(t, address, "redirect_uri")).Host
	before := heap()

	t.Run("slow-loris", func(t *testing.T) {
		for range 400 { // each sends the beginning of a request and waits
			conn := dial(t, host)
			_, _ = io.WriteString(conn, "GET /callback HTTP/1.1\r\nHost: "+host+"\r\nX-")
			r.t.Cleanup(func() { _ = conn.Close() })
		}
	})
	t.Run("port scan", func(t *testing.T) {
		for range 2000 {
			_ = dial(t, host).Close()
		}
	})
	t.Run("strays", func(t *testing.T) {
		strays(t, host, 10_000)
	})
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}
	r.running()
	if err := b.open(address); err != nil {
		t.Fatal(err)
	}
	r.token()
}

func dial(t *testing.T, host string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// strays sends n requests that have nothing to do with the login.
func strays(t *testing.T, host string, n int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	paths := []string{"/favicon.ico", "/callback?code=c&state=s", "/callback?error=access_denied", "/", "/callback/done", "/.env"}
	const workers = 8
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < n; i += workers {
				resp, err := client.Get("http://" + host + paths[i%len(paths)])
				if err != nil {
					t.Errorf("stray %d: %v", i, err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

// TestAHalfOpenConnectionDoesNotHoldTheEnd protects from browsers that open a connection
// early and send nothing.
func TestAHalfOpenConnectionDoesNotHoldTheEnd(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	r := start(t, newSession(t, server, nil), &login.Options{})
	address := r.address()
	idle := dial(t, mustParse(t, parameter(t, address, "redirect_uri")).Host)
	defer idle.Close()
	begun := time.Now()
	if err := b.open(address); err != nil {
		t.Fatal(err)
	}
	r.token()
	if took := time.Since(begun); took > 900*time.Millisecond {
		t.Errorf("the login took %s", took)
	}
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection is still open")
	}
}
