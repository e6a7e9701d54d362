package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ReminderOptions adjust [Pool.RemindUsers].
type ReminderOptions struct {
	// Remind is called for each user whose consent ends soon, one after the
	// other. It may send a mail, for example. If it fails, the user is reminded
	// in the next round. Required.
	Remind func(ctx context.Context, user Summary) error
	// Before is how long before the end of the consent a user is reminded.
	// Default: 14 days.
	Before time.Duration
	// Every is the time between one round through the store and the next.
	// Default: 6 hours.
	Every time.Duration
	// PerSecond is how many users are looked at in a second, at most. Default:
	// 100.
	PerSecond float64
}

const (
	defaultReminder  = 14 * 24 * time.Hour
	defaultRound     = 6 * time.Hour
	defaultPerSecond = 100
	// remindAgain is how long after a failed round the next one begins.
	remindAgain = time.Minute
	// remindersProfile is the profile of the key whose lock the reminding process
	// holds. No user has this profile.
	remindersProfile = " reminders"
)

// RemindUsers reminds each user once before their consent ends. It runs until
// ctx ends. Every replica may run it: the one that holds a lock in the store
// does the work, and another takes over when it ends or dies. After Remind has
// returned, the time is saved in the user's record ([Record].RemindedAt), until
// the user signs in again. If the process dies in between, the user is reminded
// again. Users whose refresh token was refused are not reminded: find them with
// [Pool.Summaries]. [Options].OnError is called with errors, and what failed is
// tried again. RemindUsers returns ctx's error or [ErrClosed]. It can remind
// only users whose AuthorizedAt is known.
func (p *Pool) RemindUsers(ctx context.Context, opts ReminderOptions) error {
	if err := p.isOpen(); err != nil {
		return err
	}
	if opts.Remind == nil {
		return errors.New("spotipie: ReminderOptions.Remind is nil: it is what reminds a user")
	}
	opts.Before, opts.Every = orDefault(opts.Before, defaultReminder), orDefault(opts.Every, defaultRound)
	if !(opts.PerSecond > 0) { // it may be NaN
		opts.PerSecond = defaultPerSecond
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-p.done:
			stop(ErrClosed)
		case <-ctx.Done():
		}
	}()
	for {
		err := p.remindWithLock(ctx, opts)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p.app.report(p.remindersShelf().key, err)
		sleep(ctx, jitter(remindAgain))
	}
}

// remindersShelf is the place in the store whose lock one replica holds to remind users.
func (p *Pool) remindersShelf() shelf {
	return p.shelfOf(Key{ClientID: p.app.clientID, Profile: remindersProfile})
}

// remindWithLock makes rounds until something fails.
func (p *Pool) remindWithLock(ctx context.Context, opts ReminderOptions) error {
	lock, err := p.remindersShelf().lock(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lock.releaseOnce() }() // if it fails, the lock ends with its lease
	for {
		if err := p.remindRound(ctx, opts); err != nil {
			return err
		}
		for waited := time.Duration(0); waited < opts.Every; waited += remindAgain {
			if !sleep(ctx, min(remindAgain, opts.Every-waited)) {
				return context.Cause(ctx)
			}
			if err := p.remindersShelf().check(ctx); err != nil {
				return err
			}
		}
	}
}

func (p *Pool) remindRound(ctx context.Context, opts ReminderOptions) error {
	end := p.app.wallTime().Add(opts.Before)
	query := ConsentsEndingBefore(end)
	for {
		page, err := await(ctx, func(ctx context.Context) (SummaryPage, error) { return p.Summaries(ctx, query) }, nil)
		if err != nil {
			return err
		}
		for _, user := range page.Summaries {
			if !user.ReauthorizeBy().Before(end) || user.Rejected != "" {
				continue
			}
			isDue, err := p.isDue(ctx, user)
			if isDue {
				if err := p.remindersShelf().check(ctx); err != nil {
					return err
				}
				err = p.remindUser(ctx, user, opts.Remind)
			}
			if err != nil {
				p.app.report(user.Key, err)
			}
			if !sleep(ctx, time.Duration(min(float64(time.Second)/opts.PerSecond, float64(maxLifetime)))) {
				return context.Cause(ctx)
			}
		}
		if page.Next == "" {
			return nil
		}
		query.After = page.Next
	}
}

// isDue reports whether a user was not reminded of this consent.
func (p *Pool) isDue(ctx context.Context, user Summary) (bool, error) {
	rec, found, err := p.loadConsent(ctx, user)
	return found && rec.Rejected == "" && rec.RemindedAt.IsZero(), err
}

func (p *Pool) remindUser(ctx context.Context, user Summary, remind func(context.Context, Summary) error) error {
	if err := remind(ctx, user); err != nil {
		return fmt.Errorf("spotipie: reminding a user: %w", err)
	}
	return p.noteReminder(context.WithoutCancel(ctx), user)
}

// noteReminder saves the time of the reminder in the record. Sessions may save the record
// at the same time.
func (p *Pool) noteReminder(ctx context.Context, user Summary) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	shelf := p.shelfOf(user.Key)
	for range maxSwaps {
		rec, found, err := p.loadConsent(ctx, user)
		if err != nil || !found {
			return err
		}
		rec.RemindedAt = p.app.wallTime().UTC().Round(0)
		if _, err = shelf.swap(ctx, rec.Version, rec); !errors.Is(err, ErrVersionConflict) {
			return err
		}
	}
	return shelf.failed(opSave, ErrVersionConflict)
}

// loadConsent loads the record of a user, unless they have signed in again since.
func (p *Pool) loadConsent(ctx context.Context, user Summary) (rec Record, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	has, err := p.shelfOf(user.Key).load(ctx)
	if err != nil {
		return Record{}, false, err
	}
	// For its summaries a store may keep times only to the microsecond.
	isSame := has.rec.AuthorizedAt.Sub(user.AuthorizedAt).Abs() < time.Millisecond
	return has.rec, has.found && isSame, nil
}
