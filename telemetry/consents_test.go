package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/telemetry"
)

func TestEndingConsents(t *testing.T) {
	store := spotipie.NewMemoryStore()
	pool, err := spotipie.NewPool(spotipie.Credentials{ClientID: "app", RedirectURI: "http://127.0.0.1/callback"},
		&spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
	if err != nil {
		t.Fatal(err)
	}
	count := telemetry.EndingConsents(pool.Summaries)
	if n, err := count(t.Context()); n != 0 || err != nil {
		t.Errorf("nobody has %d consents that end, %v", n, err)
	}
	add := func(user, rejected string, age time.Duration) {
		t.Helper()
		token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A", RefreshToken: "R", ExpiresIn: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		rec := spotipie.Record{
			Token: token, ClientID: "app", Flow: spotipie.FlowAuthorizationCode, AuthorizedAt: time.Now().Add(-age), Rejected: rejected,
		}
		if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "app", Profile: user}, 0, rec); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	for i := range 1500 { // on more than one page
		add(fmt.Sprint("ends-", i), "", 170*day)
	}
	for i := range 20 {
		add(fmt.Sprint("fresh-", i), "", 100*day)
		add(fmt.Sprint("refused-", i), "Refresh token revoked", 170*day)
	}
	if n, err := count(t.Context()); n != 1500 || err != nil {
		t.Errorf("got %d, %v; want 1500", n, err)
	}
	fault := errors.New("the store is away")
	count = telemetry.EndingConsents(func(context.Context, spotipie.SummaryQuery) (spotipie.SummaryPage, error) {
		return spotipie.SummaryPage{}, fault
	})
	if _, err := count(t.Context()); !errors.Is(err, fault) {
		t.Errorf("got %v, want the store's error", err)
	}
}
