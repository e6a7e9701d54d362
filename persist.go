package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// saveTimeout limits saving apart from the rest of a renewal: what the
	// accounts service has given must not be lost because it was slow.
	saveTimeout   = 10 * time.Second
	unlockTimeout = 5 * time.Second
	// maxSwaps bounds how often a save is tried that others keep getting ahead
	// of.
	maxSwaps = 8
)

// SetToken implements [Session].
func (s *session) SetToken(ctx context.Context, token *Token) error {
	if token == nil || token.secrets == nil {
		return &TokenFormatError{Reason: "is nil"}
	}
	rec := Record{Token: s.inherit(token, nil), ClientID: s.clientID, RequestedScope: s.cfg.scope}
	if h := s.held.Load(); h != nil && h.token.RefreshToken() == token.RefreshToken() {
		rec.AuthorizedAt = s.record(h).AuthorizedAt
	}
	return s.install(ctx, rec)
}

// install makes rec the session's record, over whatever it or the store has.
func (s *session) install(ctx context.Context, rec Record) error {
	if s.closed.Load() {
		return ErrClosed
	}
	next, saveErr := s.overwrite(ctx, rec)
	s.mu.Lock()
	if s.closed.Load() {
		next.shut()
	}
	old := s.held.Swap(next)
	s.mu.Unlock()
	return errors.Join(saveErr, s.announce(ctx, old, next))
}

// Load implements [Session].
func (s *session) Load(ctx context.Context) (*Token, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	h, err := s.reload(ctx, s.held.Load())
	if h == nil {
		return nil, err
	}
	return h.token, err
}

// Watch implements [Session].
func (s *session) Watch(ctx context.Context) error {
	watcher, ok := s.cfg.store.(Watcher)
	if !ok {
		return s.storeError(opWatch, errors.New("the store cannot tell of changes"))
	}
	changes, err := watcher.Watch(ctx, s.key())
	if err != nil {
		return s.storeError(opWatch, err)
	}
	for {
		if _, err := s.Load(ctx); errors.Is(err, ErrClosed) {
			return err
		} else if err != nil && ctx.Err() == nil {
			s.report(err)
		}
		if _, more := <-changes; !more {
			break
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.storeError(opWatch, errors.New("the store has stopped telling of changes"))
}

// Close implements [Session].
func (s *session) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed.Store(true)
	if h := s.held.Load(); h != nil {
		h.shut()
	}
	renewal, expiry := s.renewal, s.expiry
	s.mu.Unlock()
	for _, f := range []*flight{renewal, expiry} {
		if f == nil {
			continue
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("spotipie: closing the session: %w", context.Cause(ctx))
		}
	}
	h := s.held.Load()
	if h == nil || h.saving == saved {
		return nil
	}
	_, err := s.saveAgain(ctx, h)
	return err
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

// reload returns what the session goes on with in place of h: the stored
// record if it has another version, and else h.
func (s *session) reload(ctx context.Context, h *held) (*held, error) {
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
		return s.publish(h, nil, "")
	case h != nil && h.version == rec.Version:
		return h, nil
	}
	if err := s.checkRecord(rec); err != nil {
		return nil, err
	}
	return s.publish(h, s.newHeld(rec, saved), "")
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
	if missing := rec.Token.scope.Missing(s.cfg.scope); s.self.Flow() != FlowClientCredentials && len(missing) > 0 {
		return mismatch("its token lacks the scope %s: authorize again", missing)
	}
	return nil
}

// save puts rec into the store over the version that base has, or base being
// nil over nothing, and returns what to hold. used is the refresh token that
// rec was got with: if somebody else has saved a record meanwhile, theirs
// wins, unless it still relies on a refresh token that rec has replaced.
func (s *session) save(base *held, rec Record, used string) (*held, error) {
	rec.Version = 0
	if base != nil {
		rec.Version = base.version
	}
	if s.cfg.store == nil {
		return s.newHeld(rec, saved), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	for range maxSwaps {
		version, err := s.cfg.store.Swap(ctx, s.key(), rec.Version, rec)
		if err == nil {
			rec.Version = version
			return s.newHeld(rec, saved), nil
		}
		if !errors.Is(err, ErrVersionConflict) {
			return s.unsaved(rec, used), s.storeError(opSave, err)
		}
		theirs, found, err := s.cfg.store.Load(ctx, s.key())
		if err != nil {
			return s.unsaved(rec, used), s.storeError(opSave, err)
		}
		if found && s.checkRecord(theirs) == nil && !supersedes(rec.Token, theirs.Token, used) {
			return s.newHeld(theirs, saved), nil
		}
		rec.Version = theirs.Version
	}
	return s.unsaved(rec, used), s.storeError(opSave, ErrVersionConflict)
}

// unsaved returns a renewal to hold that has yet to be saved.
func (s *session) unsaved(rec Record, used string) *held {
	h := s.newHeld(rec, saveIfUnchanged)
	if h.rare == nil {
		h.rare = &heldRare{requestedScope: s.cfg.scope}
	}
	h.rare.used = used
	return h
}

func (h *held) usedUp() string {
	if h.rare == nil {
		return ""
	}
	return h.rare.used
}

// supersedes reports whether next was got by using up the refresh token that
// other still has.
func supersedes(next, other *Token, used string) bool {
	return used != "" && other.RefreshToken() == used && next.RefreshToken() != used
}

// saveAgain saves what could not be saved before.
func (s *session) saveAgain(ctx context.Context, h *held) (*held, error) {
	var next *held
	var err error
	if h.saving == saveOver {
		next, err = s.overwrite(ctx, s.record(h))
	} else {
		next, err = s.save(h, s.record(h), h.usedUp())
	}
	if err != nil {
		h.postpone(s.now(), 0)
		return h, err
	}
	return s.publish(h, next, h.usedUp())
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
		if theirs, _, err = s.cfg.store.Load(ctx, s.key()); err != nil {
			break
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

// adopt saves, holds and announces a record got in place of base.
func (s *session) adopt(base *held, rec Record, used string) (*held, error) {
	next, saveErr := s.save(base, rec, used)
	next, announceErr := s.publish(base, next, used)
	return next, errors.Join(saveErr, announceErr)
}

// publish makes next what the session holds in place of base and announces it
// if it has another token, unless somebody has set one meanwhile: theirs stays
// then. It returns what the session holds now.
func (s *session) publish(base, next *held, used string) (*held, error) {
	s.mu.Lock()
	current := s.held.Load()
	if current != base && !(current != nil && next != nil && supersedes(next.token, current.token, used)) {
		s.mu.Unlock()
		return current, nil
	}
	if next != nil && s.closed.Load() {
		next.shut()
	}
	s.held.Store(next)
	s.mu.Unlock()
	if next == nil || sameToken(current, next) {
		return next, nil
	}
	return next, s.announce(context.Background(), current, next)
}

// announce tells the listeners of a new token.
func (s *session) announce(ctx context.Context, old, next *held) error {
	e := TokenUpdated{Session: s.self, NewToken: next.token, ReauthorizeBy: next.reauthorizeBy()}
	if old != nil {
		e.OldToken = old.token
	}
	// The token is set whatever becomes of the caller.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.refreshTimeout)
	defer cancel()
	return s.announceUpdated(ctx, e)
}

func (s *session) storeError(op string, err error) error {
	return &StoreError{Op: op, Key: s.key(), Err: err}
}
