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
	// once in an hour of use. Who copies a store saves too. Zero if the store
	// does not know.
	SavedAt time.Time `json:"saved_at,omitzero"`
}

// ReauthorizeBy returns when the refresh token dies, six months after the
// consent, or zero if the consent's time is not known. See [Session]. A summary
// does not say whether there is a refresh token: an implicit grant gives none.
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
	// AuthorizedBefore wants the records whose user consented before then, to
	// the microsecond. Records whose consent's time is not known are left out.
	// For those whose refresh token dies within n days, take
	// now.AddDate(0, -6, n), and some days more where ReauthorizeBy is looked
	// at: months are not of one length.
	AuthorizedBefore time.Time
	// Rejected wants the records whose refresh token was refused for good.
	Rejected bool
	// After is [SummaryPage].Next of the page before, which was asked for with
	// the same query. Default: the first page.
	After string
	// Limit is how many summaries a page has at most: 100 by default, never
	// more than 10,000. A large page costs little more than a small one in a
	// store that has to walk over all names for each.
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
	maxPage     = 10_000
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
// out tokens.
//
// Summaries returns a page. Every record that is there from the first page to
// the last, and wanted all the time, is on one page, and on one only unless its
// user consents anew meanwhile. Pages come in no particular order, and may be
// short, or empty, before the last: a store bounds what it looks at for one.
// What is no record, or one of a newer format, is left out. A query whose After is not the Next of a page of the store's is an error.
//
// Call the function [Summaries], which any store will do for.
type Summarizer interface {
	Store
	Summaries(ctx context.Context, query SummaryQuery) (SummaryPage, error)
}

// Summaries returns a page of summaries of what a store holds. It asks the
// store if that is a [Summarizer], and else lists the keys for each page and
// loads the records one by one, in the order of their keys: records whose Load
// fails with a [*RecordMismatchError] are left out, any other error ends it.
//
// To see all, ask until there is no next page:
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

// Summary returns the summary of a record that a store keeps under key. Its
// version tells when it was saved, if [NextVersion] or the like has made it.
func (r Record) Summary(key Key) Summary {
	s := Summary{Key: key, AuthorizedAt: r.AuthorizedAt, Rejected: r.Rejected, RejectedAt: r.RejectedAt}
	if r.Version >= firstMoment*1000 && r.Version <= lastMoment*1000 {
		s.SavedAt = time.UnixMicro(int64(r.Version)).UTC()
	}
	return s
}

// firstMoment is where versions begin that can be moments: the beginning of the
// year 2020, in milliseconds.
const firstMoment = 1_577_836_800_000

func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Profile, b.Profile))
}

// keyCursor makes a text of a key that says where a page has ended.
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
