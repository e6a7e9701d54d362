package seal

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Keys encrypt the data keys of records, and decrypt them. A key management
// service is one, as are the keys that this package makes.
//
// The methods are called from many goroutines, at each save and, unless the
// store remembers, at each load. They should end soon after their context, which
// [Options].KeyTimeout limits; one that does not is left behind.
type Keys interface {
	// Wrap encrypts a data key of 32 bytes with the key that seals now. It
	// returns that key's name, which is saved in the clear beside the record and
	// is of 1 to 1,024 bytes in UTF-8, and the encrypted data key, of 1 to 16,384
	// bytes. Data keys are used for one record each, so wrapped need not be bound
	// to anything. Wrap must not keep or change dataKey.
	Wrap(ctx context.Context, dataKey []byte) (name string, wrapped []byte, err error)
	// Unwrap decrypts what Wrap has returned. It returns an error that wraps
	// [ErrUnknownKey], at once, if it has no key of that name, and [ErrDamaged]
	// if the key has not encrypted this. Any other error is taken for a passing
	// one.
	Unwrap(ctx context.Context, name string, wrapped []byte) (dataKey []byte, err error)
}

const (
	dataKeySize = 32
	maxName     = 1024
	maxWrapped  = 16 << 10
)

// Ring returns keys of which seals seals, and all open. To open, they are asked
// in order; those that return [ErrUnknownKey] are passed over.
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
		case errors.Is(failed, ErrUnknownKey) || errors.Is(failed, ErrDamaged): // a passing failure counts most
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
// takes no time and cannot fail in passing.
func isLocal(keys Keys) bool {
	local, ok := keys.(interface{ isLocal() bool })
	return ok && local.isLocal()
}
