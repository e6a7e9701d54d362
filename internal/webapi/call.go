package webapi

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
	"slices"

	"github.com/spotipie/spotipie"
)

// Limits for data in memory, far above what the Web API sends.
const (
	maxAnswer = 64 << 20
	maxItems  = 512 << 20
)

// Requester makes requests with a token; a [spotipie.Session] is one.
type Requester interface {
	Request(ctx context.Context, method, url string, opts *spotipie.RequestOptions) (*http.Response, error)
}

// Call is one request of the Web API and what to do with its answer.
type Call struct {
	Method string
	Target string // see [Target]
	Query  url.Values
	Body   []byte // nil: none
	Header http.Header

	// Include writes status and headers before the body.
	Include bool
	// Filter is applied to each answer, or to the array that Slurp makes.
	Filter *Filter
	// Paginate also gets the following pages, and writes them one after
	// another.
	Paginate bool
	// Slurp, with Paginate, writes one array of the items of all pages instead.
	Slurp bool

	// Out gets the results.
	Out io.Writer
	// Terminal means that Out is a terminal: JSON is indented, and no control
	// characters are written.
	Terminal bool
	// Coloured adds colours to output for terminals.
	Coloured bool
	// Refusal gets an answer with status 400 or more instead of Out. Default:
	// Out.
	Refusal io.Writer
	// RefusalTerminal is Terminal for Refusal.
	RefusalTerminal bool
	// OnPage is called for each page, with the number of items so far, and on
	// all pages, or 0 if that is not known.
	OnPage func(items, total int64)
}

// Path returns the path of the target.
func (c *Call) Path() string {
	u, err := url.Parse(c.Target)
	if err != nil {
		return ""
	}
	return u.Path
}

// WriteError means that the results could not be written.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "writing the answer: " + e.Err.Error() }

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }

// output turns every write error into a WriteError.
type output struct{ w io.Writer }

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		err = &WriteError{err}
	}
	return n, err
}

// Do makes the request and writes the answer. If the status is 400 or more, it
// writes the answer unfiltered, with a line break at its end, and returns a
// [*spotipie.APIError].
func (c *Call) Do(ctx context.Context, requester Requester) error {
	run := &run{Call: *c, out: output{c.Out}, seen: map[string]bool{}}
	target, query := c.Target, c.Query
	for target != "" {
		resp, err := requester.Request(ctx, c.Method, target, &spotipie.RequestOptions{
			Params: query, Body: body(c.Body), Headers: c.Header,
		})
		if err != nil {
			return err
		}
		target, err = run.answer(ctx, resp)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		query = nil // it is in next
	}
	return run.finish(ctx)
}

func body(data []byte) io.Reader {
	if data == nil {
		return nil
	}
	return bytes.NewReader(data)
}

// run is the state of a call.
type run struct {
	Call
	out   io.Writer
	seen  map[string]bool // pages requested
	count int64           // items on them
	items []json.RawMessage
	size  int // of items, in bytes
}

// answer writes one answer and returns the URL of the next page, if there is
// one and Paginate is set.
func (r *run) answer(ctx context.Context, resp *http.Response) (next string, err error) {
	if err := ctx.Err(); err != nil { // the rest is not needed any more
		return "", err
	}
	refused := resp.StatusCode >= http.StatusBadRequest
	if refused && r.Refusal != nil { // nothing comes after it
		r.out, r.Terminal = output{r.Refusal}, r.RefusalTerminal
	}
	if r.Include {
		if err := r.writeHead(resp); err != nil {
			return "", err
		}
	}
	if refused {
		return "", r.refused(resp)
	}
	if r.Filter == nil && !r.Paginate && !r.Terminal {
		_, err := io.Copy(r.out, resp.Body)
		return "", unreadable(err)
	}
	data, err := readAll(resp.Body)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return "", err
	}
	if !r.Paginate {
		return "", r.write(ctx, data)
	}
	return r.page(ctx, data, resp.Request.URL)
}

// refused writes the server's refusal.
func (r *run) refused(resp *http.Response) error {
	data, err := readAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	refusal := spotipie.CheckResponse(resp)
	if len(data) > 0 {
		if data[len(data)-1] != '\n' {
			data = append(data, '\n')
		}
		if err := r.writeRaw(data); err != nil {
			return errors.Join(refusal, err)
		}
	}
	return refusal
}

// page writes a page, or keeps its items for later.
func (r *run) page(ctx context.Context, data []byte, from *url.URL) (next string, err error) {
	p, err := pageOf(data)
	if err != nil {
		return "", err
	}
	if p == nil { // not a list: a single page
		p = &page{items: []json.RawMessage{data}}
	}
	if r.Slurp {
		if r.size += len(data); r.size > maxItems {
			return "", fmt.Errorf("the pages together have more than %d MiB: leave out --slurp", maxItems>>20)
		}
		r.items = append(r.items, p.items...)
	} else if err := r.write(ctx, data); err != nil {
		return "", err
	}
	r.count += int64(len(p.items))
	if r.OnPage != nil {
		r.OnPage(r.count, p.total)
	}
	if p.next == "" {
		return "", nil
	}
	r.seen[from.String()] = true
	return follow(from, p.next, r.seen)
}

func (r *run) finish(ctx context.Context) error {
	if !r.Slurp {
		return nil
	}
	if r.items == nil {
		r.items = []json.RawMessage{}
	}
	data, err := marshal(r.items)
	if err != nil {
		return fmt.Errorf("an item is not JSON: %w", err)
	}
	return r.write(ctx, data)
}

// write writes one result.
func (r *run) write(ctx context.Context, data []byte) error {
	if r.Filter == nil {
		if !json.Valid(data) {
			return r.writeRaw(data)
		}
		return writeJSON(r.printer(), data, r.Terminal)
	}
	value, err := decode(data)
	if err != nil {
		return errors.New("--jq: the answer is not JSON")
	}
	return r.Filter.Run(ctx, r.printer(), value, r.Terminal)
}

// writeRaw writes data that may not be JSON.
func (r *run) writeRaw(data []byte) error {
	if r.Terminal {
		return writeJSON(r.printer(), data, true)
	}
	_, err := r.out.Write(data)
	return err
}

func (r *run) printer() io.Writer {
	if r.Terminal {
		return printer{r.out, r.Coloured}
	}
	return r.out
}

func (r *run) writeHead(resp *http.Response) error {
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s\n", resp.Proto, resp.Status)
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, value := range resp.Header[name] {
			fmt.Fprintf(&head, "%s: %s\n", name, value)
		}
	}
	head.WriteString("\n")
	_, err := r.printer().Write(head.Bytes())
	return err
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = fmt.Errorf("it has more than %d MiB", maxAnswer>>20)
	}
	return data, unreadable(err)
}

func unreadable(err error) error {
	var written *WriteError
	if err == nil || errors.As(err, &written) {
		return err
	}
	return fmt.Errorf("reading the answer: %w", err)
}
