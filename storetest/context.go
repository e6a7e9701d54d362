package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/spotipie/spotipie"
)

func endedContext(t *testing.T, s spotipie.Store) {
	swap(t, s, key("ada"), 0, record(t, "one"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, loadErr := s.Load(ctx, key("ada"))
	_, swapErr := s.Swap(ctx, key("grace"), 0, record(t, "two"))
	_, listErr := s.List(ctx)
	_, lockErr := s.Lock(ctx, key("ada"))
	_, summariesErr := spotipie.Summaries(ctx, s, spotipie.SummaryQuery{})
	for method, err := range map[string]error{
		"Load": loadErr, "Swap": swapErr, "List": listErr, "Lock": lockErr, "Delete": s.Delete(ctx, key("ada")),
		"Summaries": summariesErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want context.Canceled", method, err)
		}
	}
	expectNothing(t, s, key("grace"))
}
