package spotipie

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// CopyOptions adjust [CopyStore]. A nil *CopyOptions and the zero value mean the
// defaults named here.
type CopyOptions struct {
	// Parallel is how many records are copied at the same time. Default: 4.
	Parallel int
	// Progress is called after each record, by one goroutine at a time. Copying
	// waits for it. Default: nothing.
	Progress func(CopyCounts)
}

// CopyCounts are the results of [CopyStore]. Each record is counted once.
type CopyCounts struct {
	// Total is the number of records to check: those of the source, and those
	// that only the destination has.
	Total int
	// Copied is how many were saved in the destination. Deleted is how many
	// were deleted there, because they were deleted in the source.
	Copied, Deleted int
	// Same is how many were there already. Kept is how many were left as they
	// are, because they are newer in the destination, are only there, or were
	// deleted there.
	Same, Kept int
	// Failed is how many could not be read, written or deleted.
	Failed int
}

// Done returns how many records have been checked.
func (c CopyCounts) Done() int { return c.Copied + c.Deleted + c.Same + c.Kept + c.Failed }

const (
	defaultParallel = 4
	// copyErrors is how many errors are reported, and after how many failures in
	// a row a store is taken to be out of reach.
	copyErrors = 10
	// copyTries is how often a record is checked again because another process
	// has saved it meanwhile.
	copyTries = 20
)

// CopyStore copies all records from one store into another. It never replaces a
// record in the destination that is as new or newer: one with a newer consent,
// or with more renewals of the same consent. So it may be called again, after
// it was interrupted, or to copy what has changed since. Records keep their
// consents, and get higher versions.
//
// If the source remembers that a record was deleted, it is deleted in the
// destination too, unless the user has consented since. If the destination
// remembers that a record was deleted, it is copied only with a newer consent.
// Deletions of records that the destination does not have are not copied.
//
// It takes no lock in the source, and writes nothing there. Do not let programs
// renew in both stores: if Spotify rotates refresh tokens, the copied one is
// used up as soon as a program renews in the source. So copy while programs run
// on the source, stop them, copy again, which is quick, and start them on the
// destination.
//
// The clock of the destination may be ahead. If a record or deletion there seems to
// come from the future, and it matters when it was made, CopyStore saves the same
// record or deletes it once more: the difference between the two versions tells. If
// the source's clock is ahead, its deletions count as later than they were.
//
// A record that fails is counted, and copying goes on with the next one; after
// ten failures in a row CopyStore gives up. The error joins the first ten
// errors, or is ctx's error. The counts are right in any case. The keys of both
// stores are held in memory.
func CopyStore(ctx context.Context, from, to Store, opts *CopyOptions) (CopyCounts, error) {
	var o CopyOptions
	if opts != nil {
		o = *opts
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	keys, listErr := keysToCopy(ctx, from, to)
	c := &copying{from: from, to: to, progress: o.Progress, counts: CopyCounts{Total: len(keys)}}
	if listErr != nil {
		c.errs = append(c.errs, listErr)
	}
	if len(keys) > 0 {
		c.run(ctx, keys, o.Parallel)
	}
	if err := ctx.Err(); err != nil {
		return c.counts, fmt.Errorf("spotipie: copying was interrupted after %d of %d records: %w", c.counts.Done(), c.counts.Total, err)
	}
	return c.counts, errors.Join(c.errs...)
}

// keysToCopy returns the keys of both stores. If List returns keys together
// with an error, they are copied anyway.
func keysToCopy(ctx context.Context, from, to Store) ([]Key, error) {
	sources, err := from.List(ctx)
	if err != nil {
		err = fmt.Errorf("spotipie: listing the store to copy from: %w", err)
		if len(sources) == 0 {
			return nil, err
		}
	}
	destinations, toErr := to.List(ctx)
	if toErr != nil {
		err = errors.Join(err, fmt.Errorf("spotipie: listing the store to copy to: %w", toErr))
		if len(destinations) == 0 {
			return nil, err
		}
	}
	keys := append(sources, destinations...)
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys), err
}

// copying is a copy under way.
type copying struct {
	from, to Store
	progress func(CopyCounts)

	mu     sync.Mutex
	counts CopyCounts
	errs   []error
	inARow int // failures
}

// run copies the records of keys, several at the same time.
func (c *copying) run(ctx context.Context, keys []Key, parallel int) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	next := make(chan Key)
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for key := range next {
				outcome, err := c.copyRecord(ctx, key)
				if err != nil && ctx.Err() != nil {
					return // the record is not the reason
				}
				if !c.count(key, outcome, err) {
					giveUp()
				}
			}
		})
	}
	defer wg.Wait()
	defer close(next)
	for _, key := range keys {
		select {
		case next <- key:
		case <-ctx.Done():
			return
		}
	}
}

// count counts the result for a record. It reports whether to continue.
func (c *copying) count(key Key, outcome func(*CopyCounts) *int, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inARow++
	if err == nil {
		c.inARow = 0
		*outcome(&c.counts)++
	} else {
		c.counts.Failed++
		if len(c.errs) < copyErrors {
			c.errs = append(c.errs, fmt.Errorf("spotipie: copying %s: %w", key, err))
		}
	}
	if c.progress != nil {
		c.progress(c.counts)
	}
	if c.inARow == copyErrors {
		c.errs = append(c.errs, fmt.Errorf("spotipie: copying was given up: %d records in a row have failed", copyErrors))
	}
	return c.inARow < copyErrors
}

// The results for a record.
func copied(c *CopyCounts) *int  { return &c.Copied }
func deleted(c *CopyCounts) *int { return &c.Deleted }
func same(c *CopyCounts) *int    { return &c.Same }
func kept(c *CopyCounts) *int    { return &c.Kept }

// copyRecord copies a record, or its deletion. It checks again what other
// processes save meanwhile.
func (c *copying) copyRecord(ctx context.Context, key Key) (outcome func(*CopyCounts) *int, err error) {
	for range copyTries {
		outcome, err = c.tryRecord(ctx, key)
		if !errors.Is(err, ErrVersionConflict) {
			return outcome, err
		}
	}
	return nil, errors.New("other processes keep saving it in the destination")
}

// tryRecord fails with [ErrVersionConflict] if another process saves meanwhile.
func (c *copying) tryRecord(ctx context.Context, key Key) (outcome func(*CopyCounts) *int, err error) {
	source, found, err := c.from.Load(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("loading it: %w", err)
	}
	if !found {
		return c.copyDeletion(ctx, key, source.Version)
	}
	there, isThere, err := c.to.Load(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("loading what the destination has: %w", err)
	}
	if isThere && isSameRecord(source, there) {
		return same, nil
	}
	isNewer, over, err := c.isNewer(ctx, key, source, there, isThere)
	if err != nil || !isNewer {
		return kept, err
	}
	source.Version = max(source.Version, there.Version, over)
	if _, err := c.to.Swap(ctx, key, over, source); err != nil {
		return nil, fmt.Errorf("saving it: %w", err)
	}
	return copied, nil
}

// isNewer reports whether a record of the source is newer than the destination's
// record or deletion. It returns the version to save over.
func (c *copying) isNewer(ctx context.Context, key Key, source, there Record, isThere bool) (isNewer bool, over uint64, err error) {
	switch {
	case !isThere && (there.Version == 0 || consentedAfter(source, there.Version)):
		return true, 0, nil
	case !isThere:
		isNewer, err = c.consentedSince(ctx, key, source, there.Version)
		return isNewer, 0, err
	}
	order, over := compareRecords(source, there), there.Version
	if order == 0 {
		order, over, err = c.saveAgainAndCompare(ctx, key, source, there)
	}
	return order > 0, over, err
}

// copyDeletion deletes a record that the source has deleted, or does nothing if
// the source knows nothing of it. It holds the lock, so that no renewal comes
// between the look and the deletion.
func (c *copying) copyDeletion(ctx context.Context, key Key, version uint64) (outcome func(*CopyCounts) *int, err error) {
	if version == 0 {
		return kept, nil
	}
	unlock, err := c.to.Lock(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("locking it in the destination: %w", err)
	}
	defer func() { err = errors.Join(err, unlock(context.WithoutCancel(ctx))) }()
	there, isThere, err := c.to.Load(ctx, key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("loading what the destination has: %w", err)
	case !isThere:
		return same, nil
	case consentedAfter(there, version):
		return kept, nil
	}
	err = deleteVersion(ctx, c.to, key, there.Version)
	if errors.Is(err, errors.ErrUnsupported) {
		err = c.to.Delete(ctx, key)
	}
	if err != nil {
		return nil, fmt.Errorf("deleting it: %w", err)
	}
	// By its number, a consent that was just saved in the source is older than
	// this deletion, and would not be copied later.
	source, found, err := c.from.Load(ctx, key)
	if err != nil || !found {
		return deleted, err
	}
	if _, err := c.to.Swap(ctx, key, 0, source); err != nil && !errors.Is(err, ErrVersionConflict) {
		return nil, fmt.Errorf("saving it: %w", err)
	}
	return copied, nil
}

// consentedAfter reports whether the consent of a record is newer than a deletion
// with the given version, which is microseconds of a clock. If it is not known,
// the deletion counts.
func consentedAfter(rec Record, version uint64) bool {
	moment := consentMoment(rec.Consent)
	if rec.Consent == 0 || moment > lastMoment {
		moment = uint64(max(rec.AuthorizedAt.UnixMilli(), 0))
	}
	return moment > momentOf(version)
}

// consentedSince reports the same for a deletion in the destination whose version is
// in the future, so that the clock there must be ahead. It deletes again to find out how
// long ago the deletion was made. Without a [VersionDeleter] the deletion counts.
func (c *copying) consentedSince(ctx context.Context, key Key, rec Record, version uint64) (bool, error) {
	if rec.AuthorizedAt.IsZero() || version <= uint64(time.Now().UnixMicro()) {
		return false, nil
	}
	err := deleteVersion(ctx, c.to, key, 0)
	now := time.Now()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("deleting it again: %w", err)
	}
	again, found, err := c.to.Load(ctx, key)
	if err != nil || found || again.Version < version {
		return false, cmp.Or(err, ErrVersionConflict)
	}
	ago := time.Duration(again.Version-version) * time.Microsecond
	return rec.AuthorizedAt.After(now.Add(-ago)), nil
}

// deleteVersion deletes a record if its version is still version, or fails with
// [errors.ErrUnsupported].
func deleteVersion(ctx context.Context, store Store, key Key, version uint64) error {
	if deleter, ok := store.(VersionDeleter); ok {
		return deleter.DeleteVersion(ctx, key, version)
	}
	return errors.ErrUnsupported
}

// isSameRecord reports whether two records are the same except for their
// versions.
func isSameRecord(a, b Record) bool {
	isSealed := a.Sealed != nil && b.Sealed != nil
	return a.Token.isSame(b.Token) && a.AuthorizedAt.Equal(b.AuthorizedAt) && a.ClientID == b.ClientID && a.Flow == b.Flow &&
		a.Consent == b.Consent && a.Renewals == b.Renewals && slices.Equal(a.RequestedScope, b.RequestedScope) &&
		a.Rejected == b.Rejected && a.RejectedAt.Equal(b.RejectedAt) && a.RemindedAt.Equal(b.RemindedAt) &&
		(a.Sealed == nil && b.Sealed == nil || isSealed && bytes.Equal(a.Sealed.Data, b.Sealed.Data))
}

// compareRecords compares the age of two records of one key: by their consents, or if
// one is not known, by the times of the consents. Of the same consent, with different
// refresh tokens, the record with more renewals is newer. It returns 0 if it cannot tell.
// A session knows more, and compares more: see newer_record.go.
func compareRecords(a, b Record) int {
	byConsent := compareConsents(a.Consent, b.Consent)
	if byConsent == 0 && (a.Consent == 0 || b.Consent == 0) && !a.AuthorizedAt.IsZero() && !b.AuthorizedAt.IsZero() {
		byConsent = a.AuthorizedAt.Compare(b.AuthorizedAt)
	}
	if a.Consent == b.Consent && byConsent == 0 && !sameRefreshToken(a.Token, b.Token) {
		byConsent = cmp.Compare(a.Renewals, b.Renewals)
	}
	return byConsent
}

// saveAgainAndCompare compares two different records for which compareRecords returns 0.
// If the version in the destination is in the future, it saves that record again to find
// out when it was saved. It returns the version that the destination then has.
func (c *copying) saveAgainAndCompare(ctx context.Context, key Key, source, there Record) (order int, version uint64, err error) {
	now := uint64(time.Now().UnixMicro())
	if there.Version <= now || source.Version > now {
		return cmp.Compare(source.Version, there.Version), there.Version, nil
	}
	if version, err = c.to.Swap(ctx, key, there.Version, there); err != nil {
		return 0, 0, fmt.Errorf("saving it again: %w", err)
	}
	saved := now - min(now, version-there.Version)
	return cmp.Compare(source.Version, saved), version, nil
}
