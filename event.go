package spotipie

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// TokenUpdated is the event of a new token: fetched, set, renewed by the
// session, or learned from the store because another process renewed it.
//
// Listeners are called one after the other, after the token was saved and
// before anybody who waits for it gets it, so a listener may itself be what
// saves it. If one fails, the token is used all the same: SetToken, FetchToken
// and RefreshToken return the [*ListenerError], Token and Request do not, but
// [Options].OnError hears of it, and so does Close if it was the latest token. Of several tokens that are set at the same time the last may be
// the only one they hear of. ctx ends after [Options].RefreshTimeout, and a
// listener that has not returned by then is not waited for. Listeners may use
// the session, also to set another token, if they pass on the ctx they were
// given: by it the session knows not to wait for the listener itself. Printing
// the event shows no secret.
type TokenUpdated struct {
	Session  Session
	OldToken *Token // nil if there was none
	NewToken *Token
	// ReauthorizeBy is when the user must have authorized the app again; see
	// [Session]. Zero if that is not known.
	ReauthorizeBy time.Time
}

// TokenExpired is the event of a token being needed that is expired.
//
// Callers who need the token at the same time share one event and wait until
// all listeners have returned. A listener may set a new token, with which the
// callers go on, and should pass on the ctx it was given; if none sets one, the session renews it by itself unless
// automatic refreshing is off or impossible. Printing the event shows no
// secret.
type TokenExpired struct {
	Session      Session
	ExpiredToken *Token
	// WithholdToken is true for a request that goes without the token; it is
	// made whatever the listeners do.
	WithholdToken bool
}

// LogValue implements [slog.LogValuer] without secrets.
func (e TokenUpdated) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("session", e.Session), slog.Attr{Key: "old_token", Value: logToken(e.OldToken)},
		slog.Attr{Key: "new_token", Value: logToken(e.NewToken)}, slog.Time("reauthorize_by", e.ReauthorizeBy))
}

// LogValue implements [slog.LogValuer] without secrets.
func (e TokenExpired) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("session", e.Session), slog.Attr{Key: "expired_token", Value: logToken(e.ExpiredToken)},
		slog.Bool("withhold_token", e.WithholdToken))
}

func logToken(t *Token) slog.Value {
	if t == nil {
		return slog.StringValue("none")
	}
	return t.LogValue()
}

const (
	eventTokenUpdated = "token_updated"
	eventTokenExpired = "token_expired"
)

// listeners are never changed, only replaced.
type listeners struct {
	updated []*func(context.Context, TokenUpdated) error
	expired []*func(context.Context, TokenExpired) error
	// turn is held while token-updated listeners are called: whoever saves
	// tokens in one gets them in order.
	turn chan struct{}
	// failed is what went wrong with the latest token.
	failed *atomic.Pointer[ListenerError]
}

// OnTokenUpdated implements [Session].
func (s *session) OnTokenUpdated(listener func(context.Context, TokenUpdated) error) (remove func()) {
	if listener == nil {
		return func() {}
	}
	s.changeListeners(func(l *listeners) { l.updated = with(l.updated, &listener) })
	return func() {
		s.changeListeners(func(l *listeners) { l.updated = without(l.updated, &listener) })
	}
}

// OnTokenExpired implements [Session].
func (s *session) OnTokenExpired(listener func(context.Context, TokenExpired) error) (remove func()) {
	if listener == nil {
		return func() {}
	}
	s.changeListeners(func(l *listeners) { l.expired = with(l.expired, &listener) })
	return func() {
		s.changeListeners(func(l *listeners) { l.expired = without(l.expired, &listener) })
	}
}

// listenerFailure returns what went wrong when the listeners heard of the
// latest token.
func (s *session) listenerFailure() error {
	if l := s.listeners.Load(); l != nil {
		if failed := l.failed.Load(); failed != nil {
			return failed
		}
	}
	return nil
}

func (s *session) changeListeners(change func(*listeners)) {
	for {
		old := s.listeners.Load()
		next := listeners{turn: make(chan struct{}, 1), failed: new(atomic.Pointer[ListenerError])}
		if old != nil {
			next = *old
		}
		change(&next)
		if s.listeners.CompareAndSwap(old, &next) {
			return
		}
	}
}

func with[T any](list []*T, item *T) []*T { return append(slices.Clip(list), item) }

func without[T any](list []*T, item *T) []*T {
	return slices.DeleteFunc(slices.Clone(list), func(other *T) bool { return other == item })
}

// announceUpdated calls the token-updated listeners, unless the session has got
// another token by the time it is their turn: they hear of that one.
func (s *session) announceUpdated(ctx context.Context, e TokenUpdated) error {
	l := s.listeners.Load()
	if l == nil {
		return nil
	}
	if len(l.updated) == 0 {
		l.failed.Store(nil)
		return nil
	}
	if !s.calledFromListener(ctx) {
		select {
		case l.turn <- struct{}{}:
			defer func() { <-l.turn }()
		case <-ctx.Done():
			return &ListenerError{Event: eventTokenUpdated, Err: errors.New("the listeners are still busy with an earlier token")}
		}
	}
	if s.CurrentToken() != e.NewToken {
		return nil
	}
	err := dispatch(s.inListener(ctx), eventTokenUpdated, l.updated, e)
	var failed *ListenerError
	_ = errors.As(err, &failed)
	l.failed.Store(failed)
	return err
}

// announceExpired calls the token-expired listeners.
func (s *session) announceExpired(ctx context.Context, e TokenExpired) error {
	l := s.listeners.Load()
	if l == nil || len(l.expired) == 0 {
		return nil
	}
	return dispatch(s.inListener(ctx), eventTokenExpired, l.expired, e)
}

func dispatch[E any](ctx context.Context, event string, list []*func(context.Context, E) error, e E) error {
	var errs []error
	if nesting(ctx) > maxNesting {
		return &ListenerError{Event: event, Err: errors.New("listeners keep setting tokens: gave up calling them")}
	}
	for _, listener := range list {
		if err := call(ctx, *listener, e); err != nil {
			errs = append(errs, &ListenerError{Event: event, Err: err})
		}
	}
	return errors.Join(errs...)
}

// call runs one listener and returns its error, or what became of it if it
// panicked, ended its goroutine or is still running when ctx ends.
func call[E any](ctx context.Context, listener func(context.Context, E) error, e E) error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panicked: %s%s", foreignText(fmt.Sprint(p)), panicSite())
			}
			result <- err
		}()
		err = listener(ctx, e)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("did not return in time: %w", ctx.Err())
	}
}

// panicSite names the line that panicked, as " at file:line".
func panicSite() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && frame.Func != nil && !isRuntime(frame.Function):
			return fmt.Sprintf(" at %s:%d", frame.File, frame.Line)
		}
		if !more {
			return ""
		}
	}
}

func isRuntime(function string) bool {
	return len(function) > 8 && function[:8] == "runtime."
}

// maxNesting bounds listeners that set a token from within the event of the
// token they set before.
const maxNesting = 8

type listenerKey struct{}

// listenerContext marks a context as given to a session's listener.
type listenerContext struct {
	session *session
	depth   int
}

func (s *session) inListener(ctx context.Context) context.Context {
	return context.WithValue(ctx, listenerKey{}, listenerContext{session: s, depth: nesting(ctx) + 1})
}

// detached returns a context without end that, like ctx, is one given to a
// listener or not.
func detached(ctx context.Context) context.Context {
	if mark, ok := ctx.Value(listenerKey{}).(listenerContext); ok {
		return context.WithValue(context.Background(), listenerKey{}, mark)
	}
	return context.Background()
}

func nesting(ctx context.Context) int {
	mark, _ := ctx.Value(listenerKey{}).(listenerContext)
	return mark.depth
}

// calledFromListener reports whether ctx was given to one of the session's own
// listeners.
func (s *session) calledFromListener(ctx context.Context) bool {
	mark, ok := ctx.Value(listenerKey{}).(listenerContext)
	return ok && mark.session == s
}
