package filestore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spotipie/spotipie"
)

// maxLooks is how many files are read for a page.
const maxLooks = 10_000

// Summaries implements [spotipie.Summarizer]. There is no index: for each page
// it lists the folder and reads the files of the page. If they are sealed it
// needs the sealing key, and fails with [ErrSeal] without it. Files that are
// damaged or of a newer format are left out.
func (s *Store) Summaries(ctx context.Context, query spotipie.SummaryQuery) (page spotipie.SummaryPage, err error) {
	if query.After != "" && !isBaseName(query.After) {
		return page, errors.New("filestore: SummaryQuery.After is not the Next of a page")
	}
	names, err := s.namesAfter(ctx, query.After)
	if err != nil {
		return page, err
	}
	for i, base := range names {
		if i == maxLooks || len(page.Summaries) == query.PageSize() {
			page.Next = names[i-1]
			break
		}
		if err := ctx.Err(); err != nil {
			return spotipie.SummaryPage{}, err
		}
		summary, found, err := s.summarize(base, query.ClientID)
		if err != nil {
			return spotipie.SummaryPage{}, fmt.Errorf("filestore: summarizing: %w", err)
		}
		if found && query.Matches(summary) {
			page.Summaries = append(page.Summaries, summary)
		}
	}
	return page, nil
}

// namesAfter returns the base names of all files after one, in order.
func (s *Store) namesAfter(ctx context.Context, after string) (names []string, err error) {
	err = s.each(ctx, func(path string) error {
		if base, _ := baseOfRecord(filepath.Base(path)); base > after {
			names = append(names, base)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// summarize returns the summary of a file, unless it has none, or is of another
// app than clientID, if that is not empty.
func (s *Store) summarize(base, clientID string) (summary spotipie.Summary, found bool, err error) {
	path := filepath.Join(s.dir, base+recordSuffix)
	data, found, err := s.read(path)
	if err != nil || !found { // not found: deleted just now
		return summary, false, unlessOfTheFile(err)
	}
	e, err := decodeEnvelope(path, data)
	if err != nil || e.Deleted != "" || clientID != "" && string(e.Key.ClientID) != clientID || baseName(e.Key.key()) != base {
		return summary, false, unlessOfTheFile(err)
	}
	rec, found, err := s.decodeRecord(path, e.Key.key(), e)
	return rec.Summary(e.Key.key()), found && err == nil, unlessOfTheFile(err)
}

// unlessOfTheFile returns nil for an error that is about one file only.
func unlessOfTheFile(err error) error {
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewerFormat) {
		return nil
	}
	return err
}
