package profiles

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

func newRename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a profile",
		Long: `Renames a profile, with its tokens and settings. Programs that use it under the
old name are signed out.`,
		Example:           "  spotipie profiles rename work office",
		Args:              commandline.Exactly(2, "takes two profiles, the old name and the new one"),
		ValidArgsFunction: commandline.CompleteFirst(settings.CompleteProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return renameProfile(cmd, args[0], args[1])
		},
	}
}

func renameProfile(cmd *cobra.Command, old, name string) error {
	if err := settings.CheckProfileName(name); err != nil {
		return failure.Usage(cmd, err)
	}
	ctx := cmd.Context()
	s, err := settings.OfProfile(cmd, old)
	if err != nil {
		return err
	}
	if old == name {
		return failure.Usage(cmd, fmt.Errorf("profile %q already has that name", old))
	}
	if err := mustExist(ctx, s, old); err != nil {
		return err
	}
	if err := stores.Use(ctx, s, func(store spotipie.Store) error { return rename(ctx, s, store, name) }); err != nil {
		return explain.Error(s, err)
	}
	output.Say(cmd.ErrOrStderr(), fmt.Sprintf("Profile %q is now called %q.", old, name))
	return nil
}

// rename gives tokens and settings another name. It takes all locks before it
// changes anything; after that an interruption does not stop it.
func rename(ctx context.Context, s *settings.Settings, store spotipie.Store, name string) (err error) {
	old := s.Profile.Value
	hasKey, err := isKeyKnown(ctx, s, store)
	if err != nil {
		return err
	}
	if hasKey {
		unlock, err := lockBoth(ctx, s, store, name)
		if err != nil {
			return err
		}
		defer unlock()
	}
	begun := false
	err = config.Update(ctx, s.ConfigPath, func(f *config.File) error {
		of, ok := f.Profiles[old]
		if _, taken := f.Profiles[name]; taken {
			return takenError(name)
		}
		if hasKey {
			if !ok {
				if err := onlyOtherApp(ctx, s, store); err != nil {
					return err
				}
			}
			if err := moveRecord(ctx, s, store, name); err != nil {
				return err
			}
			begun = true
		}
		if ok {
			f.Profiles[name] = of
			delete(f.Profiles, old)
		}
		if f.Profile == old {
			f.Profile = name
		}
		return nil
	})
	if err != nil && begun {
		return &failure.UnfinishedError{Err: fmt.Errorf("the tokens are renamed, but the settings are not, so run the command again: %w", err)}
	}
	return err
}

func takenError(name string) error {
	return fmt.Errorf("profile %q exists already: delete or rename it first", name)
}

// lockBoth locks the old and the new name, so that nobody renews the tokens.
// The order is always the same, so that two processes cannot wait for each
// other.
func lockBoth(ctx context.Context, s *settings.Settings, store spotipie.Store, name string) (unlock func(), err error) {
	var held []func(context.Context) error
	unlock = func() {
		for _, release := range held {
			_ = release(context.WithoutCancel(ctx)) // the lock ends with the program at the latest
		}
	}
	names := []string{s.Profile.Value, name}
	slices.Sort(names)
	for _, name := range names {
		key := s.Key()
		key.Profile = name
		release, err := store.Lock(ctx, key)
		if err != nil {
			unlock()
			return nil, stores.Failed(s, "locking", err)
		}
		held = append(held, release)
	}
	return unlock, nil
}

// moveRecord moves the record to another profile's key. If the process is
// killed in between, there are two equal records, and the next call continues
// from there.
func moveRecord(ctx context.Context, s *settings.Settings, store spotipie.Store, name string) error {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	from, to := s.Key(), s.Key()
	to.Profile = name
	rec, found, err := store.Load(ctx, from)
	if err != nil || !found {
		return stores.FailedIf(s, "reading", err)
	}
	there, taken, err := store.Load(ctx, to)
	if err != nil {
		return stores.Failed(s, "reading", err)
	}
	if taken && !sameLogin(there.Token, rec.Token) {
		return takenError(name)
	}
	err = stores.Replace(ctx, store, to, there, taken, rec)
	if errors.Is(err, spotipie.ErrVersionConflict) {
		return takenError(name)
	}
	if err != nil {
		return stores.Failed(s, "saving in", err)
	}
	if err := store.Delete(ctx, from); err != nil {
		return stores.FailedIf(s, "deleting from", undoCopy(ctx, store, from, to, err))
	}
	return nil
}

func sameLogin(a, b *spotipie.Token) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b) || a.RefreshToken() != "" && a.RefreshToken() == b.RefreshToken()
}

// undoCopy deletes the copy of a record if the record itself could not be
// deleted: two records with one refresh token would invalidate each other. A
// store may have deleted the record although it returned an error. Then
// undoCopy keeps the copy.
func undoCopy(ctx context.Context, store spotipie.Store, original, theCopy spotipie.Key, failed error) error {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	_, found, err := store.Load(ctx, original)
	switch {
	case err != nil:
		return errors.Join(failed, err)
	case !found:
		return nil
	}
	return errors.Join(failed, store.Delete(ctx, theCopy))
}
