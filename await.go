package spotipie

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// awaitGrace is how long f may still take after its context has ended. Most stores and
// transports then return an error that says what they waited for.
const awaitGrace = 50 * time.Millisecond

// await calls f in a new goroutine and returns its result. If ctx ends first and f
// does not return soon, await returns ctx's error and f goes on alone. late, if it
// is not nil, then gets the result of f. So a store, a transport or a listener that
// ignores its context delays no caller. A panic in f, or the end of its goroutine,
// is an error.
func await[T any](ctx context.Context, f func(context.Context) (T, error), late func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	var settled atomic.Bool // f has returned in time, or nobody waits any more
	go func() {
		r := result{err: errors.New("it ended its goroutine")}
		defer func() {
			if p := recover(); p != nil {
				r.err = &panicError{text: fmt.Sprint(p), site: panicSite()}
			}
			if settled.CompareAndSwap(false, true) {
				results <- r
			} else if late != nil && r.err == nil {
				late(r.value)
			}
		}()
		r.value, r.err = f(ctx)
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		grace := time.NewTimer(awaitGrace)
		defer grace.Stop()
		select {
		case r := <-results:
			return r.value, r.err
		case <-grace.C:
		}
	}
	if settled.CompareAndSwap(false, true) {
		var none T
		return none, context.Cause(ctx)
	}
	r := <-results
	return r.value, r.err
}

// goexit returns the error of work that code of the program has ended together with its
// goroutine (runtime.Goexit), from Options.Observe for example.
func goexit(work string) error { return fmt.Errorf("spotipie: %s has ended its goroutine", work) }

// recovering calls f. A panic in f is an error.
func recovering[T any](ctx context.Context, f func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{text: fmt.Sprint(p), site: panicSite()}
		}
	}()
	return f(ctx)
}

// panicError is a panic in code of the program or of another library.
type panicError struct {
	text string
	site string // " at file:line"
}

func (e *panicError) Error() string { return "it panicked: " + foreignText(e.text) + e.site }

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

// sleep waits for d or until ctx ends, and reports whether d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// waitDone waits until done is closed or ctx ends, and reports whether done is closed.
func waitDone(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
