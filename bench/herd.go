package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

func measureStale(ctx context.Context, s settings) ([]row, error) {
	requests, worst, err := herds(ctx, s, due)
	if err != nil {
		return nil, err
	}
	waits := newRow("  worst wait", "ms", worst).atMost(5)
	waits.Note = "x/oauth2 and aws have no time in which they renew beside the callers. " +
		"The moment is 3 min before the token's end, for x/oauth2 5 s before it: it renews in the last 10 s alone."
	title := fmt.Sprintf("Token, stale, %d goroutines: token requests", s.callers)
	return []row{newRow(title, "", requests).exactly(1), waits}, nil
}

func measureExpired(ctx context.Context, s settings) ([]row, error) {
	requests, worst, err := herds(ctx, s, over)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("Token, expired, %d goroutines: token requests", s.callers)
	limit := 1.2 * milliseconds(endpointDelay)
	return []row{newRow(title, "", requests).exactly(1), newRow("  worst wait", "ms", worst).atMost(limit)}, nil
}

// herds runs a herd for each column in each round. It returns by column the number of
// token requests, and the longest wait of a caller.
func herds(ctx context.Context, s settings, m moment) (requests, worst map[string][]float64, err error) {
	requests, worst = make(map[string][]float64), make(map[string][]float64)
	everybody := keepers()
	for round := range s.herds {
		for i := range everybody {
			k := everybody[(round+i)%len(everybody)]
			n, wait, err := herd(ctx, k, s.callers, m)
			if err != nil {
				return nil, nil, fmt.Errorf("the herd of %s: %w", k.column, err)
			}
			requests[k.column] = append(requests[k.column], float64(n))
			worst[k.column] = append(worst[k.column], milliseconds(wait))
		}
	}
	return requests, worst, nil
}

// herd makes many goroutines ask for the token of k at the same time.
func herd(ctx context.Context, k keeper, callers int, m moment) (requests int, worst time.Duration, err error) {
	w, err := newWorld(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer w.close()
	get, err := k.open(ctx, w, m)
	if err != nil {
		return 0, 0, err
	}
	if err := w.arm(); err != nil {
		return 0, 0, err
	}
	release, wait := gather(ctx, callers, get)
	release()
	worst, err = wait()
	if err == nil {
		<-w.asked // a renewal in the background may be about to start
	}
	requests, closeErr := w.renewals(ctx)
	return requests, worst, errors.Join(err, closeErr)
}

// gather starts the callers. They call get after release; wait returns the longest time
// of a call.
func gather(ctx context.Context, callers int, get func(context.Context) error) (release func(), wait func() (time.Duration, error)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	took, errs := make([]time.Duration, callers), make([]error, callers)
	ready.Add(callers)
	for i := range callers {
		done.Go(func() {
			ready.Done()
			<-start
			began := time.Now()
			errs[i] = get(ctx)
			took[i] = time.Since(began)
		})
	}
	ready.Wait()
	return func() { close(start) }, func() (time.Duration, error) {
		done.Wait()
		return slices.Max(took), errors.Join(errs...)
	}
}

func measureCancelled(ctx context.Context, s settings) ([]row, error) {
	requests, late := make(map[string][]float64), make(map[string][]float64)
	everybody := keepers()
	for round := range s.herds {
		for i := range everybody {
			k := everybody[(round+i)%len(everybody)]
			n, after, err := cancelled(ctx, k, s.callers)
			if err != nil {
				return nil, fmt.Errorf("cancelling at %s: %w", k.column, err)
			}
			requests[k.column] = append(requests[k.column], float64(n))
			late[k.column] = append(late[k.column], milliseconds(after))
		}
	}
	returns := newRow("Token, expired, the caller who began the renewal is cancelled: returns after", "ms", late).atMost(5)
	returns.Note = "x/oauth2 takes no context. More than one token request means that the renewal died with its caller."
	return []row{returns, newRow("  token requests for the others", "", requests).exactly(1)}, nil
}

// cancelled lets one caller begin the renewal of an expired token and others join
// it. Then it cancels the first caller, and returns how long that caller's call
// still took.
func cancelled(ctx context.Context, k keeper, callers int) (requests int, after time.Duration, err error) {
	w, err := newWorld(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer w.close()
	get, err := k.open(ctx, w, over)
	if err != nil {
		return 0, 0, err
	}
	if err := w.arm(); err != nil {
		return 0, 0, err
	}
	release, wait := gather(ctx, callers-1, get)
	starterCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	returned := make(chan time.Time, 1)
	go func() {
		_ = get(starterCtx) // returns an error, unless the keeper ignores the context
		returned <- time.Now()
	}()
	<-w.asked
	release()
	began := time.Now()
	cancel()
	after = (<-returned).Sub(began)
	_, err = wait()
	requests, closeErr := w.renewals(ctx)
	return requests, after, errors.Join(err, closeErr)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
