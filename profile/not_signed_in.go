package profile

import (
	"context"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

// notSignedInError means that the store has no authorization of the profile.
type notSignedInError struct {
	login  string   // the command that makes one
	others []string // profiles that the store has
}

func (e *notSignedInError) Error() string {
	there := ""
	if len(e.others) > 0 {
		there = " (there are: " + strings.Join(e.others, ", ") + ")"
	}
	return "nobody is signed in" + there + ": run '" + e.login + "'"
}

func (*notSignedInError) Unwrap() error { return spotipie.ErrNotAuthorized }

// profilesIn returns the profiles that a store has, sorted. If the store cannot tell,
// there are none: they are only for the text of an error.
func profilesIn(ctx context.Context, store spotipie.Store) []string {
	keys, err := store.List(ctx)
	if err != nil {
		return nil
	}
	return config.ProfileNames(keys)
}
