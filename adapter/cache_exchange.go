package adapter

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gohugoio/httpcache"
)

// The library keeps the values of request headers that Vary names, in clear,
// knows neither several lines of one header nor upper-case directives, and
// reads some directives more freely than RFC 9111. So it does not get to see
// the caller's request and the server's answer as they are, but a view of
// each; an exchange, in the context of the request, carries the real ones past
// it.
type exchange struct {
	req          *http.Request // the caller's, never changed
	place        place         // where the answer is stored
	noStore      bool          // the request forbids storing
	onlyIfCached bool          // the request forbids asking the server

	resp     *http.Response // the server's answer; nil while it was not asked
	header   http.Header    // of resp, before it was rewritten for the library
	storable bool           // whether resp may be stored; its body is in memory then
}

type exchangeKey struct{}

func exchangeOf(view *http.Request) *exchange {
	return view.Context().Value(exchangeKey{}).(*exchange)
}

// viewOf returns the library's view of the request of x: without credentials,
// one line for each header, and a Cache-Control that it understands.
func viewOf(x *exchange, users users) *http.Request {
	lines := make(map[string][]string, len(x.req.Header))
	for name, values := range x.req.Header {
		if name = http.CanonicalHeaderKey(name); !users.isCredential(name) {
			lines[name] = append(lines[name], values...)
		}
	}
	header := make(http.Header, len(lines))
	for name, values := range lines {
		header[name] = []string{strings.Join(values, ", ")}
	}
	if control := lines["Cache-Control"]; control != nil {
		header["Cache-Control"] = []string{x.requestControl(control)}
	}
	view := x.req.WithContext(context.WithValue(x.req.Context(), exchangeKey{}, x))
	view.Method, view.Header = http.MethodGet, header
	return view
}

// requestControl reads the request's Cache-Control, and returns the part that
// the library should see (RFC 9111 section 5.2.1). A max-age can only shorten
// an answer's life, but the library would let it lengthen it, so it always
// revalidates. Stale answers are never returned.
func (x *exchange) requestControl(lines []string) string {
	var kept []string
	for _, directive := range directives(lines) {
		name, _, _ := strings.Cut(directive, "=")
		switch name {
		case "no-store":
			x.noStore = true
		case "only-if-cached":
			x.onlyIfCached = true
			continue
		case "max-age":
			directive = "max-age=0"
		case "max-stale", "stale-if-error":
			continue
		}
		kept = append(kept, directive)
	}
	return strings.Join(kept, ", ")
}

// isStorable reports whether the library may store resp: the server's answer,
// or a stored one that the server has just confirmed.
func (x *exchange) isStorable(resp *http.Response) bool {
	if resp == x.resp {
		return x.storable
	}
	return isStorableHeader(resp.Header)
}

// isOutdated reports whether the stored answer is no longer right if the
// library answers with resp. If the server fails or asks for a pause, the
// stored answer stays.
func (x *exchange) isOutdated(resp *http.Response) bool {
	switch {
	case x.resp == nil:
		return false
	case resp != x.resp: // confirmed, but perhaps not to be kept any more
		return !isStorableHeader(resp.Header)
	}
	switch status := resp.StatusCode; status {
	case http.StatusOK:
		return !x.storable
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return status < http.StatusInternalServerError
	}
}

// isStorableHeader reports whether an answer may be kept and is worth it.
func isStorableHeader(h http.Header) bool {
	for _, line := range h.Values("Vary") {
		if strings.Contains(line, "*") {
			return false
		}
	}
	worth := h.Get("Etag") != "" || h.Get("Last-Modified") != "" || h.Get("Expires") != ""
	for _, directive := range directives(h.Values("Cache-Control")) {
		if directive == "no-store" {
			return false
		}
		worth = worth || strings.HasPrefix(directive, "max-age=")
	}
	return worth
}

// normalize rewrites the header of an answer asked for and received at the given
// times for the library:
// no headers of the connection, one Cache-Control line in lower case, and
// dates that make its arithmetic right.
func normalize(h http.Header, asked, received time.Time) {
	dropConnectionFields(h)
	for _, name := range ownHeaders() {
		h.Del(name)
	}
	maps.DeleteFunc(h, func(name string, _ []string) bool { return isLibraryHeader(name) })
	var kept []string
	hasMaxAge := false
	for _, directive := range directives(h.Values("Cache-Control")) {
		isMaxAge := strings.HasPrefix(directive, "max-age=")
		if strings.HasPrefix(directive, "stale-if-error") || isMaxAge && hasMaxAge { // RFC 9111 section 4.2.1
			continue
		}
		hasMaxAge = hasMaxAge || isMaxAge
		kept = append(kept, directive)
	}
	h.Del("Cache-Control")
	if kept != nil {
		h.Set("Cache-Control", strings.Join(kept, ", "))
	}
	anchorDates(h, asked, received)
}

// ownHeaders are the headers of an answer that are only for its own request:
// they contain or confirm a credential.
func ownHeaders() []string {
	return []string{"Set-Cookie", "Set-Cookie2", "Authentication-Info", "Proxy-Authentication-Info", "Clear-Site-Data"}
}

// dropConnectionFields removes what is meant for the connection only and must
// not be stored (RFC 9111 section 3.1).
func dropConnectionFields(h http.Header) {
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	} {
		h.Del(name)
	}
}

// anchorDates sets Date so that its distance from the present is the age of
// the answer (RFC 9111 section 4.2.3): the library ignores the Age header and
// the time that the request took, and does not expect a server whose clock is
// ahead. Expires moves along.
func anchorDates(h http.Header, asked, received time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		date = received
	}
	age := received.Sub(asked)
	first, _, _ := strings.Cut(h.Get("Age"), ",") // RFC 9111 section 5.1
	seconds, err := strconv.ParseUint(strings.TrimSpace(first), 10, 31)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		age += time.Duration(seconds) * time.Second
	}
	anchor := received.Add(-max(age, received.Sub(date)))
	if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
		h.Set("Expires", anchor.Add(expires.Sub(date)).UTC().Format(http.TimeFormat))
	}
	h.Set("Date", anchor.UTC().Format(http.TimeFormat))
}

// headerFromCache returns the header that the caller sees of an answer from
// the cache. confirmed is the header of the server's answer that it is still
// good; nil if the server was not asked.
func headerFromCache(stored, confirmed http.Header, now time.Time) http.Header {
	h := stored.Clone()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return isLibraryHeader(name) })
	status := "spotipie; hit"
	if confirmed != nil {
		status = "spotipie; fwd=stale; fwd-status=304"
		for _, name := range ownHeaders() {
			if values := confirmed[name]; values != nil {
				h[name] = values
			}
		}
	}
	h.Add("Cache-Status", status)
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		h.Set("Age", strconv.Itoa(int(max(now.Sub(date), 0)/time.Second)))
	}
	return h
}

// isLibraryHeader tells the headers in which the library keeps notes.
func isLibraryHeader(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return name == httpcache.XFromCache || strings.HasPrefix(name, "X-Varied-") ||
		name == httpcache.XETag1 || name == httpcache.XETag2
}

// directives splits the lines of a Cache-Control header, in lower case. A
// comma within quotes splits too, which can only make the result stricter.
func directives(lines []string) []string {
	var all []string
	for part := range strings.SplitSeq(strings.ToLower(strings.Join(lines, ",")), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
