package seal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/spotipie/spotipie"
)

// Defaults and limits of [Store.Reseal].
const (
	// DefaultPerSecond is how many records Reseal checks in a second.
	DefaultPerSecond = 100

	resealTries      = 20  // how often other processes may save a record before Reseal does
	resealRetries    = 5   // how often a failing store or failing keys are tried
	resealFailures   = 3   // records in a row that may fail so before Reseal itself fails
	progressInterval = 100 // records
	maxFailures      = 20
)

// ResealOptions adjust [Store.Reseal]. A nil *ResealOptions and the zero value
// mean the defaults named here.
type ResealOptions struct {
	// PerSecond is how many records are checked in a second. Each record costs
	// a load, and a save if it is sealed again. Negative: no limit. Default:
	// [DefaultPerSecond].
	PerSecond int
	// CountOnly changes nothing, and only makes the report.
	CountOnly bool
	// Progress is called with the report so far, after every 100 records and at
	// the end. Reseal calls it from its own goroutine and waits for it.
	// Default: none.
	Progress func(ResealReport)
}

// ResealReport says what [Store.Reseal] has done.
type ResealReport struct {
	Key      string // the name of the current key
	Total    int    // records that were listed at the start
	Seen     int    // of these, checked so far
	Current  int    // were sealed with Key already
	Resealed int    // were sealed again
	Gone     int    // were deleted meanwhile
	Unread   int    // could not be read or saved; if some could not even be listed, one more
	// Left counts the records that are not sealed with Key, by the name of the
	// key that they are sealed with, which is empty for those that are not
	// sealed.
	Left map[string]int
	// Failures says why records are left or unread, for the first 20 of them.
	Failures []error

	listed bool
}

// Done reports whether all records were checked and none is left. Then no other
// key is needed, if no process encrypts with another one.
func (r ResealReport) Done() bool {
	return r.listed && r.Seen == r.Total && len(r.Left) == 0 && r.Unread == 0
}

// String returns the report in one line.
func (r ResealReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d records: %d sealed anew with the key %s, %d with it already, %d gone",
		r.Seen, r.Total, r.Resealed, printable(r.Key), r.Current, r.Gone)
	if r.Unread > 0 {
		fmt.Fprintf(&b, "; %d could not be read or saved", r.Unread)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Left)) {
		if name == "" {
			fmt.Fprintf(&b, "; %d left that are not sealed", r.Left[name])
			continue
		}
		fmt.Fprintf(&b, "; %d left under the key %s", r.Left[name], printable(name))
	}
	return b.String()
}

// Reseal checks every record, and seals those again that are not sealed with
// the current key; with [Options].AllowPlain, also those that are not sealed at
// all. It may run while sessions renew, and in several processes: it takes no
// lock, and checks a record again that was saved meanwhile. If it fails or is
// interrupted, call it again: it skips the records that are done.
//
// A record that cannot be read or opened is not changed. It is counted in the
// report, and is not an error. Reseal returns an error if the store or the keys
// keep failing, also for other records, or if ctx has ended; the report says
// how far it got.
//
// Processes that still encrypt with the old key are not affected. Give them the
// new key first. Before you remove the old key, call Reseal with CountOnly: the
// report must be Done.
func (s *Store) Reseal(ctx context.Context, opts *ResealOptions) (ResealReport, error) {
	var o ResealOptions
	if opts != nil {
		o = *opts
	}
	if o.PerSecond == 0 {
		o.PerSecond = DefaultPerSecond
	}
	r := resealing{store: s, countOnly: o.CountOnly, report: ResealReport{Left: make(map[string]int)}}
	err := r.run(ctx, o)
	if o.Progress != nil {
		o.Progress(r.snapshot())
	}
	if err != nil {
		err = fmt.Errorf("seal: sealing anew, after %d of %d records: %w", r.report.Seen, r.report.Total, err)
	}
	return r.snapshot(), err
}

// resealing is the state of a call of Reseal.
type resealing struct {
	store     *Store
	countOnly bool
	report    ResealReport
}

func (r *resealing) snapshot() ResealReport {
	report := r.report
	report.Left = maps.Clone(report.Left)
	report.Failures = slices.Clone(report.Failures)
	return report
}

func (r *resealing) run(ctx context.Context, o ResealOptions) error {
	var keys []spotipie.Key
	var listErr error
	err := persist(ctx, func() error {
		made, err := r.store.dataKeys.create(ctx, spotipie.Key{}) // for the key's name
		if err != nil {
			return fmt.Errorf("getting the current key: %w", err)
		}
		r.report.Key = made.name
		if keys, listErr = r.store.inner.List(ctx); len(keys) > 0 {
			return nil // a store of files lists the others if one is damaged
		}
		return listErr
	})
	if err != nil {
		return err
	}
	if listErr != nil {
		r.unread(listErr)
	}
	r.report.Total, r.report.listed = len(keys), true
	var turns <-chan time.Time
	if o.PerSecond > 0 {
		ticker := time.NewTicker(max(time.Second/time.Duration(o.PerSecond), 1))
		defer ticker.Stop()
		turns = ticker.C
	}
	failures := 0
	for i, key := range keys {
		if turns != nil && i > 0 {
			select {
			case <-turns:
			case <-ctx.Done():
			}
		}
		err := persist(ctx, func() error { return r.visit(ctx, key) })
		if err == nil {
			failures = 0
		} else if failures++; failures == resealFailures || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", key, err)
		} else {
			r.unread(err)
		}
		r.report.Seen++
		if o.Progress != nil && r.report.Seen%progressInterval == 0 {
			o.Progress(r.snapshot())
		}
	}
	return nil
}

// persist calls f again when it fails, a few times with pauses in between.
func persist(ctx context.Context, f func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := ctx.Err(); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, f()
	}, backoff.WithMaxTries(resealRetries), backoff.WithBackOff(backoff.NewExponentialBackOff()))
	return err
}

// visit checks a record and seals it again if necessary. It counts the record
// unless it fails.
func (r *resealing) visit(ctx context.Context, key spotipie.Key) error {
	for try := 1; ; try++ {
		rec, found, err := r.store.inner.Load(ctx, key)
		var mismatch *spotipie.RecordMismatchError
		switch {
		case errors.As(err, &mismatch):
			r.unread(err)
			return nil
		case err != nil:
			return err
		case !found:
			r.report.Gone++
			return nil
		}
		name := ""
		if rec.Sealed != nil {
			name = rec.Sealed.Key
		}
		if rec.Sealed != nil && name == r.report.Key {
			r.report.Current++
			return nil
		}
		if r.countOnly {
			r.leave(name, nil)
			return nil
		}
		err = r.sealAnew(ctx, key, rec)
		var failed *Error
		switch {
		case err == nil:
			r.report.Resealed++
			return nil
		case errors.Is(err, spotipie.ErrVersionConflict) && try < resealTries:
		case errors.Is(err, spotipie.ErrVersionConflict),
			errors.As(err, &failed) && (failed.isLasting() || errors.Is(err, ErrNewerFormat)):
			r.leave(name, err)
			return nil
		default:
			return err
		}
	}
}

func (r *resealing) sealAnew(ctx context.Context, key spotipie.Key, rec spotipie.Record) error {
	opened, err := r.store.open(ctx, key, rec)
	if err != nil {
		return err
	}
	made, err := r.store.dataKeys.create(ctx, key)
	if err != nil {
		return err
	}
	sealed, err := sealRecord(key, made, opened)
	if err != nil {
		return err
	}
	_, err = r.store.inner.Swap(ctx, key, rec.Version, sealed)
	return err
}

// leave counts a record that is not sealed with the current key.
func (r *resealing) leave(name string, why error) {
	r.report.Left[name]++
	r.failed(why)
}

func (r *resealing) unread(why error) {
	r.report.Unread++
	r.failed(why)
}

func (r *resealing) failed(why error) {
	if why != nil && len(r.report.Failures) < maxFailures {
		r.report.Failures = append(r.report.Failures, why)
	}
}
