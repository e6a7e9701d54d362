package adapter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// send makes one attempt.
func (r *retries) send(req *http.Request) (*http.Response, error) {
	req = r.watched(req)
	limit := r.attemptTime()
	if limit == noLimit {
		return roundTrip(r.base, req)
	}
	ctx, cancel := context.WithCancel(req.Context())
	a := &attempt{cancel: cancel}
	a.open.Store(true)
	timer := time.AfterFunc(limit, a.cut)
	returned := false
	defer func() {
		timer.Stop()
		if !returned { // the base has panicked
			cancel()
		}
	}()
	resp, err := roundTrip(r.base, req.WithContext(ctx))
	returned = true
	if !a.open.CompareAndSwap(true, false) { // cut off, whatever the base returned
		discard(resp)
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		return nil, &timeoutError{method: req.Method, url: bareURL(req.URL), limit: limit}
	}
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = a.follow(resp.Body)
	return resp, nil
}

const noLimit time.Duration = -1

// attemptTime returns how long the next attempt may take.
func (r *retries) attemptTime() time.Duration {
	limit := noLimit
	if r.opts.AttemptTimeout > 0 {
		limit = r.opts.AttemptTimeout
	}
	if !r.end.IsZero() {
		left := max(time.Until(r.end), 0)
		if limit == noLimit || left < limit {
			limit = left
		}
	}
	return limit
}

// attempt ends the context of a request when the header of the answer does not
// come in time, or else when the body has been read or closed.
type attempt struct {
	cancel context.CancelFunc
	open   atomic.Bool // whether the header is still being waited for
}

// cut ends the attempt, unless its header has come at the same moment: then the
// caller may already be reading the body.
func (a *attempt) cut() {
	if a.open.CompareAndSwap(true, false) {
		a.cancel()
	}
}

// follow returns the body, wrapped to free the context when it has been read or
// closed.
func (a *attempt) follow(body io.ReadCloser) io.ReadCloser {
	if body == nil || body == http.NoBody {
		a.cancel()
		return body
	}
	followed := &followedBody{ReadCloser: body, done: a.cancel}
	if writer, ok := body.(io.Writer); ok { // of 101 Switching Protocols
		return struct {
			*followedBody
			io.Writer
		}{followed, writer}
	}
	return followed
}

type followedBody struct {
	io.ReadCloser
	done context.CancelFunc
}

func (b *followedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.done()
	}
	return n, err
}

func (b *followedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// timeoutError means that an attempt was cut off.
type timeoutError struct {
	method, url string
	limit       time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("spotipie/adapter: no answer to %s %s within %s, the time that the retries allow an attempt",
		e.method, e.url, e.limit.Round(time.Millisecond))
}

// Timeout and Temporary implement net.Error.
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// watched returns req with a body that records whether it has caused an error.
// Where no retry depends on that, and for a body in memory, which cannot fail,
// it returns req itself: [http.Transport] sends those in one piece.
func (r *retries) watched(req *http.Request) *http.Request {
	r.body = nil
	if r.opts.MaxRetries < 0 || req.Body == nil || req.Body == http.NoBody || req.GetBody == nil || !isIdempotent(req.Method) {
		return req
	}
	if length, ok := lengthInMemory(req.Body); ok {
		r.body = &watchedBody{faulty: req.ContentLength > 0 && req.ContentLength != int64(length)}
		return req
	}
	r.body = &watchedBody{ReadCloser: req.Body, announced: req.ContentLength}
	req = req.WithContext(req.Context())
	req.Body = r.body
	return req
}

// lengthInMemory returns how much there is to read of a body that
// [http.NewRequest] makes of a string, bytes or a buffer, or its GetBody.
func lengthInMemory(body io.Reader) (length int, ok bool) {
	switch reflect.TypeOf(body) {
	case reflect.TypeOf(io.NopCloser(nil)), reflect.TypeOf(io.NopCloser(&bytes.Reader{})):
		body, _ = reflect.ValueOf(body).Field(0).Interface().(io.Reader)
	}
	switch reader := body.(type) {
	case *bytes.Reader:
		return reader.Len(), true
	case *bytes.Buffer:
		return reader.Len(), true
	case *strings.Reader:
		return reader.Len(), true
	}
	return 0, false
}

// watchedBody is the body of a request. The base may read it in a goroutine of
// its own.
type watchedBody struct {
	io.ReadCloser
	announced int64 // the request's ContentLength: 0 or less is unknown

	mu     sync.Mutex
	got    int64
	closed bool
	faulty bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got += int64(n)
	switch {
	case b.closed: // the base stops reading, for its own reasons
	case err != nil && err != io.EOF,
		b.announced > 0 && (b.got > b.announced || err == io.EOF && b.got < b.announced):
		b.faulty = true
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.ReadCloser.Close()
}

// isFaulty reports whether the body could not be read, or was shorter or longer
// than announced.
func (b *watchedBody) isFaulty() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faulty
}
