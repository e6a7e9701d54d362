package adapter_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// quick are options for tests against real servers.
func quick() *adapter.RetryOptions {
	return &adapter.RetryOptions{MaxRetries: 3, InitialBackoff: time.Microsecond, MaxBackoff: time.Microsecond}
}

func TestRetryRewindsBodies(t *testing.T) {
	for name, content := range map[string]io.Reader{
		"string": strings.NewReader("content"),
		"bytes":  bytes.NewReader([]byte("content")),
		"buffer": bytes.NewBufferString("content"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &script{answers: []func(*http.Request) (*http.Response, error){
					status(503), fails(io.ErrUnexpectedEOF), status(429), status(200),
				}}
				resp, _ := send(t, adapter.NewRetry(base, nil), newRequest(t, "PUT", apiURL, content))
				if want := []string{"content", "content", "content", "content"}; resp.StatusCode != 200 || !reflect.DeepEqual(base.sent, want) {
					t.Errorf("got %d after sending %q, want 200 after %q", resp.StatusCode, base.sent, want)
				}
			})
		})
	}
}

func TestRetryNeedsARewindableBody(t *testing.T) {
	broken := errors.New("cannot rewind")
	for name, getBody := range map[string]func() (io.ReadCloser, error){
		"no GetBody":    nil,
		"GetBody fails": func() (io.ReadCloser, error) { return nil, broken },
	} {
		for _, method := range []string{"PUT", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "1")}}
					req := newRequest(t, method, apiURL, io.NopCloser(strings.NewReader("content")))
					req.GetBody = getBody
					start := time.Now()
					resp, content := send(t, adapter.NewRetry(base, nil), req)
					if len(base.asked) != 1 || resp.StatusCode != 429 || content != "answer 429" || time.Since(start) != 0 {
						t.Errorf("asked %d times, got %d %q after %v; want the first answer at once",
							len(base.asked), resp.StatusCode, content, time.Since(start))
					}
				})
			})
		}
	}
}

// A pipe has nothing to read until somebody writes to it. A RoundTripper that reads the
// whole body before it sends it would hang here.
func TestRetryStreamsBodies(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).EnableFullDuplex()
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
	reader, writer := io.Pipe()
	resp, err := adapter.NewRetry(transport, nil).RoundTrip(newRequest(t, "PUT", url, reader))
	if err != nil {
		t.Fatal(err) // reached before a byte of the body was there
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRetryLeavesTheRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []*http.Request
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req)
				if len(seen) > 1 { // a base that misbehaves changes only its copy
					req.Header.Set("X-Spoilt", "yes")
					req.URL.Path = "/spoilt"
				}
				return answer(req, 503, ""), nil
			},
		}}
		req := newRequest(t, "PUT", apiURL, strings.NewReader("content"), "Authorization", "Bearer A", "Accept", "a", "Accept", "b")
		before, header := *req, req.Header.Clone()
		send(t, adapter.NewRetry(base, &adapter.RetryOptions{MaxRetries: 2}), req)
		if req.Body != before.Body || req.ContentLength != before.ContentLength || req.Context() != before.Context() ||
			req.URL.String() != apiURL || !reflect.DeepEqual(req.Header, header) {
			t.Errorf("the caller's request was changed: %+v", req)
		}
		if len(seen) != 3 || seen[1] == req || seen[1].Header.Get("Authorization") != "Bearer A" || seen[2].ContentLength != 7 {
			t.Errorf("the retries were sent as %+v", seen[1:])
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestRetryDrainsWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		big := &body{Reader: endless{}}
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 503, "")
				resp.Body, resp.ContentLength = big, -1
				return resp, nil
			},
			status(200),
		}}
		send(t, adapter.NewRetry(base, nil), newRequest(t, "GET", apiURL, nil))
		if !big.closed || big.read > 128<<10 {
			t.Errorf("read %d bytes of an endless body, closed %v; want little, and closed", big.read, big.closed)
		}
	})
}

func TestRetryReusesTheConnection(t *testing.T) {
	var requests, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) < 4 {
			http.Error(w, strings.Repeat("x", 32<<10), http.StatusServiceUnavailable)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	if resp, _ := get(t, adapter.NewRetry(transport, quick()), server.URL); resp.StatusCode != 200 {
		t.Errorf("got %d, want 200", resp.StatusCode)
	}
	if requests.Load() != 4 || connections.Load() != 1 {
		t.Errorf("%d requests over %d connections, want 4 over 1", requests.Load(), connections.Load())
	}
}

func TestRetryCutConnection(t *testing.T) {
	var requests atomic.Int32
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
	})
	transport.DisableKeepAlives = true // otherwise the transport tries again by itself
	if resp, _ := get(t, adapter.NewRetry(transport, quick()), url); resp.StatusCode != 200 || requests.Load() != 3 {
		t.Errorf("got %d after %d requests, want 200 after 3", resp.StatusCode, requests.Load())
	}
}

func TestRetryGivesUpOnWhatNoRetryCures(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	transport := &http.Transport{}
	for name, url := range map[string]string{
		"untrusted certificate": server.URL,
		"unsupported scheme":    "gopher://127.0.0.1/",
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			_, err := adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
				asked++
				return transport.RoundTrip(req)
			}), quick()).RoundTrip(newRequest(t, "GET", url, nil))
			var untrusted *tls.CertificateVerificationError
			if err == nil || asked != 1 || strings.HasPrefix(url, "https") != errors.As(err, &untrusted) {
				t.Errorf("asked %d times, error %v; want once and the base's error", asked, err)
			}
		})
	}
}

func TestRetryInAClientWithATimeout(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	client := &http.Client{Transport: adapter.NewRetry(transport, nil), Timeout: 15 * time.Second}
	start := time.Now()
	resp, err := client.Do(newRequest(t, "GET", url, nil))
	if err == nil {
		_ = resp.Body.Close()
	}
	var limit *spotipie.RateLimitError
	if !errors.As(err, &limit) || limit.RetryAfter != 20*time.Second || limit.Limit > 15*time.Second {
		t.Errorf("got %v, want a RateLimitError through the client's own error", err)
	}
	if waited := time.Since(start); waited > 10*time.Second {
		t.Errorf("waited %v", waited)
	}
}

func TestRetryConcurrentRequests(t *testing.T) {
	var requests atomic.Int32
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		if requests.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(content)
	})
	opts := quick()
	opts.MaxRetries = 50
	retry := adapter.NewRetry(transport, opts)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			want := strings.Repeat("x", i*1000)
			resp, content, err := try(retry, newRequest(t, "PUT", url, strings.NewReader(want)))
			if err != nil || resp.StatusCode != 200 || content != want {
				t.Errorf("got %v with %d bytes, %v; want 200 with %d", resp, len(content), err, len(want))
			}
		})
	}
	group.Wait()
}

func TestDefaultBase(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") })
	for name, rt := range map[string]http.RoundTripper{
		"retry": adapter.NewRetry(nil, nil), "cache": adapter.NewCache(nil, nil),
	} {
		if _, content := get(t, rt, url); content != "hello" {
			t.Errorf("%s: got %q", name, content)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestBaseThatIsANilPointer checks that it is an error, which is not tried again.
func TestBaseThatIsANilPointer(t *testing.T) {
	for _, base := range []http.RoundTripper{(*http.Transport)(nil), roundTripper(nil)} {
		for name, rt := range map[string]http.RoundTripper{
			"retry": adapter.NewRetry(base, nil), "cache": adapter.NewCache(base, nil), "pause": adapter.NewPause(base, nil),
		} {
			content := &body{Reader: strings.NewReader("content")}
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				req := newRequest(t, "PUT", apiURL, content)
				req.GetBody = func() (io.ReadCloser, error) { return content, nil }
				_, _, err := try(rt, req)
				if want := fmt.Sprintf("the base is a nil %T", base); err == nil || !strings.Contains(err.Error(), want) || time.Since(start) > 0 || !content.closed {
					t.Errorf("%s: got %v after %v, want %q at once; body closed: %t", name, err, time.Since(start), want, content.closed)
				}
			})
			(&http.Client{Transport: rt}).CloseIdleConnections()
		}
	}
}

type closeCounter struct {
	http.RoundTripper
	closed int
}

func (c *closeCounter) CloseIdleConnections() { c.closed++ }

func TestCloseIdleConnectionsIsPassedOn(t *testing.T) {
	base := &closeCounter{}
	client := &http.Client{Transport: adapter.NewCache(adapter.NewRetry(base, nil), nil)}
	client.CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("the base was told %d times, want once", base.closed)
	}
	(&http.Client{Transport: adapter.NewRetry(roundTripper(nil), nil)}).CloseIdleConnections() // has none: nothing to do
}
