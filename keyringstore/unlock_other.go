//go:build !((dragonfly && cgo) || (freebsd && cgo) || linux || netbsd || openbsd)

package keyringstore

import "context"

// unlock does nothing: here the system has the user unlock the keyring.
func unlock(context.Context) error { return nil }
