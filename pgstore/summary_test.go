package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/pgstore"
)

// The statements with which the version without summaries saves. It may run beside this one
// while a fleet is being updated.
const (
	olderInsert = `
INSERT INTO {table} AS t (client_id, profile, format, version, record)
SELECT 'client', $1::text, 1, 1700000000000000, $2::text
ON CONFLICT (client_id, profile) DO UPDATE
SET format = 1, version = t.version + 1, record = excluded.record, updated_at = clock_timestamp()
WHERE t.record IS NULL`
	olderUpdate = `
UPDATE {table} SET version = version + 1, record = $2::text, updated_at = clock_timestamp()
WHERE client_id = 'client' AND profile = $1::text AND record IS NOT NULL AND format = 1`
)

// profiles returns the profiles that a query finds, on all pages.
func profiles(t *testing.T, store *pgstore.Store, query spotipie.SummaryQuery) (found []string) {
	t.Helper()
	for {
		page, err := store.Summaries(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, summary := range page.Summaries {
			found = append(found, summary.Key.Profile)
		}
		if query.After = page.Next; query.After == "" {
			return found
		}
	}
}

// TestUserIsReminded checks this because a session keeps the time of the consent to the
// nanosecond, and PostgreSQL only to the microsecond.
func TestUserIsReminded(t *testing.T) {
	store := open(t, connect(t, services.Postgres(t)), fresh(0))
	consented := time.Now().AddDate(0, -6, 3).Truncate(time.Second).Add(123456789)
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A", RefreshToken: "R", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ada := spotipie.Key{ClientID: "client", Profile: "ada"}
	if _, err := store.Swap(t.Context(), ada, 0, spotipie.Record{
		Token: token, ClientID: "client", Flow: spotipie.FlowAuthorizationCode, AuthorizedAt: consented,
	}); err != nil {
		t.Fatal(err)
	}
	pool, err := spotipie.NewPool(spotipie.Credentials{ClientID: "client", RedirectURI: "https://app.example/callback"},
		&spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close(context.WithoutCancel(t.Context()))
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	reminded := 0
	_ = pool.RemindUsers(ctx, spotipie.ReminderOptions{PerSecond: 1, Remind: func(context.Context, spotipie.Summary) error {
		reminded++
		time.AfterFunc(500*time.Millisecond, stop) // by then the reminder is saved
		return nil
	}})
	rec, _, err := store.Load(t.Context(), ada)
	if err != nil || reminded != 1 || rec.RemindedAt.IsZero() {
		t.Errorf("reminded %d times, noted at %s, %v", reminded, rec.RemindedAt, err)
	}
}

func TestSummariesOfWhatAnOlderVersionSaves(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	july, october := "2026-07-01T08:30:00.5+02:00", "2026-10-01T08:30:00Z"
	before := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	record := func(authorizedAt, rejected string) string {
		return fmt.Sprintf(`{"token":null,"authorized_at":%q,"rejected":%q}`, authorizedAt, rejected)
	}
	expect := func(when string, query spotipie.SummaryQuery, want string) {
		t.Helper()
		if got := strings.Join(profiles(t, store, query), " "); got != want {
			t.Errorf("%s: %+v finds %q, want %q", when, query, got, want)
		}
	}
	all := spotipie.SummaryQuery{}
	old, refused := spotipie.SummaryQuery{AuthorizedBefore: before}, spotipie.SummaryQuery{Rejected: true}

	do(t, pool, olderInsert, opts, "joan", record(july, ""))
	do(t, pool, olderInsert, opts, "mary", record(october, "revoked"))
	storecheck.Swap(t, store, 0, "one") // ada, today
	page, err := store.Summaries(t.Context(), all)
	if err != nil || len(page.Summaries) != 3 || !page.Summaries[1].AuthorizedAt.Before(before) || page.Summaries[2].Rejected != "revoked" {
		t.Errorf("all: %v, %v", page, err)
	}
	expect("inserted", old, "joan")
	expect("inserted", refused, "mary")
	if left := count(t, opts, "summarized IS DISTINCT FROM version"); left != 0 {
		t.Errorf("%d records are not brought up to date", left)
	}

	do(t, pool, olderUpdate, opts, "joan", record(october, "")) // has consented again
	do(t, pool, olderUpdate, opts, "mary", record(july, ""))    // is no longer refused
	do(t, pool, olderUpdate, opts, "ada", record(july, "revoked"))
	expect("updated", old, "ada mary")
	expect("updated", refused, "ada")

	// A record that changes between two pages is judged by its new state.
	old.Limit = 1
	first, err := store.Summaries(t.Context(), old)
	if err != nil || len(first.Summaries) != 1 || first.Summaries[0].Key.Profile != "ada" {
		t.Fatalf("the first page: %v, %v", first, err)
	}
	do(t, pool, olderUpdate, opts, "mary", record(october, ""))
	old.After = first.Next
	expect("updated between two pages", old, "")
}

func TestSwapLeavesNothingToBringUpToDate(t *testing.T) {
	opts := fresh(0)
	store := open(t, connect(t, services.Postgres(t)), opts)
	version := storecheck.Swap(t, store, 0, "one")
	storecheck.Swap(t, store, version, "two")
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
		t.Fatal(err)
	}
	for n := range 2 { // over the deletion, and over that
		if current := count(t, opts, "summarized = version AND authorized_at IS NOT NULL AND NOT rejected"); current != n {
			t.Errorf("%d records have their columns, want %d", current, n)
		}
		if n == 0 {
			storecheck.Swap(t, store, 0, "three")
		}
	}
}

// Right after Migrate the columns of all records of an older table are empty. No record may be
// skipped, and no call may update all of them.
func TestSummariesOfAnOlderTableBringItUpToDateByAndBy(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, `INSERT INTO {table} (client_id, profile, version, record)
		SELECT 'client', lpad(g::text, 5, '0'), g, '{"authorized_at":"2026-07-01T08:30:00Z"}' FROM generate_series(1, 11000) g
		UNION ALL SELECT 'client', 'torn', 7, '{"authorized_at":'`, opts)
	do(t, pool, `INSERT INTO {table} (client_id, profile, version, format, record) VALUES ('client', 'newer', 7, 2, '{}')`, opts)
	query := spotipie.SummaryQuery{AuthorizedBefore: time.Now(), Limit: 1000}
	first, err := store.Summaries(t.Context(), query)
	if err != nil || len(first.Summaries) != 0 || first.Next == "" {
		t.Fatalf("the first page has %d summaries, next %q, error %v; want to be told to ask again", len(first.Summaries), first.Next, err)
	}
	if left := count(t, opts, "summarized IS DISTINCT FROM version"); left != 1002 {
		t.Errorf("%d records are left after the first page, want 1002", left)
	}
	for range 2 {
		if found := profiles(t, store, query); len(found) != 11_000 {
			t.Errorf("%d found, want 11000", len(found))
		}
	}
	if found := profiles(t, store, spotipie.SummaryQuery{}); len(found) != 11_000 {
		t.Errorf("%d found among all, want 11000", len(found))
	}
	if left := count(t, opts, `record = '{"authorized_at":' OR format = 2`); left != 2 {
		t.Error("what cannot be read has been changed")
	}
}

// Every query gets its page from an index, and reads no more than the page.
func TestSummariesComeFromIndexes(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, `INSERT INTO {table} (client_id, profile, version, record, authorized_at, rejected, summarized)
		SELECT 'client', g::text, g, '{}', now() - g * interval '1 minute', g % 100 = 0, g FROM generate_series(1, 20000) g`, opts)
	do(t, pool, "ANALYZE {table}", opts)
	for name, test := range map[string]struct {
		query spotipie.SummaryQuery
		index string
	}{
		"all":          {spotipie.SummaryQuery{}, "_pkey"},
		"of one app":   {spotipie.SummaryQuery{ClientID: "client"}, "_pkey"},
		"old consents": {spotipie.SummaryQuery{AuthorizedBefore: time.Now().AddDate(0, 0, -7)}, "spotipie_authorized_"},
		"rejected":     {spotipie.SummaryQuery{Rejected: true}, "spotipie_rejected_"},
	} {
		plan, err := store.ExplainPage(t.Context(), test.query)
		if err != nil || !strings.Contains(plan, "Index Scan") || !strings.Contains(plan, test.index) || strings.Contains(plan, "Sort") {
			t.Errorf("%s: %v, %v; want the index %s and no sorting", name, plan, err, test.index)
		}
	}
}

func TestCursorOfAnotherQueryIsRefused(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	for _, profile := range []string{"ada", "grace"} {
		key := spotipie.Key{ClientID: "client", Profile: profile}
		if _, err := store.Swap(t.Context(), key, 0, storecheck.Record(t, profile)); err != nil {
			t.Fatal(err)
		}
	}
	page, err := store.Summaries(t.Context(), spotipie.SummaryQuery{Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatalf("%v, %v", page, err)
	}
	if page, err := store.Summaries(t.Context(), spotipie.SummaryQuery{AuthorizedBefore: time.Now(), After: page.Next}); err == nil {
		t.Errorf("%v, want an error", page)
	}
}

// Older programs send a hash of the key, and know no other notice.
func TestNoticesBesideAnOlderVersion(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	changes, err := store.WatchChanges(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ada, err := store.Watch(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var channel string
	if err := conn.QueryRow(t.Context(), `SELECT 'spotipie_' || to_regclass($1::text)::oid`, `"`+opts.Table+`"`).Scan(&channel); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "LISTEN "+channel); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = conn.Exec(t.Context(), "UNLISTEN *") }()

	version := storecheck.Swap(t, store, 0, "one")
	var hash string
	for range 2 { // the notice with the version, and the one that older programs understand
		notification, err := conn.Conn().WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		hash = notification.Payload
	}
	if len(hash) != 32 {
		t.Errorf("the last notice is %q, want the hash that older programs know", hash)
	}
	if change := <-changes; change != (spotipie.Change{Key: storecheck.Key(), Version: version}) {
		t.Errorf("told of %v", change)
	}
	<-ada
	for _, payload := range []string{"", " ", "a b c", hash + " x client:ada", hash + " 7 client:grace", hash + " 7 %zz:%zz", hash} {
		if _, err := pool.Exec(t.Context(), "SELECT pg_notify($1, $2)", channel, payload); err != nil {
			t.Fatal(err)
		}
	}
	<-ada // by the last one
	next := storecheck.Swap(t, store, version, "two")
	if change := <-changes; change.Version != next {
		t.Errorf("told of %v, want version %d", change, next)
	}
}

// An administrator makes the indexes of a large table beforehand, while others save. Migrate
// does not make them again.
func TestIndexesMadeBeforehand(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, "ALTER TABLE {table} DROP COLUMN authorized_at, DROP COLUMN rejected, DROP COLUMN summarized", opts)
	do(t, pool, "COMMENT ON TABLE {table} IS 'spotipie authorizations, schema 3'", opts)
	for statement := range strings.SplitSeq(store.Schema(), ";") {
		_, columns, isColumns := strings.Cut(statement, "ALTER TABLE")
		_, index, isIndex := strings.Cut(statement, "CREATE INDEX")
		switch {
		case isColumns:
			apply(t, pool, "ALTER TABLE"+columns)
		case isIndex:
			apply(t, pool, "CREATE INDEX CONCURRENTLY"+index)
		}
	}
	var before, after string
	const indexes = `SELECT string_agg(indexrelid::text, ' ' ORDER BY indexrelid) FROM pg_index WHERE indrelid = $1::regclass`
	table := `"` + opts.Table + `"`
	if err := pool.QueryRow(t.Context(), indexes, table).Scan(&before); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pool.QueryRow(t.Context(), indexes, table).Scan(&after); err != nil || after != before || len(strings.Fields(after)) != 5 {
		t.Errorf("indexes %s before Migrate and %s after, error %v; want five, and the same", before, after, err)
	}
}
