package spotipie

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary says of a record in a store what can be said without its token.
type Summary struct {
	Key Key `json:"key"`
	// AuthorizedAt is when the user last consented. Zero if it is not known.
	AuthorizedAt time.Time `json:"authorized_at,omitzero"`
	// Rejected holds the accounts service's words if it has refused the refresh
	// token for good; RejectedAt is when that was, or zero if it is not known.
	Rejected   string    `json:"rejected,omitempty"`
	RejectedAt time.Time `json:"rejected_at,omitzero"`
	// SavedAt is when the record was last saved, which a renewal does at least
	// once in an hour of use. Zero if the store does not know.
	SavedAt time.Time `json:"saved_at,omitzero"`
}

// ReauthorizeBy returns when the refresh token dies, six months after the
// consent, or zero if the consent's time is not known. See [Session].
func (s Summary) ReauthorizeBy() time.Time {
	if s.AuthorizedAt.IsZero() {
		return time.Time{}
	}
	return addMonths(s.AuthorizedAt, refreshTokenMonths)
}

// SummaryQuery says which summaries are wanted. The zero value wants all.
type SummaryQuery struct {
	// ClientID wants the records of one app. Default: of all.
	ClientID string
	// AuthorizedBefore wants the records whose user consented before then.
	// Records whose consent's time is not known are left out.
	AuthorizedBefore time.Time
	// Rejected wants the records whose refresh token was refused for good.
	Rejected bool
	// After is [SummaryPage].Next of the page before. Default: the first page.
	After string
	// Limit is how many summaries a page has at most: 100 by default, never
	// more than 1,000.
	Limit int
}

// ConsentsEndingBefore returns the query for the users who have to sign in again
// before a moment, refused ones included. It may find some whose consent ends up
// to three days later, as months differ: look at [Summary].ReauthorizeBy.
func ConsentsEndingBefore(t time.Time) SummaryQuery {
	return SummaryQuery{AuthorizedBefore: t.AddDate(0, -refreshTokenMonths, 3)}
}

// Limits of a page of summaries.
const (
	defaultPage = 100
	maxPage     = 1000
)

// PageSize returns Limit, with its default and its limit, for stores.
func (q SummaryQuery) PageSize() int {
	if q.Limit <= 0 {
		return defaultPage
	}
	return min(q.Limit, maxPage)
}

// Matches reports whether a record is wanted, for stores that look at each. It
// does not look at After.
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
	// Next is the After of the next page. It is empty after the last one.
	Next string
}

// Summarizer is a [Store] that tells what it holds, in pages, without handing
// out tokens. Every record that is there from the first page to the last, and
// wanted all the time, is on one page, and on one only. Pages come in no
// particular order, and may be short, or empty, before the last. An After that is no Next of the
// store's is an error. The function [Summaries] asks any store.
type Summarizer interface {
	Store
	Summaries(ctx context.Context, query SummaryQuery) (SummaryPage, error)
}

// Summaries returns a page of summaries of what a store holds. It asks the
// store if that is a [Summarizer], and else loads the records one by one, in the
// order of their keys.
func Summaries(ctx context.Context, store Store, query SummaryQuery) (SummaryPage, error) {
	if s, ok := store.(Summarizer); ok {
		return s.Summaries(ctx, query)
	}
	keys, err := store.List(ctx)
	if err != nil {
		return SummaryPage{}, fmt.Errorf("spotipie: listing the store: %w", err)
	}
	return SummarizeKeys(ctx, store, keys, query)
}

// SummarizeKeys returns a page of summaries of the records of keys, which it
// loads one by one, in the order of their keys. It is for stores that can do no
// better, and have the keys. What cannot be read as a record is left out.
func SummarizeKeys(ctx context.Context, store Store, keys []Key, query SummaryQuery) (page SummaryPage, err error) {
	after, err := parseKeyCursor(query.After)
	if err != nil {
		return page, err
	}
	keys = slices.Clone(keys)
	slices.SortFunc(keys, compareKeys)
	for _, key := range keys {
		if query.After != "" && compareKeys(key, after) <= 0 || query.ClientID != "" && key.ClientID != query.ClientID {
			continue
		}
		if len(page.Summaries) == query.PageSize() {
			page.Next = keyCursor(page.Summaries[len(page.Summaries)-1].Key)
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

// Summary returns the summary of a record that a store keeps under key. Its
// version tells when it was saved.
func (r Record) Summary(key Key) Summary {
	s := Summary{Key: key, AuthorizedAt: r.AuthorizedAt, Rejected: r.Rejected, RejectedAt: r.RejectedAt}
	if r.Version > 0 && r.Version <= lastMoment*1000 {
		s.SavedAt = time.UnixMicro(int64(r.Version)).UTC()
	}
	return s
}

func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Profile, b.Profile))
}

// keyCursor makes a text of a key that says where a page has ended.
func keyCursor(key Key) string {
	data, _ := json.Marshal(key) // two strings: never fails
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseKeyCursor(cursor string) (key Key, err error) {
	if cursor == "" {
		return key, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, &key)
	}
	if err != nil {
		return key, errors.New("spotipie: SummaryQuery.After is not the Next of a page")
	}
	return key, nil
}
