package seal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/spotipie/spotipie"
)

// dataKey is the key of one sealed record.
type dataKey struct {
	name    string // of the key that it is encrypted with
	wrapped []byte // itself, encrypted
	aead    cipher.AEAD
}

// dataKeys makes and decrypts data keys. If the Keys are outside the process,
// it caches decrypted data keys, and those that Check has made in advance.
type dataKeys struct {
	keys     Keys
	isLocal  bool
	timeout  time.Duration
	life     time.Duration
	opened   *lru.Cache[string, remembered[cipher.AEAD]]    // nil: no cache; by name and encrypted key
	mu       sync.Mutex                                     // of what is prepared
	prepared *lru.Cache[spotipie.Key, remembered[*dataKey]] // nil: makes none in advance
}

// remembered is a cached value and when it expires.
type remembered[T any] struct {
	value T
	until time.Time
}

func newDataKeys(keys Keys, o Options) (*dataKeys, error) {
	d := &dataKeys{keys: keys, isLocal: isLocal(keys), timeout: o.KeyTimeout, life: o.CacheFor}
	if d.isLocal {
		return d, nil
	}
	var err error
	if d.prepared, err = lru.New[spotipie.Key, remembered[*dataKey]](preparedSize); err != nil {
		return nil, err
	}
	if o.CacheSize > 0 {
		d.opened, err = lru.New[string, remembered[cipher.AEAD]](o.CacheSize)
	}
	return d, err
}

const (
	// preparedSize is the number of data keys that are kept for renewals under
	// way, and preparedLife how long a renewal may take to use one.
	preparedSize = 1024
	preparedLife = 30 * time.Second
)

// prepare makes a data key for the next save of key's record.
func (d *dataKeys) prepare(ctx context.Context, key spotipie.Key) error {
	if d.prepared == nil {
		return nil
	}
	made, err := d.create(ctx, key)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.prepared.Add(key, remembered[*dataKey]{made, time.Now().Add(preparedLife)})
	}
	return err
}

// takePrepared returns a data key that prepare has made, once, or nil.
func (d *dataKeys) takePrepared(key spotipie.Key) *dataKey {
	if d.prepared == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.prepared.Get(key)
	d.prepared.Remove(key)
	if !ok || time.Now().After(r.until) {
		return nil
	}
	return r.value
}

// create makes a data key.
func (d *dataKeys) create(ctx context.Context, key spotipie.Key) (*dataKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("seal: sealing the record of %s: %w", key, err)
	}
	secret := make([]byte, dataKeySize)
	_, _ = rand.Read(secret) // never fails
	given := secret
	if !d.isLocal { // a call that was given up may still read it
		given = slices.Clone(secret)
	}
	type result struct {
		name    string
		wrapped []byte
	}
	r, err := d.call(ctx, func(ctx context.Context) (r any, err error) {
		var made result
		made.name, made.wrapped, err = d.keys.Wrap(ctx, given)
		return made, err
	})
	made, _ := r.(result)
	switch {
	case err != nil:
	case made.name == "" || len(made.name) > maxName || !utf8.ValidString(made.name):
		err = fmt.Errorf("the name of the key is not 1 to %d bytes of UTF-8", maxName)
	case len(made.wrapped) == 0 || len(made.wrapped) > maxWrapped:
		err = fmt.Errorf("the encrypted data key has %d bytes, not 1 to %d", len(made.wrapped), maxWrapped)
	}
	if err != nil {
		return nil, keysFailed(key, "", "sealed", err)
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, keysFailed(key, made.name, "sealed", err)
	}
	d.remember(made.name, made.wrapped, aead)
	return &dataKey{name: made.name, wrapped: made.wrapped, aead: aead}, nil
}

// open returns the data key of a record.
func (d *dataKeys) open(ctx context.Context, key spotipie.Key, sealed *spotipie.SealedRecord) (cipher.AEAD, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("seal: opening the record of %s: %w", key, err)
	}
	if aead, ok := d.recall(sealed.Key, sealed.DataKey); ok {
		return aead, nil
	}
	r, err := d.call(ctx, func(ctx context.Context) (any, error) {
		return d.keys.Unwrap(ctx, sealed.Key, sealed.DataKey)
	})
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, unknownKey(key, sealed.Key)
	case errors.Is(err, ErrDamaged):
		return nil, damaged(key, sealed.Key, "has a data key that was not encrypted with its key")
	case err != nil:
		return nil, keysFailed(key, sealed.Key, "opened", err)
	}
	secret, _ := r.([]byte)
	aead, err := newAEAD(slices.Clone(secret)) // the keys may keep theirs
	if err != nil {
		return nil, damaged(key, sealed.Key, "has an invalid data key: "+err.Error())
	}
	d.remember(sealed.Key, sealed.DataKey, aead)
	return aead, nil
}

func (d *dataKeys) remember(name string, wrapped []byte, aead cipher.AEAD) {
	if d.opened != nil {
		d.opened.Add(name+"\x00"+string(wrapped), remembered[cipher.AEAD]{aead, time.Now().Add(d.life)})
	}
}

func (d *dataKeys) recall(name string, wrapped []byte) (cipher.AEAD, bool) {
	if d.opened == nil {
		return nil, false
	}
	id := name + "\x00" + string(wrapped)
	r, ok := d.opened.Get(id)
	if ok && time.Now().After(r.until) {
		d.opened.Remove(id)
		return nil, false
	}
	return r.value, ok
}

// call calls the keys, limited by the timeout and the context.
func (d *dataKeys) call(ctx context.Context, ask func(context.Context) (any, error)) (any, error) {
	if d.isLocal {
		return ask(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, fmt.Errorf("no answer in %s: %w", d.timeout, context.DeadlineExceeded))
	defer cancel()
	type answer struct {
		value any
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errors.New("the call ended its goroutine")}
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("the call panicked: %.200q", fmt.Sprint(p))
			}
			answers <- a
		}()
		a.value, a.err = ask(ctx)
	}()
	select {
	case a := <-answers:
		if a.err != nil && ctx.Err() != nil {
			a.err = fmt.Errorf("%w: %w", context.Cause(ctx), a.err)
		}
		return a.value, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
