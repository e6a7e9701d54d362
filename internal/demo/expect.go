package demo

import (
	"errors"
	"fmt"

	"github.com/spotipie/spotipie"
)

// expect returns an error unless got is want. It must not be given secrets: the
// error shows both.
func expect[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s: expected %v, got %v", what, want, got)
}

// expectError returns an error unless err is the wanted one. name is its name
// for the reader.
func expectError(err, want error, name string) error {
	switch {
	case errors.Is(err, want):
		return nil
	case err == nil:
		return fmt.Errorf("expected %s, got no error", name)
	}
	return fmt.Errorf("expected %s, got: %w", name, err)
}

// expectType returns the error of type E in err, or an error if there is none.
// name is the type's name for the reader.
func expectType[E error](err error, name string) (E, error) {
	found, ok := errors.AsType[E](err)
	switch {
	case ok:
		return found, nil
	case err == nil:
		return found, fmt.Errorf("expected %s, got no error", name)
	}
	return found, fmt.Errorf("expected %s, got: %w", name, err)
}

// expectSame returns an error unless got and want are the same token.
func expectSame(what string, got, want *spotipie.Token) error {
	return expect(what+" is the token from before", got.Equal(want), true)
}

// expectOther returns an error unless got is a token other than old.
func expectOther(what string, got, old *spotipie.Token) error {
	return expect(what+" is a new token", got != nil && got.AccessToken() != old.AccessToken(), true)
}
