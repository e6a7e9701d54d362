//go:build !linux && !windows

package filestore

import (
	"context"
	"errors"
)

// listen fails: kqueue, which these systems have, needs an open file for each
// file of the folder.
func (s *Store) listen(context.Context, func(), func(base string)) error {
	return errors.ErrUnsupported
}
