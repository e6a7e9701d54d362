package adapter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// drainLimit and drainTime limit what is read of an answer that is
	// discarded, so that its connection can be used again.
	drainLimit = 64 << 10
	drainTime  = 100 * time.Millisecond

	// refusalLimit and refusalTime limit how much of a refusal is read to find
	// its reason.
	refusalLimit = 16 << 10
	refusalTime  = time.Second
)

var errBodyTooSlow = errors.New("spotipie/adapter: the body of the answer did not come in time")

// discard reads a little of the rest of resp, which may be nil, and closes it.
// It ignores errors.
func discard(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	if resp.Body == http.NoBody || resp.ContentLength > drainLimit {
		_ = resp.Body.Close()
		return
	}
	if _, err := readWithin(resp.Body, drainLimit, drainTime); err != errBodyTooSlow {
		_ = resp.Body.Close()
	}
}

// peek returns the beginning of the body of resp, and puts it back.
func peek(resp *http.Response) []byte {
	if resp.Body == nil || resp.Body == http.NoBody {
		return nil
	}
	data, err := readWithin(resp.Body, refusalLimit, refusalTime)
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failingReader{err}
	}
	closer := io.Closer(resp.Body)
	if err == errBodyTooSlow { // closed already
		closer = io.NopCloser(nil)
	}
	resp.Body = &partlyRead{Reader: io.MultiReader(bytes.NewReader(data), rest), Closer: closer}
	return data
}

// readWithin reads up to limit bytes of body, for at most the given time, and
// returns them. The error is nil if there may be more, [io.EOF] at the end, and
// errBodyTooSlow if time was up: then the body is closed, which ends the read
// that is still going on.
func readWithin(body io.ReadCloser, limit int, within time.Duration) ([]byte, error) {
	r := &boundedRead{body: body, done: make(chan struct{})}
	go r.run(limit)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-r.done:
		return r.data, r.err
	case <-timer.C:
		return r.abandon()
	}
}

// boundedRead is a body that is read in another goroutine, so that the caller
// need not wait for its end.
type boundedRead struct {
	body io.ReadCloser
	done chan struct{} // closed when run has returned

	mu        sync.Mutex
	data      []byte
	err       error
	abandoned bool
}

func (r *boundedRead) run(limit int) {
	defer close(r.done)
	defer r.recovered()
	buf := make([]byte, min(limit, 4<<10))
	for got, empty := 0, 0; got < limit; {
		n, err := r.body.Read(buf[:min(len(buf), limit-got)])
		got += n
		if n > 0 {
			empty = 0
		} else if empty++; empty == 100 && err == nil {
			err = io.ErrNoProgress
		}
		if !r.add(buf[:n], err) {
			return
		}
	}
}

// add records the result of a read, and reports whether to continue.
func (r *boundedRead) add(data []byte, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.abandoned {
		return false
	}
	r.data, r.err = append(r.data, data...), err
	return err == nil
}

// recovered turns a panic into an error, since no caller could recover it in
// this goroutine.
func (r *boundedRead) recovered() {
	if p := recover(); p != nil {
		r.add(nil, fmt.Errorf("spotipie/adapter: reading the body of the answer panicked: %v", p))
	}
}

// abandon stops the read.
func (r *boundedRead) abandon() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.done: // just in time
		return r.data, r.err
	default:
	}
	r.abandoned = true
	go func() { // a Close that waits for the Read is not waited for either
		defer func() { _ = recover() }()
		_ = r.body.Close()
	}()
	return r.data, errBodyTooSlow
}

// partlyRead is a body whose beginning has been read already.
type partlyRead struct {
	io.Reader
	io.Closer
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
