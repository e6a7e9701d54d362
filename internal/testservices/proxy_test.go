package testservices_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/testservices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo starts a server that sends every line back.
func echo(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintln(conn, lines.Text())
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// ask sends a line and waits for it.
func ask(t *testing.T, conn net.Conn, patience time.Duration) error {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintln(conn, "hello"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && line != "hello\n" {
		t.Errorf("got %q", line)
	}
	return err
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestProxy(t *testing.T) {
	proxy := testservices.NewProxy(t, echo(t))
	conn := dial(t, proxy.Address)
	for range 3 {
		if err := ask(t, conn, 10*time.Second); err != nil {
			t.Fatalf("passing: %v", err)
		}
	}
	if n := proxy.RoundTrips(); n != 3 {
		t.Errorf("%d round trips, want 3", n)
	}

	proxy.Slow(50 * time.Millisecond)
	start := time.Now()
	if err := ask(t, conn, 10*time.Second); err != nil || time.Since(start) < 100*time.Millisecond {
		t.Errorf("slow: %v after %s, want an answer after 100ms", err, time.Since(start))
	}

	proxy.Hang()
	if err := ask(t, conn, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hanging: %v, want no answer", err)
	}
	proxy.Pass()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hello\n" {
		t.Errorf("after hanging: %q, %v; want the answer that was held up", line, err)
	}

	proxy.LoseAnswers()
	if err := ask(t, conn, 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("losing answers: %v, want a broken connection", err)
	}
	proxy.Pass()
	conn = dial(t, proxy.Address)
	if err := ask(t, conn, 10*time.Second); err != nil {
		t.Errorf("after losing answers: %v", err)
	}

	proxy.Cut()
	if err := ask(t, conn, 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut: %v, want a broken connection", err)
	}
	if err := ask(t, dial(t, proxy.Address), 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut, a new connection: %v, want a broken one", err)
	}
	proxy.Pass()
	if err := ask(t, dial(t, proxy.Address), 10*time.Second); err != nil {
		t.Errorf("after a cut: %v", err)
	}
}
