package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// loaders is how many goroutines ask for users at the same time.
const loaders = 32

// measurePoolLoad compares a pool that loads users from PostgreSQL with bare
// SELECTs of the same rows, through the same connections and from the same number
// of goroutines.
func measurePoolLoad(ctx context.Context, s settings) ([]row, error) {
	const title, preparedTitle, farTitle = "Pool, load a user from PostgreSQL, 32 goroutines", "  with prepared statements", "  a round trip of 1 ms away"
	server, err := testservices.NewPostgres()
	if err != nil {
		return notMeasured(err, title, preparedTitle, farTitle)
	}
	defer server.Remove()
	connections, err := pgxpool.New(ctx, testservices.PostgresDSN(server.Address))
	if err != nil {
		return nil, err
	}
	defer connections.Close()
	names := userNames(s.coldUsers)
	if err := addUsers(ctx, connections, len(names)); err != nil {
		return nil, err
	}
	proxy, err := startProxy(server.Address)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	proxy.Slow(500 * time.Microsecond) // each way
	far, err := pgxpool.New(ctx, testservices.PostgresDSN(proxy.Address))
	if err != nil {
		return nil, err
	}
	defer far.Close()
	var rows []row
	for _, m := range []struct {
		title       string
		connections *pgxpool.Pool
		prepare     bool
	}{{title, connections, false}, {preparedTitle, connections, true}, {farTitle, far, false}} {
		rounds, err := loadUsers(ctx, s.rounds, m.connections, m.prepare, names)
		if err != nil {
			return rows, err
		}
		rows = append(rows, newRow(m.title, "ns", rounds).ratioAtMost(1/0.7))
	}
	rows[0].Note = "raw: a SELECT of the row in the same mode, and nothing is done with it. A ratio of 1.43 is 0.7 times the rate. " +
		"The server shares the CPUs with the client here."
	rows[2].Note = "behind a proxy on the loopback interface that holds up what it passes on."
	return rows, nil
}

// addUsers saves one authorization, and copies its row for the other users.
func addUsers(ctx context.Context, connections *pgxpool.Pool, n int) error {
	store, err := pgstore.New(connections, nil)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	rec := newRecord()
	rec.Flow, rec.Consent = spotipie.FlowAuthorizationCode, spotipie.NextConsent(0, rec.AuthorizedAt)
	if _, err := store.Swap(ctx, recordKey(), 0, rec); err != nil {
		return err
	}
	_, err = connections.Exec(ctx, `INSERT INTO `+pgstore.DefaultTable+` (client_id, profile, format, version, record)
		SELECT client_id, 'user-' || lpad(n::text, 16, '0'), format, version, record
		FROM `+pgstore.DefaultTable+`, generate_series(0, $1::int - 1) AS n WHERE profile = $2`, n, recordKey().Profile)
	if err == nil {
		_, err = connections.Exec(ctx, "ANALYZE "+pgstore.DefaultTable)
	}
	return err
}

// loadUsers returns by column and round how many nanoseconds a user took.
func loadUsers(ctx context.Context, rounds int, connections *pgxpool.Pool, prepare bool, names []string) (map[string][]float64, error) {
	store, err := pgstore.New(connections, &pgstore.Options{Prepare: prepare})
	if err != nil {
		return nil, err
	}
	took := make(map[string][]float64)
	for round := range rounds {
		pool, err := newPool(store, nil, len(names))
		if err != nil {
			return nil, err
		}
		bare := bareSelect{connections, prepare}
		turns := []struct {
			column string
			load   func(context.Context, string) error
		}{
			{ours, func(ctx context.Context, user string) error {
				session, err := pool.Session(ctx, user)
				if err == nil && !session.IsAuthorized() {
					err = errNoToken
				}
				return err
			}},
			{raw, bare.load},
		}
		for i := range turns {
			turn := turns[(round+i)%len(turns)]
			each, err := forAll(ctx, names, turn.load)
			if err != nil {
				return nil, fmt.Errorf("loading users for %s: %w", turn.column, err)
			}
			took[turn.column] = append(took[turn.column], float64(each.Nanoseconds()))
		}
		if err := pool.Close(ctx); err != nil {
			return nil, err
		}
	}
	return took, nil
}

type bareSelect struct {
	connections *pgxpool.Pool
	prepare     bool
}

func (b bareSelect) load(ctx context.Context, user string) error {
	const query = `SELECT version, record FROM ` + pgstore.DefaultTable + ` WHERE client_id = $1::text AND profile = $2::text`
	arguments := []any{credentials().ClientID, user}
	if !b.prepare {
		arguments = append([]any{pgx.QueryExecModeExec}, arguments...)
	}
	var version int64
	var record string
	return b.connections.QueryRow(ctx, query, arguments...).Scan(&version, &record)
}

// forAll calls do for each user, many at the same time, and returns the time per user.
func forAll(ctx context.Context, users []string, do func(context.Context, string) error) (time.Duration, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	var failed error
	var once sync.Once
	began := time.Now()
	for range loaders {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(users)); i = next.Add(1) - 1 {
				if err := do(ctx, users[i]); err != nil {
					once.Do(func() { failed = err })
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(began) / time.Duration(len(users)), failed
}
