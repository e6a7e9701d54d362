package failover_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// callerTimeout is how long a caller waits for a token.
const callerTimeout = 10 * time.Second

// callers need the tokens of all users in a process, over and over.
type callers struct {
	pool  *spotipie.Pool
	think time.Duration // between two calls for a user, on average

	mu    sync.Mutex
	tally callerTally
}

// callerTally is what the callers of a process saw.
type callerTally struct {
	Calls   int
	Errors  map[string]int    // by their kind
	Samples map[string]string // an error of each kind
	Failed  map[string]int    // errors of each user, without those that ask for a login
	// Longest is the longest time in which calls for one user that was signed in
	// brought no token.
	Longest time.Duration
}

// The kinds of errors that a test knows by name.
const (
	kindSignIn   = "the user has to sign in again"
	kindNoAnswer = "no token within the caller's time limit"
	kindNotSaved = "store: save"
)

// kindOf sorts errors.
func kindOf(err error) string {
	var store *spotipie.StoreError
	var endpoint *spotipie.TokenEndpointError
	switch {
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		return kindSignIn
	case errors.Is(err, spotipie.ErrNotAuthorized):
		return "the user is not signed in"
	case errors.As(err, &store):
		return "store: " + store.Op
	case errors.Is(err, context.DeadlineExceeded):
		return kindNoAnswer
	case errors.As(err, &endpoint):
		return "token endpoint"
	}
	return "other"
}

// run has callers ask for the tokens of the users until ctx ends.
func (c *callers) run(ctx context.Context, users []string) {
	var all sync.WaitGroup
	for _, user := range users {
		all.Go(func() { c.useOften(ctx, user) })
	}
	all.Wait()
}

func (c *callers) useOften(ctx context.Context, user string) {
	var without time.Time // since when calls have brought nothing
	for isSignedIn := false; rest(ctx, c.think); {
		begun := time.Now()
		err := c.use(ctx, user)
		switch {
		case ctx.Err() != nil:
			return
		case !isSignedIn && errors.Is(err, spotipie.ErrNotAuthorized):
			continue // not yet
		case without.IsZero():
			without = begun
		}
		isSignedIn = true
		c.note(user, err, time.Since(without))
		if err == nil {
			without = time.Time{}
		}
	}
}

// use gets a token as a request does.
func (c *callers) use(ctx context.Context, user string) error {
	ctx, cancel := context.WithTimeout(ctx, callerTimeout)
	defer cancel()
	session, err := c.pool.Session(ctx, user)
	if err != nil {
		return err
	}
	_, err = session.Token(ctx)
	return err
}

func (c *callers) note(user string, err error, without time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.Calls++
	if errors.Is(err, spotipie.ErrReauthorizationRequired) {
		c.tally.Errors[kindSignIn]++
		return
	}
	c.tally.Longest = max(c.tally.Longest, without)
	if err == nil {
		return
	}
	kind := kindOf(err)
	c.tally.Errors[kind]++
	c.tally.Failed[user]++
	c.tally.Samples[kind] = err.Error()
}

// lookAtAll gets a token for each user, and returns the errors by user. Those who
// still have trouble from the fail-over get more time.
func (c *callers) lookAtAll(ctx context.Context, users []string) map[string]string {
	var all sync.WaitGroup
	var mu sync.Mutex
	failed := make(map[string]string)
	for _, user := range users {
		all.Go(func() {
			if err := c.useAtLast(ctx, user); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed[user] = fmt.Sprintf("%s: %v", kindOf(err), err)
			}
		})
	}
	all.Wait()
	return failed
}

func (c *callers) useAtLast(ctx context.Context, user string) error {
	for deadline := time.Now().Add(settleTime); ; pause(100 * time.Millisecond) {
		err := c.use(ctx, user)
		if err == nil || errors.Is(err, spotipie.ErrReauthorizationRequired) || time.Now().After(deadline) {
			return err
		}
	}
}

// settleTime is how long the end of a fail-over may take for a single user, after
// everybody could renew again.
const settleTime = 30 * time.Second

// rest waits for a while, and reports whether to go on.
func rest(ctx context.Context, mean time.Duration) bool {
	timer := time.NewTimer(time.Duration(rand.ExpFloat64() * float64(mean)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
