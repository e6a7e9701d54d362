package adapter_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/adapter"
)

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) {
	return 0, errors.New("the caller's file cannot be read")
}

// inMemory returns a transport whose connections are served by serve, in memory.
func inMemory(serve func(net.Conn)) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				serve(server)
			}()
			return client, nil
		},
	}
}

// plainServer reads a request and answers 503. It does not answer a PUT, but only reads
// its body.
func plainServer(conn net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	switch {
	case err != nil:
	case req.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, conn)
	default:
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}
}

// speaks returns a server that sends the same words for every request.
func speaks(words string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, words)
	}
}

// TestRetryDoesNotSendTheUnsendableAgain uses requests that cannot be sent.
func TestRetryDoesNotSendTheUnsendableAgain(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"line break in a header value":  func(r *http.Request) { r.Header.Set("X-Name", "a\nb") },
		"NUL in a header value":         func(r *http.Request) { r.Header.Set("X-Name", "a\x00b") },
		"space in a header name":        func(r *http.Request) { r.Header["X Name"] = []string{"a"} },
		"colon in a header name":        func(r *http.Request) { r.Header["X:Name"] = []string{"a"} },
		"header name with an umlaut":    func(r *http.Request) { r.Header["Größe"] = []string{"a"} },
		"empty header name":             func(r *http.Request) { r.Header[""] = []string{"a"} },
		"invalid trailer":               func(r *http.Request) { r.Trailer = http.Header{"X Name": {"a"}} },
		"no header map":                 func(r *http.Request) { r.Header = nil },
		"no host":                       func(r *http.Request) { r.URL.Host = "" },
		"no URL":                        func(r *http.Request) { r.URL = nil },
		"no scheme":                     func(r *http.Request) { r.URL.Scheme = "" },
		"scheme in upper case":          func(r *http.Request) { r.URL.Scheme = "HTTP" },
		"control character in the path": func(r *http.Request) { r.URL.Opaque = "//spotify.test/a\nb" },
		"length without a body":         func(r *http.Request) { r.ContentLength = 5 },
		"string longer than announced":  func(r *http.Request) { r.Method, r.ContentLength = "PUT", 2; withString(r, "hello") },
		"string shorter than announced": func(r *http.Request) { r.Method, r.ContentLength = "PUT", 9; withString(r, "hello") },
		"body longer than announced":    withBody("hello", 2),
		"body shorter than announced":   withBody("hello", 20),
		"empty body, announced":         withBody("", 3),
		"body that cannot be read": func(r *http.Request) {
			r.Method, r.Body = "PUT", io.NopCloser(brokenReader{})
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(brokenReader{}), nil }
		},
		"body that breaks off": func(r *http.Request) {
			broken := func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{})), nil
			}
			r.Method, r.ContentLength, r.GetBody = "PUT", 10, broken
			r.Body, _ = broken()
		},
	} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, "GET", "http://spotify.test/", nil)
			change(req)
			checkTriedOnce(t, inMemory(plainServer), req)
		})
	}
}

func withString(r *http.Request, content string) {
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
	r.Body, _ = r.GetBody()
}

// withBody gives a request a body whose type does not show its length.
func withBody(content string, length int64) func(*http.Request) {
	return func(r *http.Request) {
		body := func() (io.ReadCloser, error) { return &closable{Reader: strings.NewReader(content)}, nil }
		r.Method, r.ContentLength, r.GetBody = "PUT", length, body
		r.Body, _ = body()
	}
}

func checkTriedOnce(t *testing.T, base *http.Transport, req *http.Request) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		retry := adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
			tries++
			return base.RoundTrip(req)
		}), nil)
		start := time.Now()
		resp, err := retry.RoundTrip(req.WithContext(t.Context()))
		if err == nil {
			_ = resp.Body.Close()
		}
		base.CloseIdleConnections()
		if err == nil || tries != 1 || time.Since(start) != 0 {
			t.Errorf("%d tries in %v: %v, %v; want one, and its error", tries, time.Since(start), resp, err)
		}
	})
}

// TestRetryDoesNotTryAnotherProtocolAgain uses servers that do not speak the client's
// protocol.
func TestRetryDoesNotTryAnotherProtocolAgain(t *testing.T) {
	alert := func(description byte) string { return string([]byte{0x15, 3, 3, 0, 2, 2, description}) }
	for name, tc := range map[string]struct {
		url   string
		serve func(net.Conn)
	}{
		"https to a plain server":      {"https://spotify.test/", speaks("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")},
		"https to something else":      {"https://spotify.test/", speaks("220 mail.spotify.test ESMTP\r\n")},
		"handshake refused":            {"https://spotify.test/", speaks(alert(40))},
		"version refused":              {"https://spotify.test/", speaks(alert(70))},
		"client certificate wanted":    {"https://spotify.test/", speaks(alert(116))},
		"unknown name":                 {"https://spotify.test/", speaks(alert(112))},
		"http to a server that is TLS": {"http://spotify.test/", speaks(alert(10))},
	} {
		t.Run(name, func(t *testing.T) {
			checkTriedOnce(t, inMemory(tc.serve), newRequest(t, "GET", tc.url, nil))
		})
	}
	t.Run("versions have nothing in common", func(t *testing.T) {
		base := inMemory(func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return nil, errors.New("none")
			}}).Handshake()
		})
		base.TLSClientConfig = &tls.Config{MaxVersion: tls.VersionTLS12}
		checkTriedOnce(t, base, newRequest(t, "GET", "https://spotify.test/", nil))
	})
}

func TestRetryDoesNotAskAProxyAgainThatWantsAPassword(t *testing.T) {
	base := inMemory(speaks("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
	base.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128"})
	checkTriedOnce(t, base, newRequest(t, "GET", "https://spotify.test/", nil))
}

// TestRetryKnowsHopelessErrors checks errors of a base, also wrapped ones.
func TestRetryKnowsHopelessErrors(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tc := range map[string]struct {
		err   error
		again bool
	}{
		"scheme mismatch":             {http.ErrSchemeMismatch, false},
		"host does not exist":         {dial(&net.DNSError{IsNotFound: true}), false},
		"name server is away":         {dial(&net.DNSError{IsTemporary: true}), true},
		"name server is slow":         {dial(&net.DNSError{IsTimeout: true}), true},
		"invalid port":                {dial(&net.AddrError{Err: "invalid port", Addr: "99999"}), false},
		"unknown network":             {dial(net.UnknownNetworkError("tcp9")), false},
		"forbidden by the system":     {dial(os.NewSyscallError("connect", syscall.EACCES)), false},
		"not permitted":               {dial(os.NewSyscallError("connect", syscall.EPERM)), false},
		"permission, by name":         {fs.ErrPermission, false},
		"connection refused":          {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), true},
		"connection reset":            {&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, true},
		"no route":                    {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), true},
		"network is down":             {dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), true},
		"slow handshake":              {errors.New("net/http: TLS handshake timeout"), true},
		"server in trouble with TLS":  {&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, true},
		"garbled record":              {&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, true},
		"closed early":                {errors.New("http: server closed idle connection"), true},
		"broken off":                  {io.ErrUnexpectedEOF, true},
		"somebody else's":             {errors.New("tea break"), true},
		"text of a server in the way": {fmt.Errorf(`proxy said "http: no Host"`), true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{tc.err, fmt.Errorf("wrapped: %w", tc.err), &url.Error{Op: "Get", URL: apiURL, Err: tc.err}} {
				synctest.Test(t, func(t *testing.T) {
					base := &script{answers: []func(*http.Request) (*http.Response, error){fails(err), status(200)}}
					resp, got := adapter.NewRetry(base, nil).RoundTrip(newRequest(t, "GET", apiURL, nil))
					if again := len(base.asked) == 2 && got == nil && resp.StatusCode == 200; again != tc.again {
						t.Errorf("%v: asked %d times, got %v, %v; tried again: want %t", err, len(base.asked), resp, got, tc.again)
					}
				})
			}
		})
	}
}

// TestRetryDoesNotBlameABodyThatTheBaseClosed breaks a connection while the body is being
// sent. That must not count as an error of the body.
func TestRetryDoesNotBlameABodyThatTheBaseClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := func() (io.ReadCloser, error) { return &closable{Reader: strings.NewReader("content")}, nil }
		req := newRequest(t, "PUT", apiURL, nil)
		req.ContentLength, req.GetBody = 7, file
		req.Body, _ = file()
		asked := 0
		resp, err := adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
			if asked++; asked > 1 {
				return status(200)(req)
			}
			_ = req.Body.Close()
			_, _ = req.Body.Read(make([]byte, 10)) // like a copying goroutine that is late
			return nil, io.ErrUnexpectedEOF
		}), nil).RoundTrip(req)
		if err != nil || resp.StatusCode != 200 || asked != 2 {
			t.Errorf("asked %d times, got %v, %v; want a second try", asked, resp, err)
		}
	})
}

// closable is a body that cannot be read after it was closed, like a file.
type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Read(p []byte) (int, error) {
	if c.closed {
		return 0, fs.ErrClosed
	}
	return c.Reader.Read(p)
}

func (c *closable) Close() error { c.closed = true; return nil }

// TestRetrySendsABodyInMemoryInOnePiece checks that the retries do not prevent that.
func TestRetrySendsABodyInMemoryInOnePiece(t *testing.T) {
	for name, content := range map[string]io.Reader{
		"string": strings.NewReader("content"), "bytes": bytes.NewReader([]byte("content")), "buffer": bytes.NewBufferString("content"),
	} {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, "PUT", apiURL, content)
			var bodies []io.ReadCloser
			retry := adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
				bodies = append(bodies, req.Body)
				return status(503)(req)
			}), &adapter.RetryOptions{MaxRetries: 1, InitialBackoff: 1})
			send(t, retry, req)
			again, _ := req.GetBody()
			if len(bodies) != 2 || bodies[0] != req.Body || reflect.TypeOf(bodies[1]) != reflect.TypeOf(again) {
				t.Errorf("sent %T, want %T and %T", bodies, req.Body, again)
			}
		})
	}
}
