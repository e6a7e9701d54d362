package spotipie

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// await calls f in a goroutine of its own and returns its result. If ctx ends
// before, await returns ctx's error and f goes on alone: late, which may be nil,
// gets what it returns then. So nobody is held up by a store, a transport or a
// listener that does not look at its context. A panic in f, or the end of its
// goroutine, is an error.
func await[T any](ctx context.Context, f func(context.Context) (T, error), late func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result)
	go func() {
		r := result{err: errors.New("it ended its goroutine")}
		defer func() {
			if p := recover(); p != nil {
				r.err = &panicError{text: fmt.Sprint(p), site: panicSite()}
			}
			select {
			case results <- r:
			case <-ctx.Done():
				select {
				case results <- r: // the caller has not left yet
				default:
					if late != nil && r.err == nil {
						late(r.value)
					}
				}
			}
		}()
		r.value, r.err = f(ctx)
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// panicError is a panic in somebody else's code.
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
