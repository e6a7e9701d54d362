package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

type copyFlags struct {
	fromKey, toKey string
	json           bool
}

func newCopy() *cobra.Command {
	var f copyFlags
	cmd := &cobra.Command{
		Use:   "copy FROM TO [flags]",
		Short: "Copy all logins from one store to another",
		Long: `Copies the logins of all apps and profiles from one store to another. FROM and
TO are stores as --store takes them: file:DIR, keyring:DIR, redis://… or
postgres://…. FROM stays as it is.

A login that is as new or newer in TO is not replaced. So you can interrupt the
command and run it again: it then copies what is missing or has changed. A login
that was deleted in FROM within the last week is deleted in TO, unless its user
has signed in since.

Stop the programs that use FROM before you copy. Or copy while they run, stop
them, and copy again. Then start them on TO. If a program continues to renew in
FROM and Spotify gives it new refresh tokens, those in TO no longer work.

If a folder of files is sealed (encrypted) with a key, name the file with the
key by --from-key-file or --to-key-file; it must be private (chmod 600). For a
keyring: folder the key comes from the keyring. Records that a program has
sealed with the library's package seal are copied unchanged.

At the end it prints the counts to stderr. With --json it prints one line, a
JSON object with the keys total, copied, deleted, same, kept (newer or only in
TO) and failed. The exit code is 1 if a login could not be copied, and 130 after
an interruption.`,
		Example: `  spotipie store copy file: file:backup
  spotipie store copy file: file:sealed --to-key-file sealing.key`,
		Args:              commandline.Exactly(2, "takes two stores, the one to copy from and the one to copy to"),
		ValidArgsFunction: completeTwo,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.fromKey, "from-key-file", "", "`FILE` with the key that FROM is sealed with")
	flags.StringVar(&f.toKey, "to-key-file", "", "`FILE` with the key that seals TO")
	flags.BoolVar(&f.json, "json", false, "print the counts as one line of JSON")
	settings.AddStoreFlags(cmd)
	return cmd
}

func completeTwo(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return settings.CompleteStores(cmd, args, typed)
}

// counts is what --json prints. Its keys do not change.
type counts struct {
	Total   int `json:"total"`
	Copied  int `json:"copied"`
	Deleted int `json:"deleted"`
	Same    int `json:"same"`
	Kept    int `json:"kept"`
	Failed  int `json:"failed"`
}

func (f *copyFlags) run(cmd *cobra.Command, from, to string) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	source, err := openEnd(s, from, "FROM", f.fromKey, "--from-key-file")
	if err != nil {
		return err
	}
	destination, err := openEnd(s, to, "TO", f.toKey, "--to-key-file")
	if err != nil {
		return err
	}
	if source.s.StoreName() == destination.s.StoreName() {
		return failure.Usage(cmd, fmt.Errorf("FROM and TO are the same store, %s", source.s.StoreName()))
	}
	source.options.Existing = true
	ctx := cmd.Context()
	return source.use(ctx, func(from spotipie.Store) error {
		return destination.use(ctx, func(to spotipie.Store) error { return f.copy(cmd, s, from, to) })
	})
}

// end is FROM or TO.
type end struct {
	s       *settings.Settings
	options stores.Options
}

// openEnd reads the arguments for one of the stores.
func openEnd(s *settings.Settings, address, name, keyFile, keyFlag string) (end, error) {
	of, err := s.WithStore(address, name)
	if err != nil {
		return end{}, err
	}
	e := end{s: of}
	if keyFile == "" {
		return e, nil
	}
	if kind, _ := of.StoreKind(); kind != settings.StoreFile {
		return end{}, failure.Usage(s.Cmd, fmt.Errorf("%s: %s is not a folder of files (file:DIR), and only those can have such a key", keyFlag, name))
	}
	if e.options.Key, err = filestore.KeyFromFile(keyFile); err != nil {
		return end{}, failure.Usage(s.Cmd, fmt.Errorf("%s: %w", keyFlag, err))
	}
	return e, nil
}

// nobody is a key without an authorization.
var nobody = spotipie.Key{ClientID: "spotipie-store-copy", Profile: "nobody"}

// use opens the store and loads from it, so that the error names a store that
// cannot be reached.
func (e end) use(ctx context.Context, use func(spotipie.Store) error) error {
	store, closeStore, err := stores.Open(ctx, e.s, e.options)
	if err != nil {
		return err
	}
	if _, _, err = store.Load(ctx, nobody); err != nil {
		err = stores.Failed(e.s, "reading", err)
	} else {
		err = use(store)
	}
	return errors.Join(err, closeStore())
}

func (f *copyFlags) copy(cmd *cobra.Command, s *settings.Settings, from, to spotipie.Store) error {
	ctx, progress := cmd.Context(), cli.NewProgress(cmd.ErrOrStderr())
	shown := -1
	got, err := spotipie.CopyStore(ctx, from, to, &spotipie.CopyOptions{Progress: func(c spotipie.CopyCounts) {
		if thousandths := c.Done() * 1000 / c.Total; thousandths != shown {
			shown = thousandths
			progress.Show(fmt.Sprintf("%d of %d logins", c.Done(), c.Total))
		}
	}})
	progress.Clear()
	if ctx.Err() == nil {
		tellEach(s, err)
	}
	s.Say("%s", words(got))
	if f.json {
		if err := output.WriteJSON(cmd, counts(got)); err != nil {
			return err
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &failure.UnfinishedError{Err: failure.Tell(err, "%d of %d logins were checked: run the command again to continue", got.Done(), got.Total)}
	case errors.Is(err, filestore.ErrSeal):
		return failure.Tell(err, "some logins were not copied: name the file with the folder's key by --from-key-file or --to-key-file, "+
			"or if the key is in the keyring, write keyring:DIR in place of file:DIR")
	}
	return failure.Tell(err, "some logins were not copied: correct that and run the command again, which copies only what is missing")
}

// tellEach prints the error of each login that was not copied.
func tellEach(s *settings.Settings, err error) {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range all.Unwrap() {
			s.Say("%s", failure.Plain(one))
		}
		return
	}
	if err != nil {
		s.Say("%s", failure.Plain(err))
	}
}

// words lists the counts that are not 0, and the total.
func words(c spotipie.CopyCounts) string {
	text := fmt.Sprintf("%d of %d logins copied", c.Copied, c.Total)
	for _, part := range []struct {
		count int
		words string
	}{
		{c.Same, "there already"}, {c.Kept, "newer or only in TO"}, {c.Deleted, "deleted, as in FROM"}, {c.Failed, "failed"},
	} {
		if part.count > 0 {
			text += fmt.Sprintf(", %d %s", part.count, part.words)
		}
	}
	return text + "."
}
