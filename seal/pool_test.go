package seal_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/spotifytest"
)

// A pool on a sealed store learns of all changes if the other store reports them. If it
// does not, that is not an error.
func TestPoolOnASealedStore(t *testing.T) {
	for name, inner := range map[string]func() spotipie.Store{
		"memory":                  func() spotipie.Store { return spotipie.NewMemoryStore() },
		"a store without changes": func() spotipie.Store { return bare{spotipie.NewMemoryStore()} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, text, told := spotifytest.NewInMemory(t, nil), seal.GenerateKey(), make(heard, 100)
				database := inner()
				opts := server.Options()
				opts.Store, opts.Profile, opts.OnError = over(t, database, newKeys(t, text), nil), "", told.hear
				pool, err := spotipie.NewPool(server.Credentials(), &spotipie.PoolOptions{Options: *opts})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- pool.Run(ctx) }()

				other := newSession(t, server, over(t, database, newKeys(t, text), nil), nil) // stands for another process
				server.Login(t, other)
				session, err := pool.Session(t.Context(), "ada")
				if err != nil {
					t.Fatal(err)
				}
				if token, err := session.Token(t.Context()); err != nil || !token.Equal(other.CurrentToken()) {
					t.Errorf("got %v, %v", token, err)
				}
				time.Sleep(10 * time.Minute) // the bubble's clock
				cancel()
				<-ended
				if err := pool.Close(t.Context()); err != nil {
					t.Error(err)
				}
				select {
				case err := <-told:
					t.Errorf("OnError has heard %v", err)
				default:
				}
			})
		})
	}
}

// TestReminderOnASealedStore uses a sealed store that cannot check its locks, because
// the other store cannot.
func TestReminderOnASealedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		opts := server.Options()
		opts.Store, opts.Profile = over(t, spotipie.NewMemoryStore(), newKeys(t, seal.GenerateKey()), nil), ""
		server.Login(t, newSession(t, server, opts.Store, nil))
		pool, err := spotipie.NewPool(server.Credentials(), &spotipie.PoolOptions{Options: *opts})
		if err != nil {
			t.Fatal(err)
		}
		server.Advance(170 * 24 * time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		reminded := 0
		_ = pool.RemindUsers(ctx, spotipie.ReminderOptions{Every: time.Minute, Remind: func(context.Context, spotipie.Summary) error {
			reminded++
			return nil
		}})
		if err := pool.Close(t.Context()); err != nil || reminded != 1 {
			t.Errorf("reminded %d times, %v", reminded, err)
		}
	})
}
