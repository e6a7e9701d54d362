package webapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// page is the part of a list in an answer.
type page struct {
	items []json.RawMessage
	next  string // URL of the next page; empty on the last
	total int64  // items on all pages; 0 if the answer does not say
}

// pageOf finds the paging object in an answer, which has items and next
// (https://developer.spotify.com/documentation/web-api/concepts/api-calls): the
// answer itself, or the one part of it that is such an object, as in search
// results and followed artists. It returns nil if there is none.
func pageOf(answer []byte) (*page, error) {
	if p := pagingObject(answer); p != nil {
		return p, nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(answer, &object) != nil {
		return nil, nil
	}
	var lists []string
	var found *page
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if p := pagingObject(object[name]); p != nil {
			lists, found = append(lists, name), p
		}
	}
	if len(lists) > 1 {
		return nil, fmt.Errorf("the answer has several lists (%s): ask for one of them at a time to see all its pages",
			strings.Join(lists, ", "))
	}
	return found, nil
}

func pagingObject(object []byte) *page {
	var fields struct {
		Items []json.RawMessage `json:"items"`
		Next  json.RawMessage   `json:"next"`
		Total json.RawMessage   `json:"total"`
	}
	if json.Unmarshal(object, &fields) != nil || fields.Items == nil || fields.Next == nil {
		return nil
	}
	p := &page{items: fields.Items}
	_ = json.Unmarshal(fields.Next, &p.next)   // null on the last page
	_ = json.Unmarshal(fields.Total, &p.total) // only used to show the progress
	return p
}

// follow returns the URL of the next page, which may be relative to the URL of
// this one. It must have the same origin, since the user has requested nothing
// from other servers.
func follow(current *url.URL, next string, seen map[string]bool) (string, error) {
	u, err := current.Parse(next)
	if err != nil {
		return "", errors.New("the answer's next is not a URL")
	}
	if u.Scheme != current.Scheme || u.Host != current.Host || u.User != nil {
		return "", fmt.Errorf("the next page would be on another server (%s://%s), so it is not requested", u.Scheme, u.Host)
	}
	u.Fragment = ""
	if seen[u.String()] {
		return "", errors.New("the next page was already read: the pages form a circle")
	}
	seen[u.String()] = true
	return u.String(), nil
}
