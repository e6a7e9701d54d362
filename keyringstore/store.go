package keyringstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
)

// Errors of [Open]. Test for them with [errors.Is].
var (
	// ErrUnavailable means that the keyring cannot be used: there is none, it
	// is locked, or it does not answer in time.
	ErrUnavailable = errors.New("the keyring cannot be used")

	// ErrKeyLost means that the folder has records, but the keyring has no key
	// for it, another key, or something that is not a key.
	ErrKeyLost = errors.New("the keyring does not have the key of the records")
)

// Options adjust a store. A nil *Options and the zero value mean the defaults
// named here.
type Options struct {
	// Service is the service of the keyring's entry. Default: "spotipie".
	Service string
	// Timeout limits each call of the keyring, in which the user may be asked
	// for a password. Default: 10 seconds.
	Timeout time.Duration
}

const (
	defaultService = "spotipie"
	defaultTimeout = 10 * time.Second
)

// DefaultDir returns the folder that Open uses by default: keyring in the
// folder of [filestore.DefaultDir].
func DefaultDir() (string, error) {
	dir, err := filestore.DefaultDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "keyring"), nil
}

// Open returns the store in a folder, by default [DefaultDir], whose records
// are sealed with the key that the keyring has for the folder. It makes the
// folder and the key if they are missing; if many processes do so at once, one
// of them makes the key. Only Open calls the keyring: the store goes on working
// when the keyring is locked again.
//
// It fails with [ErrUnavailable] or [ErrKeyLost], as [filestore.Open] does, or
// when ctx ends. A call that does not answer cannot be cancelled: it stays in a
// goroutine until it answers.
func Open(ctx context.Context, dir string, opts *Options) (*filestore.Store, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	files, err := filestore.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	entry, err := newEntry(files.Dir(), opts)
	if err != nil {
		return nil, err
	}
	text, found, err := entry.get(ctx)
	if err == nil && !found {
		text, err = entry.create(ctx, files, func() error { return entry.checkNotLost(ctx, files) })
	}
	if err != nil {
		return nil, err
	}
	key, err := filestore.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("keyringstore: %w: %s holds something else: remove it, and the files in %s with it, and authorize again",
			ErrKeyLost, entry, dir)
	}
	s, err := filestore.Open(dir, &filestore.Options{Key: key})
	if err != nil {
		return nil, err
	}
	if err := s.CheckKey(ctx); errors.Is(err, filestore.ErrSeal) {
		return nil, fmt.Errorf("keyringstore: %w: %s has another key: restore the old key, or remove the entry and the files in %s, and authorize again: %w",
			ErrKeyLost, entry, dir, err)
	} else if err != nil {
		return nil, err
	}
	return s, nil
}

// SealingKeys returns the keys that the keyring has under a name, as the text
// that ParseKeys of package seal reads. It makes a key if there is none; if
// many processes do so at once, one of them makes it, using a lock file in
// [DefaultDir]. The entry has the options' service and the name as the account.
// To rotate, put a new key before the old one into the entry, with a space
// between them.
//
// It fails with [ErrUnavailable], or when ctx ends. If the keyring has lost the
// key, a new one is made, and records sealed with the old one cannot be opened.
func SealingKeys(ctx context.Context, name string, opts *Options) (text string, err error) {
	if name == "" || filepath.IsAbs(name) {
		return "", fmt.Errorf("keyringstore: %q cannot be the name of a key: it is empty, or a path, and paths are for the keys of folders", name)
	}
	entry := entryOf(name, opts)
	text, found, err := entry.get(ctx)
	if err != nil || found {
		return text, err
	}
	dir, err := DefaultDir()
	if err != nil {
		return "", err
	}
	files, err := filestore.Open(dir, nil)
	if err != nil {
		return "", err
	}
	return entry.create(ctx, files, func() error { return nil })
}

// entry is an entry in the keyring.
type entry struct {
	service, account string
	timeout          time.Duration
}

func newEntry(dir string, opts *Options) (*entry, error) {
	account, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("keyringstore: %w", err)
	}
	return entryOf(account, opts), nil
}

func entryOf(account string, opts *Options) *entry {
	e := &entry{service: defaultService, account: account, timeout: defaultTimeout}
	if opts != nil && opts.Service != "" {
		e.service = opts.Service
	}
	if opts != nil && opts.Timeout > 0 {
		e.timeout = opts.Timeout
	}
	return e
}

// String names the entry as the user finds it in the keyring.
func (e *entry) String() string {
	return fmt.Sprintf("the keyring's entry %q of %q", e.account, e.service)
}

func (e *entry) get(ctx context.Context) (text string, found bool, err error) {
	text, err = e.call(ctx, "reading", func() (string, error) { return keyring.Get(e.service, e.account) })
	if errors.Is(err, keyring.ErrNotFound) {
		return "", false, nil
	}
	return text, err == nil, err
}

// checkNotLost fails if there are records, since then their key has been lost.
func (e *entry) checkNotLost(ctx context.Context, files *filestore.Store) error {
	records, err := files.List(ctx)
	if err != nil {
		return err
	}
	if len(records) > 0 {
		return fmt.Errorf("keyringstore: %w: %s is missing: restore it, or remove the files in %s and authorize again",
			ErrKeyLost, e, files.Dir())
	}
	return nil
}

// create makes a key, unless another process has made it meanwhile or mayMake
// fails. A file lock makes processes take turns.
func (e *entry) create(ctx context.Context, files *filestore.Store, mayMake func() error) (string, error) {
	unlock, err := files.Lock(ctx, spotipie.Key{Profile: "keyring"})
	if err != nil {
		return "", err
	}
	defer func() { _ = unlock(context.WithoutCancel(ctx)) }()
	text, found, err := e.get(ctx)
	if err != nil || found {
		return text, err
	}
	if err := mayMake(); err != nil {
		return "", err
	}
	made := filestore.GenerateKey()
	if _, err := e.call(ctx, "writing", func() (string, error) { return "", keyring.Set(e.service, e.account, made) }); err != nil {
		return "", err
	}
	text, found, err = e.get(ctx)
	if err == nil && (!found || text != made) {
		err = fmt.Errorf("keyringstore: %w: it does not keep %s", ErrUnavailable, e)
	}
	return text, err
}

// call calls the keyring, limited by the timeout and the context.
func (e *entry) call(ctx context.Context, doing string, do func() (string, error)) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	unlocking, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	go func() {
		err := unlock(unlocking)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		text, err := do()
		answers <- answer{text, err}
	}()
	timer := time.NewTimer(e.timeout)
	defer timer.Stop()
	select {
	case a := <-answers:
		switch {
		case a.err == nil || errors.Is(a.err, keyring.ErrNotFound):
			return a.text, a.err
		case unlocking.Err() != nil && ctx.Err() == nil:
			a.err = fmt.Errorf("no answer in %s", e.timeout)
		case ctx.Err() != nil:
			return "", fmt.Errorf("keyringstore: %s %s: %w", doing, e, ctx.Err())
		}
		return "", e.unavailable(doing, a.err)
	case <-timer.C:
		return "", e.unavailable(doing, fmt.Errorf("no answer in %s", e.timeout))
	case <-ctx.Done():
		return "", fmt.Errorf("keyringstore: %s %s: %w", doing, e, ctx.Err())
	}
}

func (e *entry) unavailable(doing string, err error) error {
	return fmt.Errorf("keyringstore: %s %s: %w: %w: unlock it, or use a file store on machines without a keyring",
		doing, e, ErrUnavailable, err)
}
