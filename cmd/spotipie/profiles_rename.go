package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
)

func newProfilesRename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a profile",
		Long: `Renames a profile, with its tokens and settings. Programs that have it open
under the old name are signed out.`,
		Example:           "  spotipie profiles rename work office",
		Args:              commandline.Exactly(2, "takes two profiles, the old name and the new one"),
		ValidArgsFunction: commandline.CompleteFirst(CompleteProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return renameProfile(cmd, args[0], args[1])
		},
	}
}

func renameProfile(cmd *cobra.Command, old, name string) error {
	if err := CheckProfileName(name); err != nil {
		return failure.Usage(cmd, err)
	}
	ctx := cmd.Context()
	s, err := OfProfile(cmd, old)
	if err != nil {
		return err
	}
	if old == name {
		return failure.Usage(cmd, fmt.Errorf("profile %q is called that already", old))
	}
	if err := s.mustExist(ctx, old); err != nil {
		return err
	}
	if err := s.withStore(ctx, func(store spotipie.Store) error { return s.rename(ctx, store, name) }); err != nil {
		return s.explain(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Profile %q is now called %q.\n", old, name)
	return nil
}

// rename gives tokens and settings another name. All locks are taken before
// anything is changed; after that an interruption changes nothing any more.
func (s *Settings) rename(ctx context.Context, store spotipie.Store, name string) (err error) {
	old := s.Profile.Value
	hasKey, err := s.hasKey(ctx, store)
	if err != nil {
		return err
	}
	if hasKey {
		unlock, err := s.lockBoth(ctx, store, name)
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
				if err := s.onlyOtherApp(ctx, store); err != nil {
					return err
				}
			}
			if err := s.moveRecord(ctx, store, name); err != nil {
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
		return &failure.UnfinishedError{Err: fmt.Errorf("the tokens are renamed, but not yet the settings, so do it again: %w", err)}
	}
	return err
}

func takenError(name string) error {
	return fmt.Errorf("there is a profile %q already: delete or rename it first", name)
}

// lockBoth sees to it that nobody renews the tokens under the profile's name and
// the new one. The order is the same for all, or two would wait for each other.
func (s *Settings) lockBoth(ctx context.Context, store spotipie.Store, name string) (unlock func(), err error) {
	var held []func(context.Context) error
	unlock = func() {
		for _, release := range held {
			_ = release(context.WithoutCancel(ctx)) // it ends with the program at the latest
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
			return nil, s.storeFailed("locking", err)
		}
		held = append(held, release)
	}
	return unlock, nil
}

// moveRecord moves the record to another profile's key. A process that is killed
// meanwhile leaves two that are the same, and the next one goes on from there.
func (s *Settings) moveRecord(ctx context.Context, store spotipie.Store, name string) error {
	ctx, cancel := interrupt.Shield(ctx)
	defer cancel()
	from, to := s.Key(), s.Key()
	to.Profile = name
	rec, found, err := store.Load(ctx, from)
	if err != nil || !found {
		return s.storeFailedIf("reading", err)
	}
	there, taken, err := store.Load(ctx, to)
	if err != nil {
		return s.storeFailed("reading", err)
	}
	if taken && !sameLogin(there.Token, rec.Token) {
		return takenError(name)
	}
	err = Replace(ctx, store, to, there, taken, rec)
	if errors.Is(err, spotipie.ErrVersionConflict) {
		return takenError(name)
	}
	if err != nil {
		return s.storeFailed("saving in", err)
	}
	if err := store.Delete(ctx, from); err != nil {
		return s.storeFailedIf("deleting from", undoCopy(ctx, store, from, to, err))
	}
	return nil
}

func sameLogin(a, b *spotipie.Token) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b) || a.RefreshToken() != "" && a.RefreshToken() == b.RefreshToken()
}

// undoCopy deletes the copy of a record that could not be deleted, since two with
// one refresh token make each other's worthless. A store that failed may have
// deleted the record all the same, and then the copy is all there is.
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
