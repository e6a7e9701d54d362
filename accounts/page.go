package accounts

import (
	"net/http"
	"net/url"
	"strconv"
)

// page is the Web API's paging object.
type page struct {
	Href     string  `json:"href"`
	Items    any     `json:"items"`
	Limit    int     `json:"limit"`
	Next     *string `json:"next"`
	Offset   int     `json:"offset"`
	Previous *string `json:"previous"`
	Total    int     `json:"total"`
}

// The Web API's limits for a page.
const (
	defaultLimit = 20
	maxLimit     = 50
)

// limits are the default and the maximum number of items on a page.
type limits struct{ standard, most int }

// window is the requested part of a list.
type window struct{ limit, offset int }

// window reads limit and offset. If they are wrong, it answers with 400 and
// returns false.
func (c *apiCall) window() (window, bool) {
	return c.windowOf(limits{standard: defaultLimit, most: maxLimit})
}

func (c *apiCall) windowOf(allowed limits) (window, bool) {
	limit, ok := c.number("limit", allowed.standard)
	if !ok || limit < 1 || limit > allowed.most {
		c.fail(http.StatusBadRequest, "Invalid limit")
		return window{}, false
	}
	offset, ok := c.number("offset", 0)
	if !ok || offset < 0 || offset > 100_000 {
		c.fail(http.StatusBadRequest, "Invalid offset")
		return window{}, false
	}
	return window{limit, offset}, true
}

func (c *apiCall) number(name string, otherwise int) (int, bool) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// cut returns the bounds of the window in a list of total items.
func (win window) cut(total int) (from, to int) {
	from = min(win.offset, total)
	return from, min(from+win.limit, total)
}

// sendPage answers with the requested part of a list.
func sendPage[T any](c *apiCall, all []T) {
	win, ok := c.window()
	if !ok {
		return
	}
	from, to := win.cut(len(all))
	c.send(c.page(win, all[from:to], len(all), nil))
}

// page is the window's paging object; query is repeated in its URLs.
func (c *apiCall) page(win window, items any, total int, query url.Values) page {
	return c.pageAt(escapedPath(c.r), win, items, total, query)
}

// pageAt is page for a list at another path.
func (c *apiCall) pageAt(path string, win window, items any, total int, query url.Values) page {
	at := func(offset int) string {
		q := url.Values{}
		for name, values := range query {
			q[name] = values
		}
		q.Set("offset", strconv.Itoa(offset))
		q.Set("limit", strconv.Itoa(win.limit))
		return c.base() + path + "?" + q.Encode()
	}
	p := page{Href: at(win.offset), Items: items, Limit: win.limit, Offset: win.offset, Total: total}
	if win.offset+win.limit < total {
		next := at(win.offset + win.limit)
		p.Next = &next
	}
	if win.offset > 0 {
		previous := at(max(win.offset-win.limit, 0))
		p.Previous = &previous
	}
	return p
}
