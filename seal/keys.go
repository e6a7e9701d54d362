package seal

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Keys encrypt and decrypt the data keys of records. Implement it for a key
// management service, or use the keys that this package makes.
//
// The methods must be safe for concurrent use. They are called at each save,
// and at each load whose data key is not cached. They should return soon after
// their context ends, which [Options].KeyTimeout limits; the store does not
// wait for a call that does not.
type Keys interface {
	// Wrap encrypts a data key of 32 bytes with the current key. It returns
	// that key's name, which is saved unencrypted with the record and has 1 to
	// 1,024 bytes of UTF-8, and the encrypted data key, which has 1 to 16,384
	// bytes. Each data key is used for one record only, so wrapped need not be
	// bound to anything. Wrap must not keep or change dataKey.
	Wrap(ctx context.Context, dataKey []byte) (name string, wrapped []byte, err error)
	// Unwrap decrypts what Wrap has returned. Its error must wrap
	// [ErrUnknownKey] if it has no key of that name, without delay, and
	// [ErrDamaged] if this was not encrypted with the key. Any other error is
	// treated as temporary.
	Unwrap(ctx context.Context, name string, wrapped []byte) (dataKey []byte, err error)
}

const (
	dataKeySize = 32
	maxName     = 1024
	maxWrapped  = 16 << 10
)

// Ring returns keys that encrypt with seals and decrypt with all. To decrypt,
// it tries them in order until one does not return [ErrUnknownKey].
func Ring(seals Keys, opens ...Keys) Keys {
	return ring(append([]Keys{seals}, opens...))
}

type ring []Keys

// Wrap implements [Keys].
func (r ring) Wrap(ctx context.Context, dataKey []byte) (name string, wrapped []byte, err error) {
	return r[0].Wrap(ctx, dataKey)
}

// Unwrap implements [Keys].
func (r ring) Unwrap(ctx context.Context, name string, wrapped []byte) ([]byte, error) {
	failed := ErrUnknownKey
	for _, keys := range r {
		dataKey, err := keys.Unwrap(ctx, name, wrapped)
		switch {
		case err == nil:
			return dataKey, nil
		case errors.Is(err, ErrUnknownKey):
		case errors.Is(failed, ErrUnknownKey) || errors.Is(failed, ErrDamaged): // a temporary failure takes precedence
			failed = err
		}
	}
	return nil, failed
}

// String lists the keys, without their secrets.
func (r ring) String() string {
	var b strings.Builder
	for i, keys := range r {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, keys)
	}
	return b.String()
}

func (r ring) isLocal() bool {
	for _, keys := range r {
		if !isLocal(keys) {
			return false
		}
	}
	return true
}

// isLocal reports whether keys are in this process's memory, so that using them
// is fast and cannot fail temporarily.
func isLocal(keys Keys) bool {
	local, ok := keys.(interface{ isLocal() bool })
	return ok && local.isLocal()
}
