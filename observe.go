package spotipie

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Observation is something that a session or a pool has done or waited for, for
// logs, metrics and traces; see [Options].Observe. It comes when the work has
// ended, and holds no secret.
type Observation struct {
	Kind ObservationKind
	// Op is the grant type of a token request (RFC 6749 section 4), or the kind
	// of a store call: load, save, delete, lock, unlock, check or watch. Empty
	// for the other kinds of observations.
	Op       string
	Key      Key // of the session, or of a pool's store call; the profile may be personal data
	Flow     Flow
	Start    time.Time // by the system's clock
	Duration time.Duration
	Err      error // nil if it went well
}

// LogValue implements [slog.LogValuer]. Empty fields are left out, and so is
// Start, because a log has its own times. The error is logged as its text.
func (o Observation) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(o.Kind))}
	if o.Op != "" {
		attrs = append(attrs, slog.String("op", o.Op))
	}
	attrs = append(attrs, slog.String("client_id", o.Key.ClientID))
	if o.Key.Profile != "" {
		attrs = append(attrs, slog.String("profile", o.Key.Profile))
	}
	attrs = append(attrs, slog.String("flow", string(o.Flow)), slog.Duration("duration", o.Duration))
	if o.Err != nil {
		attrs = append(attrs, slog.String("error", o.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// ObservationKind is a kind of [Observation].
type ObservationKind string

// The kinds of observations.
const (
	// ObservedTokenRequest is one request to the token endpoint.
	ObservedTokenRequest ObservationKind = "token_request"
	// ObservedRenewal is a renewal, from the wait for the lock until the token
	// is saved. Err is also nil if another process had renewed the token. If
	// nobody is logged in or the token cannot be renewed, it is not observed.
	ObservedRenewal ObservationKind = "renewal"
	// ObservedStoreCall is one call of a method of the store.
	ObservedStoreCall ObservationKind = "store_call"
	// ObservedWait means that a caller of Token or of a request has waited for
	// a token. The context is the caller's.
	ObservedWait ObservationKind = "wait"
	// ObservedRefusal means that the accounts service has refused the refresh
	// token for good.
	ObservedRefusal ObservationKind = "refusal"
	// ObservedSavedLate means that a token, a refusal or a logout that could
	// not be saved at first, or that the store has lost, is saved now. Duration
	// is how long it was not saved.
	ObservedSavedLate ObservationKind = "saved_late"
	// ObservedFallback means that the store has an older record than before, or
	// has lost it without a deletion. The session keeps its own record and
	// saves it again.
	ObservedFallback ObservationKind = "store_fallback"
)

// starterKey is the key of the context of the caller who started work that others
// may wait for too.
type starterKey struct{}

// background returns a context that never ends, with the same marks as ctx.
// Observations also have the values of ctx, such as a trace. Stores and transports
// do not get them: one may be a database transaction, which ends with its request.
func (a *app) background(ctx context.Context) context.Context {
	if a.observe == nil {
		return detached(ctx)
	}
	return context.WithValue(detached(ctx), starterKey{}, context.WithoutCancel(starterOf(ctx)))
}

// starterOf returns the context of the caller who started the work that is done
// with ctx.
func starterOf(ctx context.Context) context.Context {
	if starter, ok := ctx.Value(starterKey{}).(context.Context); ok {
		return starter
	}
	return ctx
}

// withoutStarter returns ctx for a listener: what that does is its own work.
func withoutStarter(ctx context.Context) context.Context {
	return context.WithValue(ctx, starterKey{}, nil)
}

// observation begins an observation, and returns a function that ends it.
func (k *keeper) observation(ctx context.Context, kind ObservationKind, op string) (end func(error)) {
	return k.app.observation(ctx, Observation{Kind: kind, Op: op, Key: k.key(), Flow: k.flow()})
}

func (a *app) observation(ctx context.Context, o Observation) (end func(error)) {
	if a.observe == nil {
		return func(error) {}
	}
	o.Start = time.Now()
	return func(err error) {
		o.Duration, o.Err = time.Since(o.Start), err
		_, panicked := recovering(starterOf(ctx), func(ctx context.Context) (struct{}, error) {
			a.observe(ctx, o)
			return struct{}{}, nil
		})
		if panicked != nil {
			a.report(o.Key, fmt.Errorf("spotipie: Options.Observe: %w", panicked))
		}
	}
}
