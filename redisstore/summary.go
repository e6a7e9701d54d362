package redisstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
)

const (
	// maxLooks is how many records are read for a page.
	maxLooks = 50_000
	// readAtOnce is how many are read in one round trip.
	readAtOnce = 500
)

// Summaries implements [spotipie.Summarizer]. There is no index, because in a
// cluster it would be in another slot than most records. For each page it scans
// the names of all keys of the database, like List, and reads the records of
// the page. Ask for large pages.
func (s *Store) Summaries(ctx context.Context, query spotipie.SummaryQuery) (page spotipie.SummaryPage, err error) {
	after, err := parseCursor(query.After)
	if err != nil {
		return page, err
	}
	page, err = await(ctx, s, func(ctx context.Context) (spotipie.SummaryPage, error) {
		return s.summaries(ctx, after, query)
	})
	if err != nil {
		return spotipie.SummaryPage{}, fmt.Errorf("redisstore: summarizing %s*: %w", s.prefix, err)
	}
	return page, nil
}

// summaries returns the page of the records whose tags come after one.
func (s *Store) summaries(ctx context.Context, after string, query spotipie.SummaryQuery) (page spotipie.SummaryPage, err error) {
	pattern := "*"
	if query.ClientID != "" {
		pattern = url.QueryEscape(query.ClientID) + ":*"
	}
	tags, err := s.scanAll(ctx, pattern, nil)
	if err != nil {
		return page, err
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return tag <= after })
	slices.Sort(tags)
	size, looked := query.PageSize(), 0
	for some := range slices.Chunk(tags, min(max(size, 100), readAtOnce)) {
		if err := ctx.Err(); err != nil {
			return page, err
		}
		found, err := s.summarize(ctx, some)
		if err != nil {
			return page, err
		}
		for i, summary := range found {
			if looked++; summary != nil && query.Matches(*summary) {
				page.Summaries = append(page.Summaries, *summary)
			}
			if looked < len(tags) && (looked == maxLooks || len(page.Summaries) == size) {
				page.Next = base64.RawURLEncoding.EncodeToString([]byte(some[i]))
				return page, nil
			}
		}
	}
	return page, nil
}

// summarize returns the summaries of records, and nil for a deletion, another
// format, or something else.
func (s *Store) summarize(ctx context.Context, tags []string) ([]*spotipie.Summary, error) {
	reads := make([]*redis.SliceCmd, len(tags))
	_, _ = s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, tag := range tags {
			reads[i] = pipe.HMGet(ctx, s.prefix+"{"+tag+recordSuffix, "format", "version", "deleted", "record")
		}
		return nil
	})
	found := make([]*spotipie.Summary, len(tags))
	for i, read := range reads {
		switch err := read.Err(); {
		case err == nil:
			found[i] = summarize(tags[i], read.Val())
		case !redis.HasErrorPrefix(err, "WRONGTYPE"):
			return nil, err
		}
	}
	return found, nil
}

// summarize makes a summary of the fields of a record. It does not decode the
// token.
func summarize(tag string, fields []any) *spotipie.Summary {
	text := func(i int) string { v, _ := fields[i].(string); return v }
	key, isKey := parseTag(tag)
	version, isVersion := parseVersion(text(1))
	if !isKey || !isVersion || text(0) != format || fields[2] != nil {
		return nil
	}
	var readable struct {
		AuthorizedAt time.Time `json:"authorized_at"`
		Rejected     string    `json:"rejected"`
		RejectedAt   time.Time `json:"rejected_at"`
	}
	if json.Unmarshal([]byte(text(3)), &readable) != nil {
		return nil
	}
	summary := spotipie.Record{
		AuthorizedAt: readable.AuthorizedAt, Rejected: readable.Rejected, RejectedAt: readable.RejectedAt, Version: version,
	}.Summary(key)
	return &summary
}

// parseCursor returns the tag that a page has ended with, or "" for the start.
func parseCursor(cursor string) (tag string, err error) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if _, isTag := parseTag(string(data)); err != nil || cursor != "" && !isTag {
		return "", errors.New("redisstore: SummaryQuery.After is not the Next of a page")
	}
	return string(data), nil
}
