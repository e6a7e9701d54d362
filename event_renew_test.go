package spotipie_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func TestTokenUpdatedListenerMayHaveTheTokenRenewed(t *testing.T) {
	for name, use := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession) error{
		"Token, of an expired one": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Token(ctx)
			return err
		},
		"RefreshToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.RefreshToken(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := offline(t, &services{}, nil, nil)
				first := true
				s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error {
					if !first {
						return nil
					}
					first = false
					return use(ctx, s)
				})
				lifetime := time.Second
				if name == "RefreshToken" {
					lifetime = time.Hour
				}
				expired, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A0", RefreshToken: "R0", ExpiresIn: lifetime})
				if err != nil {
					t.Fatal(err)
				}
				started := time.Now()
				if err := s.SetToken(t.Context(), expired); err != nil {
					t.Errorf("SetToken: %v", err)
				}
				if waited := time.Since(started); waited != 0 {
					t.Errorf("SetToken took %s: the listener and the renewal it asked for waited for each other", waited)
				}
			})
		})
	}
}
