package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// Pages of summaries. All but those by consent are in the order of the keys,
// which never change.
const (
	pageSQL = `
SELECT id, client_id, profile, format, record, saved_at, consented_at FROM records
WHERE (client_id, profile) > (?, ?) AND record IS NOT NULL
ORDER BY client_id, profile LIMIT ?`

	pageOfAppSQL = `
SELECT id, client_id, profile, format, record, saved_at, consented_at FROM records
WHERE client_id = ? AND profile > ? AND record IS NOT NULL
ORDER BY profile LIMIT ?`

	refusedPageSQL = `
SELECT id, client_id, profile, format, record, saved_at, consented_at FROM records INDEXED BY records_refused
WHERE refused = 1 AND (client_id, profile) > (?, ?)
ORDER BY client_id, profile LIMIT ?`

	consentPageSQL = `
SELECT id, client_id, profile, format, record, saved_at, consented_at FROM records INDEXED BY records_by_consent
WHERE consented_at IS NOT NULL AND consented_at <= ? AND (consented_at, id) > (?, ?)
ORDER BY consented_at, id LIMIT ?`
)

// firstPage changes the statement of a page for the first page, which may begin
// with an empty key.
func firstPage(statement string) string { return strings.Replace(statement, " > ", " >= ", 1) }

// The orders of pages.
const (
	byKey     = "key"
	byConsent = "consent"
)

// cursor says where a page has ended. It has bytes and not strings, because
// JSON would change keys that are not text.
type cursor struct {
	Order       string `json:"o"`
	ClientID    []byte `json:"c,omitempty"`
	Profile     []byte `json:"p,omitempty"`
	ConsentedAt int64  `json:"t,omitempty"`
	ID          int64  `json:"i,omitempty"`
}

func (c cursor) String() string {
	data, _ := json.Marshal(c) // never fails
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseCursor(text string, query spotipie.SummaryQuery) (c cursor, err error) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil || c.Order != byKey && !(c.Order == byConsent && mayGoByConsent(query)) {
		return c, errors.New("SummaryQuery.After is not the Next of a page")
	}
	return c, nil
}

// Summaries implements [spotipie.Summarizer]. Each kind of query has its own
// index: with AuthorizedBefore the summaries are in the order of the consents,
// otherwise in the order of the keys.
func (s *Store) Summaries(ctx context.Context, query spotipie.SummaryQuery) (page spotipie.SummaryPage, err error) {
	if err = s.present(); err == nil {
		page, err = s.summaries(ctx, query)
	}
	if err != nil {
		return spotipie.SummaryPage{}, s.wrapDoing("summarizing", err)
	}
	return page, nil
}

func (s *Store) summaries(ctx context.Context, query spotipie.SummaryQuery) (page spotipie.SummaryPage, err error) {
	after := firstCursor(query)
	if query.After != "" {
		if after, err = parseCursor(query.After, query); err != nil {
			return page, err
		}
	}
	statement, arguments := statementOf(query, after)
	var last cursor
	scanned := 0
	err = s.reading.rows(ctx, statement, arguments, func(scan func(...any) error) error {
		var key spotipie.Key
		var format, savedAt int64
		var record string
		var consentedAt sql.NullInt64
		if err := scan(&last.ID, &key.ClientID, &key.Profile, &format, &record, &savedAt, &consentedAt); err != nil {
			return err
		}
		scanned++
		if after.Order == byConsent {
			last = cursor{Order: byConsent, ConsentedAt: consentedAt.Int64, ID: last.ID}
		} else {
			last = cursor{Order: byKey, ClientID: []byte(key.ClientID), Profile: []byte(key.Profile)}
		}
		summary, readable := summarize(key, format, record, savedAt)
		if readable && query.Matches(summary) {
			page.Summaries = append(page.Summaries, summary)
		}
		return nil
	})
	if err == nil && scanned == query.PageSize() {
		page.Next = last.String()
	}
	return page, err
}

// mayGoByConsent reports whether a query can use the order of consents.
func mayGoByConsent(query spotipie.SummaryQuery) bool {
	return !query.AuthorizedBefore.IsZero() && !query.Rejected
}

// firstCursor returns where the first page of a query begins. It does not use
// the order of consents if the query includes consents of these days: a user
// who consents again meanwhile would be listed twice.
func firstCursor(query spotipie.SummaryQuery) cursor {
	if mayGoByConsent(query) && query.AuthorizedBefore.Before(time.Now()) {
		return cursor{Order: byConsent, ConsentedAt: math.MinInt64}
	}
	return cursor{Order: byKey}
}

// statementOf returns the statement that answers a query after a cursor.
func statementOf(query spotipie.SummaryQuery, after cursor) (statement string, arguments []any) {
	size := query.PageSize()
	clientID, profile := string(after.ClientID), string(after.Profile)
	switch {
	case after.Order == byConsent:
		return consentPageSQL, []any{query.AuthorizedBefore.UnixMicro(), after.ConsentedAt, after.ID, size}
	case query.Rejected:
		statement, arguments = refusedPageSQL, []any{clientID, profile, size}
	case query.ClientID != "":
		statement, arguments = pageOfAppSQL, []any{query.ClientID, profile, size}
	default:
		statement, arguments = pageSQL, []any{clientID, profile, size}
	}
	if query.After == "" {
		statement = firstPage(statement)
	}
	return statement, arguments
}

// summarize makes the summary of a record, without its token. A record that
// cannot be read has no summary.
func summarize(key spotipie.Key, number int64, record string, savedAt int64) (summary spotipie.Summary, readable bool) {
	var r struct {
		AuthorizedAt time.Time `json:"authorized_at"`
		Rejected     string    `json:"rejected"`
		RejectedAt   time.Time `json:"rejected_at"`
	}
	if number != format || json.Unmarshal([]byte(record), &r) != nil {
		return summary, false
	}
	return spotipie.Summary{
		Key: key, AuthorizedAt: r.AuthorizedAt, Rejected: r.Rejected, RejectedAt: r.RejectedAt,
		SavedAt: time.UnixMicro(savedAt).UTC(),
	}, true
}
