package adapter_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roundTripper is a base without a network, for tests that move the time.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// body is an answer's body that records how it is read and closed.
type body struct {
	io.Reader
	read   int64
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += int64(n)
	return n, err
}

func (b *body) Close() error { b.closed = true; return nil }

// answer makes a response. header alternates names and values.
func answer(req *http.Request, status int, content string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Status: http.StatusText(status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: &body{Reader: strings.NewReader(content)},
		ContentLength: int64(len(content)), Request: req,
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Add(header[i], header[i+1])
	}
	return resp
}

// serve starts a real server, and returns its URL and a transport for it.
func serve(t *testing.T, handler http.HandlerFunc) (string, *http.Transport) {
	t.Helper()
	server := httptest.NewServer(handler)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return server.URL, transport
}

// newRequest makes a request. header alternates names and values.
func newRequest(t *testing.T, method, url string, content io.Reader, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, content)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

// try sends req through rt, and returns the answer and its whole body.
func try(rt http.RoundTripper, req *http.Request) (*http.Response, string, error) {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
	}
	content, err := io.ReadAll(resp.Body)
	return resp, string(content), errors.Join(err, resp.Body.Close())
}

// send is try for tests that cannot continue after an error.
func send(t *testing.T, rt http.RoundTripper, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, content, err := try(rt, req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, content
}

// get sends a GET request. header alternates names and values.
func get(t *testing.T, rt http.RoundTripper, url string, header ...string) (*http.Response, string) {
	t.Helper()
	return send(t, rt, newRequest(t, http.MethodGet, url, nil, header...))
}
