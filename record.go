package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	unlockTimeout = 5 * time.Second
	// maxSwaps bounds how often a save is tried that others keep getting ahead
	// of.
	maxSwaps = 8
)

// enter waits for the turn to bring store and memory in line, which only one
// goroutine of the session has at a time: between reading or writing the one
// and changing the other nobody gets in between. Without a store there is
// nothing to wait for.
func (s *session) enter(ctx context.Context) (leave func(), err error) {
	if s.cfg.store == nil {
		return func() {}, nil
	}
	leave = func() { <-s.cfg.turn }
	select {
	case s.cfg.turn <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case s.cfg.turn <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for an earlier call: %w", context.Cause(ctx))
	}
}

// lock takes the store's lock. The returned function gives it back.
func (s *session) lock(ctx context.Context) (unlock func(), err error) {
	if s.cfg.store == nil {
		return func() {}, nil
	}
	release, err := s.cfg.store.Lock(ctx, s.key())
	if err != nil {
		return nil, s.storeError(opLock, err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
		defer cancel()
		if err := release(ctx); err != nil {
			s.report(s.storeError(opUnlock, err))
		}
	}, nil
}

// reload makes the stored record what the session holds, if it has another
// version, and announces its token. It returns what the session holds then.
func (s *session) reload(ctx context.Context) (*held, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, s.storeError(opLoad, err)
	}
	h := s.held.Load()
	next, err := s.stored(ctx, h)
	if err == nil && next != h {
		s.swapHeld(next)
	}
	leave()
	if err != nil {
		return nil, err
	}
	return next, s.announceChange(ctx, h, next)
}

// stored returns what to hold in place of h in view of the store: h itself if
// there is nothing else to hold.
func (s *session) stored(ctx context.Context, h *held) (*held, error) {
	if s.cfg.store == nil || h != nil && h.saving == saveOver {
		return h, nil
	}
	rec, found, err := s.cfg.store.Load(ctx, s.key())
	switch {
	case err != nil:
		return nil, s.storeError(opLoad, err)
	case !found && (h == nil || h.version == 0):
		return h, nil
	case !found: // somebody logged out
		return nil, nil
	case h != nil && h.version == rec.Version:
		return h, nil
	}
	if err := s.checkRecord(rec); err != nil {
		return nil, err
	}
	if h != nil && h.saving == saveIfUnchanged && outlives(h.token, rec, h.usedUp()) {
		ours := s.record(h)
		ours.Version = rec.Version
		return s.unsaved(ours, h.usedUp()), nil
	}
	return s.newHeld(rec, saved), nil
}

// outlives reports whether a token that was just got with the refresh token
// used is to be kept over a stored record: one that still relies on used, or
// whose refresh token is known to be dead.
func outlives(ours *Token, theirs Record, used string) bool {
	return theirs.Rejected != "" || supersedes(ours, theirs.Token, used)
}

// checkRecord tells whether this session may use a stored record.
func (s *session) checkRecord(rec Record) error {
	mismatch := func(format string, args ...any) error {
		return &RecordMismatchError{Key: s.key(), Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case rec.Token == nil || rec.Token.secrets == nil:
		return mismatch("it holds no token: delete it and authorize again")
	case rec.ClientID != s.clientID:
		return mismatch("it belongs to client id %q, not %q: authorize again", foreignText(rec.ClientID), s.clientID)
	}
	if missing := rec.Token.scope.Missing(s.cfg.scope); len(missing) > 0 {
		return mismatch("its token lacks the scope %s: authorize again", missing)
	}
	return nil
}

// save puts rec into the store over rec.Version and returns what to hold: rec,
// or the record that somebody else has saved meanwhile, or nil if somebody has
// logged out.
func (s *session) save(ctx context.Context, rec Record, used string) (*held, error) {
	if s.cfg.store == nil {
		return s.newHeld(rec, saved), nil
	}
	err := ErrVersionConflict
	for range maxSwaps {
		var version uint64
		if version, err = s.cfg.store.Swap(ctx, s.key(), rec.Version, rec); err == nil {
			rec.Version = version
			return s.newHeld(rec, saved), nil
		}
		if !errors.Is(err, ErrVersionConflict) {
			break
		}
		theirs, found, loadErr := s.cfg.store.Load(ctx, s.key())
		if err = loadErr; err != nil {
			break
		}
		if !found && rec.Version != 0 {
			return nil, nil
		}
		if found && s.checkRecord(theirs) == nil && !outlives(rec.Token, theirs, used) {
			return s.newHeld(theirs, saved), nil
		}
		if rec.Version = theirs.Version; !found { // a deletion has a version too
			rec.Version = 0
		}
		err = ErrVersionConflict
	}
	return s.unsaved(rec, used), s.storeError(opSave, err)
}

// unsaved returns a renewal to hold that has yet to be saved.
func (s *session) unsaved(rec Record, used string) *held {
	h := s.newHeld(rec, saveIfUnchanged)
	if h.rare == nil {
		h.rare = &heldRare{requestedScope: rec.RequestedScope.Normalize()}
	}
	h.rare.used = used
	return h
}

// saveAgain saves what could not be saved before, if there is such a thing. It
// returns what the session holds then.
func (s *session) saveAgain(ctx context.Context) (*held, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, s.storeError(opSave, err)
	}
	h := s.held.Load()
	next := h
	switch {
	case h == nil || h.saving == saved:
	case h.saving == saveOver:
		next, err = s.overwrite(ctx, s.record(h))
	default:
		next, err = s.save(ctx, s.record(h), h.usedUp())
	}
	if err != nil {
		leave()
		h.postpone(s.now(), 0)
		return h, err
	}
	if next != h {
		s.swapHeld(next)
	}
	leave()
	return next, s.announceChange(ctx, h, next)
}

// overwrite puts rec into the store over whatever is there, and returns what
// to hold.
func (s *session) overwrite(ctx context.Context, rec Record) (*held, error) {
	rec.Version = 0
	if s.cfg.store == nil {
		return s.newHeld(rec, saved), nil
	}
	err := ErrVersionConflict
	for range maxSwaps {
		var theirs Record
		var found bool
		if theirs, found, err = s.cfg.store.Load(ctx, s.key()); err != nil {
			break
		}
		if !found { // a deletion has a version too
			theirs = Record{}
		}
		if sameAuthorization(theirs.Token, rec.Token) && rec.AuthorizedAt.IsZero() {
			rec.AuthorizedAt = theirs.AuthorizedAt
		}
		var version uint64
		if version, err = s.cfg.store.Swap(ctx, s.key(), theirs.Version, rec); err == nil {
			rec.Version = version
			return s.newHeld(rec, saved), nil
		}
		if !errors.Is(err, ErrVersionConflict) {
			break
		}
	}
	return s.newHeld(rec, saveOver), s.storeError(opSave, err)
}

// sameAuthorization reports whether two tokens have the same refresh token.
func sameAuthorization(a, b *Token) bool {
	return a != nil && b != nil && a.secrets != nil && b.secrets != nil &&
		a.RefreshToken() != "" && a.RefreshToken() == b.RefreshToken()
}

func (s *session) storeError(op string, err error) error {
	return &StoreError{Op: op, Key: s.key(), Err: err}
}
