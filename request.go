package spotipie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// RequestOptions are the parts of a request. Nil and the zero value add
// nothing. At most one of Form, JSON and Body may be set.
type RequestOptions struct {
	// Params are added to the query of the URL.
	Params url.Values
	// Form is sent as application/x-www-form-urlencoded.
	Form url.Values
	// JSON is encoded by encoding/json and sent as application/json.
	JSON any
	// Body is sent as it is; set its Content-Type in Headers. A *bytes.Reader,
	// *bytes.Buffer or *strings.Reader can be sent again after a redirect or a
	// 401.
	Body io.Reader
	// Headers are set, and replace those that Form and JSON imply.
	Headers http.Header
	// WithholdToken makes the request go without the token.
	WithholdToken bool
}

// Request implements [Session].
func (s *session) Request(ctx context.Context, method, url string, opts *RequestOptions) (*http.Response, error) {
	if opts == nil {
		opts = &RequestOptions{}
	}
	if err := s.isOpen(); err != nil {
		return nil, err
	}
	target, err := s.app.resolve(url, opts.Params)
	if err != nil {
		return nil, err
	}
	body, contentType, err := opts.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("spotipie: making a request: %w", err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	maps.Copy(req.Header, canonical(opts.Headers))
	if opts.WithholdToken {
		return (&http.Client{Transport: (*tokenless)(s)}).Do(req)
	}
	return s.Do(req)
}

// Do implements [Session].
func (s *session) Do(req *http.Request) (*http.Response, error) {
	req = req.WithContext(rememberSentToken(req.Context(), nil))
	resp, err := s.Client().Do(req)
	return resp, withoutSecrets(err, []string{sentToken(req)}) // it may be in the address of a redirect
}

// Client implements [Session].
func (s *session) Client() *http.Client { return &http.Client{Transport: (*transport)(s)} }

// absolute puts the URL of the Web API before a path.
func (a *app) absolute(raw string) string {
	if strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//") {
		return a.apiURL + raw
	}
	return raw
}

// resolve returns the absolute URL of a request.
func (a *app) resolve(raw string, params url.Values) (string, error) {
	raw = a.absolute(raw)
	u, err := url.Parse(raw)
	if err != nil || !isHTTP(u) { // err may repeat a password
		return "", fmt.Errorf("spotipie: making a request: %q is neither a valid http or https URL nor a path that starts with /", foreignURL(raw))
	}
	if len(params) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += params.Encode()
	}
	return u.String(), nil
}

func (o *RequestOptions) body() (body io.Reader, contentType string, err error) {
	set := 0
	if isTypedNil(o.Body) {
		return nil, "", fmt.Errorf("spotipie: RequestOptions.Body is a nil %T: leave it out", o.Body)
	}
	if o.Body != nil {
		set++
		body = o.Body
	}
	if o.Form != nil {
		set++
		body, contentType = strings.NewReader(o.Form.Encode()), "application/x-www-form-urlencoded"
	}
	if o.JSON != nil {
		set++
		data, err := json.Marshal(o.JSON)
		if err != nil {
			return nil, "", fmt.Errorf("spotipie: encoding the request's JSON: %w", err)
		}
		body, contentType = bytes.NewReader(data), "application/json"
	}
	if set > 1 {
		return nil, "", errors.New("spotipie: RequestOptions: set one of Form, JSON and Body, not several")
	}
	return body, contentType, nil
}

func canonical(h http.Header) http.Header {
	c := make(http.Header, len(h))
	for key, values := range h {
		key = http.CanonicalHeaderKey(key)
		c[key] = append(c[key], values...)
	}
	return c
}
