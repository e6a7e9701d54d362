package cli_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// pipeListener is a listener without a network, for synctest's bubbles.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8888} }

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	}
}

// running is a server whose handler waits for finish.
type running struct {
	listener *pipeListener
	client   *http.Client
	started  chan struct{}
	finish   chan struct{}
	stop     context.CancelFunc
	ended    chan error
}

func run(t *testing.T) *running {
	r := &running{
		listener: newPipeListener(),
		started:  make(chan struct{}),
		finish:   make(chan struct{}),
		ended:    make(chan error, 1),
	}
	transport := &http.Transport{DialContext: r.listener.dial}
	r.client = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	handler := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		close(r.started)
		select {
		case <-r.finish:
			_, _ = io.WriteString(w, "done")
		case <-req.Context().Done():
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.ended <- cli.Serve(ctx, r.listener, handler, log.New(io.Discard, "", 0)) }()
	return r
}

func (r *running) get() (string, error) {
	resp, err := r.client.Get("http://127.0.0.1:8888/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestServeFinishesRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		answer := make(chan string, 1)
		go func() {
			body, err := r.get()
			answer <- body
			if err != nil {
				t.Errorf("the request in flight failed: %v", err)
			}
		}()
		<-r.started
		r.stop()
		synctest.Wait()
		if _, err := r.get(); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("a request after the end: got error %v, want a refused connection", err)
		}
		select {
		case <-r.ended:
			t.Fatal("Serve returned before the request was answered")
		default:
		}
		close(r.finish)
		if body := <-answer; body != "done" {
			t.Errorf("answer: got %q, want done", body)
		}
		if err := <-r.ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeCutsOffWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		failed := make(chan error, 1)
		go func() {
			_, err := r.get()
			failed <- err
		}()
		<-r.started
		r.stop()
		begin := time.Now()
		if err := <-r.ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if took := time.Since(begin); took != cli.ShutdownLimit {
			t.Errorf("Serve took %v to end, want %v", took, cli.ShutdownLimit)
		}
		if err := <-failed; err == nil {
			t.Error("the request succeeded")
		}
	})
}

func TestServeLeavesNoSlowHeaderWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		conn, err := r.listener.dial(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, _ = io.ReadAll(conn)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("a connection without a whole header stood for %v", took)
		}
		r.stop()
		if err := <-r.ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestServeReportsALostListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	err = cli.Serve(t.Context(), listener, http.NotFoundHandler(), log.New(io.Discard, "", 0))
	if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("got %v, want net.ErrClosed with the address", err)
	}
}
