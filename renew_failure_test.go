package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func TestCallersAtOnceMakeOneRequestThatFails(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
				return respond(req, http.StatusInternalServerError, ""), nil
			}}
			s := offline(t, spotify, nil, nil)
			set(t, s, time.Hour)
			var events atomic.Int32
			s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { events.Add(1); return nil })
			time.Sleep(2 * time.Hour)
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					var answer *spotipie.TokenEndpointError
					if _, err := s.Token(t.Context()); !errors.As(err, &answer) {
						t.Errorf("got error %v", err)
					}
				})
			}
			wg.Wait()
			expectRequests(t, spotify, 1)
			if events.Load() != 1 {
				t.Errorf("%d token-expired events, want 1", events.Load())
			}
		})
	}
}
