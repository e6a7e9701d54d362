package seal_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/spotipie/spotipie/seal"
)

// service stands for keys outside of the process, like those of a key management
// service. It counts the calls, and fails or hangs on demand.
type service struct {
	keys           seal.Keys
	wraps, unwraps atomic.Int32
	failing        atomic.Bool
	hanging        atomic.Pointer[chan struct{}] // calls wait for it and ignore their contexts
	wrapped        func(name string, wrapped []byte) (string, []byte)
	unwrapped      func([]byte) []byte
}

func newService(t testing.TB, texts ...string) *service {
	return &service{keys: newKeys(t, texts...)}
}

var errService = errors.New("the key management service is away")

func (s *service) answer() error {
	if hang := s.hanging.Load(); hang != nil {
		<-*hang
	}
	if s.failing.Load() {
		return errService
	}
	return nil
}

// Wrap implements [seal.Keys].
func (s *service) Wrap(ctx context.Context, dataKey []byte) (string, []byte, error) {
	s.wraps.Add(1)
	if err := s.answer(); err != nil {
		return "", nil, err
	}
	name, wrapped, err := s.keys.Wrap(ctx, dataKey)
	if s.wrapped != nil {
		name, wrapped = s.wrapped(name, wrapped)
	}
	return name, wrapped, err
}

// Unwrap implements [seal.Keys].
func (s *service) Unwrap(ctx context.Context, name string, wrapped []byte) ([]byte, error) {
	s.unwraps.Add(1)
	if err := s.answer(); err != nil {
		return nil, err
	}
	dataKey, err := s.keys.Unwrap(ctx, name, wrapped)
	if s.unwrapped != nil {
		dataKey = s.unwrapped(dataKey)
	}
	return dataKey, err
}
