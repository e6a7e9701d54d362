package adapter

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

var errUnaskedNotModified = errors.New("spotipie/adapter: the server answered 304 Not Modified to a request without a condition")

// origin stands between the library and the base: it sends the caller's real
// request, and prepares the answer for being stored.
type origin struct {
	base         http.RoundTripper
	maxBodyBytes int64
}

// RoundTrip implements [http.RoundTripper].
func (o *origin) RoundTrip(view *http.Request) (*http.Response, error) {
	x := exchangeOf(view)
	if x.onlyIfCached {
		x.resp = gatewayTimeout(x.req)
		x.header = x.resp.Header
		return x.resp, nil
	}
	req, conditional := withValidators(x.req, view.Header)
	asked := time.Now()
	resp, err := roundTrip(o.base, req)
	if err != nil {
		return nil, err
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	x.resp, x.header = resp, resp.Header.Clone()
	switch resp.StatusCode {
	case http.StatusNotModified:
		if !conditional {
			discard(resp)
			return nil, errUnaskedNotModified
		}
		dropContentFields(resp.Header)
		normalize(resp.Header, asked, time.Now())
	case http.StatusOK:
		if !x.noStore && o.mayStore(resp) {
			normalize(resp.Header, asked, time.Now())
			x.storable = holdBody(resp, o.maxBodyBytes)
		}
	}
	return resp, nil
}

// withValidators returns req with the conditions that the library has added to
// its view of it, and whether there are any.
func withValidators(req *http.Request, view http.Header) (*http.Request, bool) {
	etag, modified := view.Get("If-None-Match"), view.Get("If-Modified-Since")
	if etag == "" && modified == "" {
		return req, false
	}
	req = req.Clone(req.Context())
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	if modified != "" {
		req.Header.Set("If-Modified-Since", modified)
	}
	return req, true
}

// mayStore reports whether it is worth reading the body of resp in order to
// store it.
func (o *origin) mayStore(resp *http.Response) bool {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return isStorableHeader(resp.Header) &&
		resp.ContentLength <= o.maxBodyBytes &&
		len(resp.Trailer) == 0 &&
		mediaType != "text/event-stream"
}

// holdBody reads the body of resp into memory and gives resp that copy. If it
// is larger than limit or breaks off, holdBody returns false, and the body of
// resp is what it would have been without it.
func holdBody(resp *http.Response, limit int64) bool {
	var held bytes.Buffer
	// The server may claim any length, so memory grows only with the bytes that
	// arrive.
	held.Grow(int(min(max(resp.ContentLength, 0), 64<<10)))
	n, err := io.Copy(&held, io.LimitReader(resp.Body, limit))
	if err == nil && n == limit { // is there more?
		var more int64
		more, err = io.CopyN(&held, resp.Body, 1)
		n += more
		if err == io.EOF {
			err = nil
		}
	}
	if err != nil || n > limit {
		rest := io.Reader(resp.Body)
		if err != nil {
			rest = failingReader{err}
		}
		resp.Body = &partlyRead{Reader: io.MultiReader(&held, rest), Closer: resp.Body}
		return false
	}
	_ = resp.Body.Close() // read to its end: nothing is lost
	resp.Body = io.NopCloser(&held)
	resp.ContentLength, resp.TransferEncoding, resp.Close = n, nil, false
	return true
}

// dropContentFields removes from a 304 the headers that describe content, which
// it does not have (RFC 9111 section 3.2), so that they do not replace the
// stored ones.
func dropContentFields(h http.Header) {
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Type", "Content-Range"} {
		h.Del(name)
	}
}

// gatewayTimeout answers a request with only-if-cached that the cache cannot
// (RFC 9111 section 5.2.1.7).
func gatewayTimeout(req *http.Request) *http.Response {
	return &http.Response{
		Status:     "504 " + http.StatusText(http.StatusGatewayTimeout),
		StatusCode: http.StatusGatewayTimeout,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{},
		Body:    http.NoBody,
		Request: req,
	}
}
