package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// saveTimeout limits saving apart from the rest of a renewal: what the accounts
// service has given must not be lost because it was slow.
const saveTimeout = 10 * time.Second

// SetToken implements [Session].
func (s *session) SetToken(ctx context.Context, token *Token) error {
	rec := Record{Token: token, RequestedScope: s.cfg.scope}
	if h := s.held.Load(); h != nil && sameAuthorization(h.token, token) {
		rec.AuthorizedAt = s.record(h).AuthorizedAt
	}
	return s.SetRecord(ctx, rec)
}

// Record implements [Session].
func (s *session) Record() (rec Record, ok bool) {
	if h := s.held.Load(); h != nil {
		return s.record(h), true
	}
	return Record{}, false
}

// SetRecord implements [Session].
func (s *session) SetRecord(ctx context.Context, rec Record) error {
	if rec.Token == nil || rec.Token.secrets == nil {
		return &TokenFormatError{Reason: "is nil"}
	}
	if rec.ClientID != "" && rec.ClientID != s.clientID {
		return &RecordMismatchError{Key: s.key(), Reason: fmt.Sprintf("it belongs to client id %q, not %q", foreignText(rec.ClientID), s.clientID)}
	}
	if s.closed.Load() {
		return ErrClosed
	}
	rec.Token, rec.ClientID = s.inherit(rec.Token, nil), s.clientID
	return s.install(ctx, rec)
}

// install makes rec the session's record, over whatever it or the store has.
// It does so even if ctx ends: a token once given must not be lost.
func (s *session) install(ctx context.Context, rec Record) error {
	ctx = context.WithoutCancel(ctx)
	old, next, saveErr := s.replaceRecord(ctx, rec)
	return join(saveErr, s.announce(ctx, old, next))
}

func (s *session) replaceRecord(ctx context.Context, rec Record) (old, next *held, err error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	leave, err := s.enter(ctx)
	if err != nil {
		next, err = s.newHeld(rec, saveOver), s.storeError(opSave, err)
		return s.swapHeld(next), next, err
	}
	defer leave()
	next, err = s.overwrite(ctx, rec)
	return s.swapHeld(next), next, err
}

// Load implements [Session].
func (s *session) Load(ctx context.Context) (*Token, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	h, err := s.reload(ctx)
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
	underWay := []*flight{s.renewal, s.expiry}
	s.mu.Unlock()
	if s.calledFromListener(ctx) {
		underWay = nil // it may be that listener they wait for
	}
	for _, f := range underWay {
		if f == nil {
			continue
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("spotipie: closing the session: %w", context.Cause(ctx))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	_, err := s.saveAgain(ctx)
	return join(err, s.listenerFailure())
}

// adopt saves, holds and announces a record that was got in place of base with
// the refresh token used. If somebody has set or stored another token
// meanwhile, that one stays, unless it still relies on used and rec has
// replaced used. It returns what the session holds then, which is nil if
// somebody has logged out.
func (s *session) adopt(ctx context.Context, base *held, rec Record, used string) (*held, error) {
	saveCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	leave, err := s.enter(saveCtx)
	if err != nil {
		return nil, s.storeError(opSave, err)
	}
	old := s.held.Load()
	if !yields(old, base, rec.Token, used) {
		defer leave()
		if old == nil || old.saving != saveOver {
			return old, nil
		}
		// Until the other token can be saved, nobody must find used in the store.
		_, err := s.save(saveCtx, rec, used)
		return old, err
	}
	var next *held
	var saveErr error
	if old != nil && old.saving == saveOver {
		next, saveErr = s.overwrite(saveCtx, rec)
	} else {
		if old != nil {
			rec.Version = old.version
		}
		next, saveErr = s.save(saveCtx, rec, used)
	}
	next, old = s.place(next, func(current *held) bool { return yields(current, base, rec.Token, used) })
	leave()
	return next, join(saveErr, s.announceChange(ctx, old, next))
}

// yields reports whether current makes way for a token that was got in place
// of base with the refresh token used.
func yields(current, base *held, token *Token, used string) bool {
	if current == base {
		return true
	}
	return current != nil && base != nil &&
		(current.token.Equal(base.token) || supersedes(token, current.token, used))
}

// supersedes reports whether next was got by using up the refresh token that
// other still has.
func supersedes(next, other *Token, used string) bool {
	return used != "" && other.RefreshToken() == used && next.RefreshToken() != used
}

// place makes next what the session holds if the condition holds for what it
// holds now. It returns what it holds then and what it held before.
func (s *session) place(next *held, condition func(current *held) bool) (now, old *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.held.Load()
	if !condition(old) {
		return old, old
	}
	if next != nil && s.closed.Load() {
		next.shut()
	}
	s.held.Store(next)
	return next, old
}

// swapHeld makes next what the session holds and returns what it held before.
func (s *session) swapHeld(next *held) (old *held) {
	_, old = s.place(next, func(*held) bool { return true })
	return old
}

// announceChange tells the listeners of next if its token is another than
// old's.
func (s *session) announceChange(ctx context.Context, old, next *held) error {
	if next == nil || old != nil && old.token.Equal(next.token) {
		return nil
	}
	return s.announce(ctx, old, next)
}

// announce tells the listeners of next, whatever becomes of ctx: the token is
// set.
func (s *session) announce(ctx context.Context, old, next *held) error {
	e := TokenUpdated{Session: s.self, NewToken: next.token, ReauthorizeBy: next.reauthorizeBy()}
	if old != nil {
		e.OldToken = old.token
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.refreshTimeout)
	defer cancel()
	return s.announceUpdated(ctx, e)
}

// join is errors.Join, but leaves a single error as it is.
func join(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}
