package spotipie

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary describes a record in a store without its token.
type Summary struct {
	Key Key `json:"key"`
	// AuthorizedAt is when the user last consented. Zero if it is not known.
	AuthorizedAt time.Time `json:"authorized_at,omitzero"`
	// Rejected holds what the accounts service said if it has refused the
	// refresh token for good. RejectedAt is when that was, or zero if it is not
	// known.
	Rejected   string    `json:"rejected,omitempty"`
	RejectedAt time.Time `json:"rejected_at,omitzero"`
	// SavedAt is when the record was last saved. A token in use is renewed and
	// saved about once an hour. Copying a store saves its records too. Zero if
	// the store does not know.
	SavedAt time.Time `json:"saved_at,omitzero"`
}

// ReauthorizeBy returns when the refresh token expires, six months after the
// consent, or zero if the time of the consent is not known. See [Session]. A
// summary does not say whether there is a refresh token: with the implicit
// grant there is none.
func (s Summary) ReauthorizeBy() time.Time {
	if s.AuthorizedAt.IsZero() {
		return time.Time{}
	}
	return addMonths(s.AuthorizedAt, refreshTokenMonths)
}

// SummaryQuery selects summaries. The zero value selects all.
type SummaryQuery struct {
	// ClientID selects the records of one app. Default: all apps.
	ClientID string
	// AuthorizedBefore selects the records whose user consented before this
	// time, to the microsecond. Records whose time of consent is not known are
	// left out. See [ConsentsEndingBefore] for consents that end soon.
	AuthorizedBefore time.Time
	// Rejected selects the records whose refresh token was refused for good.
	Rejected bool
	// After is [SummaryPage].Next of the page before. The rest of the query
	// must be the same for all pages. Default: the first page.
	After string
	// Limit is how many summaries a page has at most: 100 by default, never
	// more than 10,000. In a store that walks over all names for each page, a
	// large page costs little more than a small one.
	Limit int
}

// ConsentsEndingBefore returns the query for users who have to sign in again
// before the given time, including those whose refresh token was refused.
// Because months differ in length, it may find some whose consent ends up to
// three days later: check [Summary].ReauthorizeBy.
func ConsentsEndingBefore(t time.Time) SummaryQuery {
	return SummaryQuery{AuthorizedBefore: t.AddDate(0, -refreshTokenMonths, 3)}
}

// Limits of a page of summaries.
const (
	defaultPage = 100
	maxPage     = 10_000
)

// PageSize returns Limit, with its default and its limit, for stores.
func (q SummaryQuery) PageSize() int {
	if q.Limit <= 0 {
		return defaultPage
	}
	return min(q.Limit, maxPage)
}

// Matches reports whether the query selects a record, for stores that look at
// each. It ignores After.
func (q SummaryQuery) Matches(s Summary) bool {
	switch {
	case q.ClientID != "" && s.Key.ClientID != q.ClientID:
		return false
	case q.Rejected && s.Rejected == "":
		return false
	}
	return q.AuthorizedBefore.IsZero() || !s.AuthorizedAt.IsZero() && s.AuthorizedAt.Before(q.AuthorizedBefore)
}

// SummaryPage is a page of summaries.
type SummaryPage struct {
	Summaries []Summary
	// Next is the After of the next page. On the last page it is empty.
	Next string
}

// Summarizer is a [Store] that lists what it holds in pages, without tokens.
//
// Summaries returns a page. A record that exists and is selected from the first
// page to the last is on exactly one page, unless its user consents again
// meanwhile. Pages come in no particular order. A page may be short, or empty,
// before the last one, because a store limits how many records it looks at for
// a page. Records that cannot be read, or that have a newer format, are left
// out. If After is not the Next of a page of this store, the query fails.
//
// Programs call the function [Summaries], which works with any store.
type Summarizer interface {
	Store
	Summaries(ctx context.Context, query SummaryQuery) (SummaryPage, error)
}

// Summaries returns a page of summaries of the records in a store. If the store
// is not a [Summarizer], it lists the keys for each page and loads the records
// one by one, in the order of their keys. Records whose Load fails with a
// [*RecordMismatchError] are left out; it returns any other error.
//
// To see all records, ask until there is no next page:
//
//	for query := (spotipie.SummaryQuery{Limit: 1000}); ; {
//		page, err := spotipie.Summaries(ctx, store, query)
//		if err != nil {
//			return err
//		}
//		for _, summary := range page.Summaries {
//			fmt.Println(summary.Key, summary.ReauthorizeBy())
//		}
//		if query.After = page.Next; query.After == "" {
//			break
//		}
//	}
func Summaries(ctx context.Context, store Store, query SummaryQuery) (SummaryPage, error) {
	if s, ok := store.(Summarizer); ok {
		return s.Summaries(ctx, query)
	}
	after, err := parseKeyCursor(query.After)
	if err != nil {
		return SummaryPage{}, err
	}
	keys, err := store.List(ctx)
	if err != nil {
		return SummaryPage{}, fmt.Errorf("spotipie: listing the store: %w", err)
	}
	keys = slices.DeleteFunc(keys, func(key Key) bool {
		return query.ClientID != "" && key.ClientID != query.ClientID || query.After != "" && compareKeys(key, after) <= 0
	})
	slices.SortFunc(keys, compareKeys)
	return summarizeKeys(ctx, store, keys, query)
}

// maxLoads is how many records are loaded for a page.
const maxLoads = 10_000

func summarizeKeys(ctx context.Context, store Store, keys []Key, query SummaryQuery) (page SummaryPage, err error) {
	for i, key := range keys {
		if i == maxLoads || len(page.Summaries) == query.PageSize() {
			page.Next = keyCursor(keys[i-1])
			return page, nil
		}
		rec, found, err := store.Load(ctx, key)
		var mismatch *RecordMismatchError
		switch {
		case errors.As(err, &mismatch):
			continue
		case err != nil:
			return SummaryPage{}, fmt.Errorf("spotipie: loading %s for its summary: %w", key, err)
		}
		if summary := rec.Summary(key); found && query.Matches(summary) {
			page.Summaries = append(page.Summaries, summary)
		}
	}
	return page, nil
}

// Summary returns the summary of a record that a store keeps under key. It takes the
// time of the save from the version, if that comes from [NextVersion] or is made in the
// same way.
func (r Record) Summary(key Key) Summary {
	s := Summary{Key: key, AuthorizedAt: r.AuthorizedAt, Rejected: r.Rejected, RejectedAt: r.RejectedAt}
	if r.Version >= firstMoment*1000 && r.Version <= lastMoment*1000 {
		s.SavedAt = time.UnixMicro(int64(r.Version)).UTC()
	}
	return s
}

// firstMoment is the lowest version that can be a time: the beginning of the
// year 2020, in milliseconds.
const firstMoment = 1_577_836_800_000

func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Profile, b.Profile))
}

// keyCursor encodes a key as a text that says where a page has ended.
func keyCursor(key Key) string {
	data := binary.AppendUvarint(nil, uint64(len(key.ClientID)))
	return base64.RawURLEncoding.EncodeToString(append(data, key.ClientID+key.Profile...))
}

func parseKeyCursor(cursor string) (key Key, err error) {
	if cursor == "" {
		return key, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	length, n := binary.Uvarint(data)
	if err != nil || n <= 0 || length > uint64(len(data)-n) {
		return key, errors.New("spotipie: SummaryQuery.After is not the Next of a page")
	}
	return Key{ClientID: string(data[n : n+int(length)]), Profile: string(data[n+int(length):])}, nil
}
