package webapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/webapi"
)

// pages answers with three pages of two items each. format has %s at the place of
// the page.
func pages(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		next := "null"
		if offset < 4 {
			next = fmt.Sprintf("\"http://%s/v1/x?q=%s&offset=%d\"", r.Host, url.QueryEscape(r.URL.Query().Get("q")), offset+2)
		}
		fmt.Fprintf(w, format, fmt.Sprintf(`{"total":6,"next":%s,"items":[{"n":%d},{"n":%d}]}`, next, offset, offset+1))
	}
}

func TestPaginate(t *testing.T) {
	type seen struct{ items, total int64 }
	for name, test := range map[string]struct {
		format string
		call   webapi.Call
		want   string
	}{
		"filtered page by page": {
			"%s", webapi.Call{Filter: filter(t, "[.items[].n]")}, "[0,1]\n[2,3]\n[4,5]\n",
		},
		"nested": {
			`{"artists":%s,"other":{"items":[1]}}`, webapi.Call{Filter: filter(t, ".artists.items[].n")}, "0\n1\n2\n3\n4\n5\n",
		},
		"slurped": {
			"%s", webapi.Call{Slurp: true}, `[{"n":0},{"n":1},{"n":2},{"n":3},{"n":4},{"n":5}]` + "\n",
		},
		"slurped, filtered": {
			`{"artists":%s}`, webapi.Call{Slurp: true, Filter: filter(t, "length")}, "6\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, pages(test.format))
			var progress []seen
			test.call.Paginate, test.call.Target, test.call.Query = true, "/v1/x", url.Values{"q": {"a b"}}
			test.call.OnPage = func(items, total int64) { progress = append(progress, seen{items, total}) }
			out, err := do(t, session, test.call)
			if out != test.want || err != nil {
				t.Errorf("got  %q, %v\nwant %q", out, err, test.want)
			}
			if want := "[{2 6} {4 6} {6 6}]"; fmt.Sprint(progress) != want {
				t.Errorf("progress: got %v, want %s", progress, want)
			}
		})
	}
}

// Without a filter each page is printed unchanged, on separate lines.
func TestPaginateAsIs(t *testing.T) {
	_, session := server(t, pages("%s"))
	out, err := do(t, session, webapi.Call{Paginate: true, Target: "/v1/x"})
	if err != nil || strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, `{"total":6,"next":"http`) {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestPaginateWithoutPages(t *testing.T) {
	for name, test := range map[string]struct {
		body  string
		slurp bool
		want  string
	}{
		"object":            {`{"id":"ada"}`, false, `{"id":"ada"}` + "\n"},
		"object, slurped":   {`{"id":"ada"}`, true, `[{"id":"ada"}]` + "\n"},
		"a list, not paged": {`{"devices":[],"items":[1]}`, false, `{"devices":[],"items":[1]}` + "\n"},
		"one page":          {`{"items":[1],"next":null}`, true, "[1]\n"},
		"empty page":        {`{"items":[],"next":null}`, true, "[]\n"},
		"nothing, slurped":  {"", true, "[]\n"},
		"odd next":          {`{"items":[1],"next":5}`, true, "[1]\n"},
		"odd total":         {`{"items":[1],"next":null,"total":"x"}`, true, "[1]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, answering(200, "application/json", test.body))
			out, err := do(t, session, webapi.Call{Paginate: true, Slurp: test.slurp})
			if out != test.want || err != nil {
				t.Errorf("got  %q, %v\nwant %q", out, err, test.want)
			}
		})
	}
}

func TestPaginateRefuses(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"several lists":  {`{"tracks":{"items":[],"next":null},"artists":{"items":[],"next":null}}`, "several lists (artists, tracks)"},
		"another server": {`{"items":[],"next":"https://example.com/v1/me"}`, "another server (https://example.com)"},
		"another scheme": {`{"items":[],"next":"file:///etc/passwd"}`, "another server"},
		"a user name":    {`{"items":[],"next":"//u:p@HOST/v1/me"}`, "another server"},
		"itself":         {`{"items":[],"next":"?"}`, "circle"},
		"no URL":         {`{"items":[],"next":"http://[::1"}`, "not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, strings.ReplaceAll(test.body, "HOST", r.Host))
			})
			_, err := do(t, session, webapi.Call{Paginate: true, Target: "/v1/me?"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
