package pgstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
)

// If a program that does not know the columns for summaries has saved a record,
// summarized is not its version: then its JSON counts.
const (
	summarySQL = `
SELECT client_id, profile, authorized_at, updated_at,
	CASE WHEN rejected OR summarized IS DISTINCT FROM version THEN record END, summarized IS DISTINCT FROM version
FROM {table} WHERE record IS NOT NULL AND format = 1`

	unsummarizedSQL = `
SELECT client_id, profile, version, record FROM {table}
WHERE record IS NOT NULL AND format = 1 AND summarized IS DISTINCT FROM version`

	summarizeSQL = `
UPDATE {table} AS t SET authorized_at = n.authorized_at, rejected = n.rejected, summarized = n.version
FROM json_to_recordset($1::json) AS n(client_id text, profile text, version bigint, authorized_at timestamptz, rejected boolean)
WHERE t.client_id = n.client_id AND t.profile = n.profile AND t.version = n.version AND t.record IS NOT NULL`
)

const (
	// summarizeAtOnce is how many records a statement updates, and maxSummarize
	// is how many a call updates.
	summarizeAtOnce = 500
	maxSummarize    = 10_000
)

// The orders of pages, and where each begins.
const (
	byKey        = "key"
	byConsent    = "consent"
	unsummarized = "unsummarized"
)

// Summaries implements [spotipie.Summarizer], from indexes. A query for old
// consents or refused refresh tokens first updates the columns of records that
// older versions of this package have saved, ten thousand for each call, and
// returns an empty page then. After Migrate of an older table these are all
// records. Only then does it write.
func (s *Store) Summaries(ctx context.Context, query spotipie.SummaryQuery) (page spotipie.SummaryPage, err error) {
	at, err := parseCursor(query)
	if err != nil {
		return page, err
	}
	if at.Order == unsummarized {
		at.Key, err = s.summarizeRest(ctx, at.Key)
		if err == nil && at.Key != nil {
			return spotipie.SummaryPage{Next: at.String()}, nil
		}
		at = cursor{Order: order(query)}
	}
	if err == nil {
		page, err = s.page(ctx, query, at)
	}
	if err != nil {
		return spotipie.SummaryPage{}, fmt.Errorf("pgstore: summarizing table %s: %w", s.table, advised(err))
	}
	return page, nil
}

// cursor says where a page has ended. The zero moment and key are the start.
type cursor struct {
	Order   string        `json:"order"`
	Consent time.Time     `json:"consent,omitzero"`
	Key     *spotipie.Key `json:"key,omitempty"`
}

func (c cursor) String() string {
	data, _ := json.Marshal(c) // never fails
	return base64.RawURLEncoding.EncodeToString(data)
}

// order returns the order of a query's pages.
func order(query spotipie.SummaryQuery) string {
	if !query.AuthorizedBefore.IsZero() && !query.Rejected {
		return byConsent
	}
	return byKey
}

func parseCursor(query spotipie.SummaryQuery) (c cursor, err error) {
	isFiltered := query.Rejected || !query.AuthorizedBefore.IsZero()
	switch {
	case query.After == "" && isFiltered:
		return cursor{Order: unsummarized}, nil
	case query.After == "":
		return cursor{Order: order(query)}, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(query.After)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	known := c.Order == order(query) || c.Order == unsummarized && isFiltered
	if err != nil || !known || c.Key == nil {
		return c, errors.New("pgstore: SummaryQuery.After is not the Next of a page of this query")
	}
	return c, nil
}

// page returns the page that begins after a place.
func (s *Store) page(ctx context.Context, query spotipie.SummaryQuery, after cursor) (page spotipie.SummaryPage, err error) {
	statement, arguments := s.pageSQL(query, after)
	all, err := collect[summaryRow](ctx, s, statement, arguments)
	if err != nil {
		return page, err
	}
	size := query.PageSize()
	for i, row := range all {
		if i == size { // there is a next page
			page.Next = all[i-1].cursor(after.Order).String()
			break
		}
		if summary, ok := row.summary(); ok && query.Matches(summary) {
			page.Summaries = append(page.Summaries, summary)
		}
	}
	return page, nil
}

// pageSQL returns the statement for a page and one row more.
func (s *Store) pageSQL(query spotipie.SummaryQuery, after cursor) (statement string, arguments []any) {
	var b strings.Builder
	b.WriteString(s.statements.summary)
	argument := func(value any) string {
		arguments = append(arguments, value)
		return fmt.Sprintf("$%d", len(arguments))
	}
	if query.ClientID != "" {
		b.WriteString(" AND client_id = " + argument(query.ClientID) + "::text")
	}
	if query.Rejected {
		b.WriteString(" AND rejected")
	}
	if !query.AuthorizedBefore.IsZero() {
		b.WriteString(" AND authorized_at < " + argument(query.AuthorizedBefore) + "::timestamptz")
	}
	columns, places := "client_id, profile", ""
	if after.Order == byConsent {
		columns = "authorized_at, " + columns
	}
	if after.Key != nil {
		if after.Order == byConsent {
			places = argument(after.Consent) + "::timestamptz, "
		}
		places += argument(after.Key.ClientID) + "::text, " + argument(after.Key.Profile) + "::text"
		b.WriteString(" AND (" + columns + ") > (" + places + ")")
	}
	b.WriteString(" ORDER BY " + columns + " LIMIT " + argument(query.PageSize()+1) + "::bigint")
	return b.String(), arguments
}

// summaryRow is a row of summarySQL.
type summaryRow struct {
	ClientID, Profile string
	AuthorizedAt      *time.Time
	UpdatedAt         time.Time
	Record            *string // if it has to be read
	IsStale           bool    // the columns are not of this version
}

func (r summaryRow) cursor(order string) cursor {
	c := cursor{Order: order, Key: &spotipie.Key{ClientID: r.ClientID, Profile: r.Profile}}
	if order == byConsent && r.AuthorizedAt != nil {
		c.Consent = *r.AuthorizedAt
	}
	return c
}

// summary returns the summary, unless the row has no valid record.
func (r summaryRow) summary() (summary spotipie.Summary, ok bool) {
	var rec readable
	if r.Record != nil && json.Unmarshal([]byte(*r.Record), &rec) != nil {
		return summary, false
	}
	summary = spotipie.Summary{
		Key:      spotipie.Key{ClientID: r.ClientID, Profile: r.Profile},
		Rejected: rec.Rejected, RejectedAt: rec.RejectedAt, SavedAt: r.UpdatedAt.UTC(),
	}
	if r.IsStale {
		summary.AuthorizedAt = rec.AuthorizedAt
	} else if r.AuthorizedAt != nil {
		summary.AuthorizedAt = r.AuthorizedAt.UTC()
	}
	return summary, true
}

// readable is the part of a record that is in its summary.
type readable struct {
	AuthorizedAt time.Time `json:"authorized_at"`
	Rejected     string    `json:"rejected"`
	RejectedAt   time.Time `json:"rejected_at"`
}

// summarizeRest fills in the columns of a number of records after a key that
// were saved without them. It returns the last key, or nil if there are no
// more.
func (s *Store) summarizeRest(ctx context.Context, after *spotipie.Key) (last *spotipie.Key, err error) {
	for range maxSummarize / summarizeAtOnce {
		if after, err = s.summarizeSome(ctx, after); err != nil || after == nil {
			return nil, err
		}
	}
	return after, nil
}

// summarizeSome is summarizeRest for the records of one statement. Rows without
// a valid record stay as they are.
func (s *Store) summarizeSome(ctx context.Context, after *spotipie.Key) (last *spotipie.Key, err error) {
	statement, arguments := s.statements.unsummarized, []any{summarizeAtOnce}
	if after != nil {
		statement += " AND (client_id, profile) > ($2::text, $3::text)"
		arguments = append(arguments, after.ClientID, after.Profile)
	}
	rows, err := collect[unsummarizedRow](ctx, s, statement+" ORDER BY client_id, profile LIMIT $1::bigint", arguments)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var found []summarized
	for _, row := range rows {
		var rec readable
		if json.Unmarshal([]byte(row.Record), &rec) != nil {
			continue
		}
		sum := summarized{ClientID: row.ClientID, Profile: row.Profile, Version: row.Version, Rejected: rec.Rejected != ""}
		if !rec.AuthorizedAt.IsZero() {
			at := rec.AuthorizedAt.Truncate(time.Microsecond) // PostgreSQL would round it
			sum.AuthorizedAt = &at
		}
		found = append(found, sum)
	}
	data, err := json.Marshal(found)
	if err == nil && len(found) > 0 {
		err = s.exec(ctx, s.statements.summarize, string(data))
	}
	end := rows[len(rows)-1]
	return &spotipie.Key{ClientID: end.ClientID, Profile: end.Profile}, err
}

// unsummarizedRow is a row of unsummarizedSQL, and summarized one that
// summarizeSQL takes.
type unsummarizedRow struct {
	ClientID, Profile string
	Version           int64
	Record            string
}

type summarized struct {
	ClientID     string     `json:"client_id"`
	Profile      string     `json:"profile"`
	Version      int64      `json:"version"`
	AuthorizedAt *time.Time `json:"authorized_at"`
	Rejected     bool       `json:"rejected"`
}

// collect returns the rows of a query.
func collect[row any](ctx context.Context, s *Store, statement string, arguments []any) (all []row, err error) {
	err = s.again(func() error {
		return s.use(ctx, func(conn *pgxpool.Conn) error {
			rows, err := conn.Query(ctx, statement, s.inMode(arguments)...)
			if err == nil {
				all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[row])
			}
			return err
		})
	})
	return all, err
}
