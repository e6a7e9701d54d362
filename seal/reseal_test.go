package seal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/spotifytest"
)

// user returns the key of one of many users.
func user(i int) spotipie.Key {
	return spotipie.Key{ClientID: "client", Profile: fmt.Sprint("user-", i)}
}

func access(key spotipie.Key) string { return "access-of-" + key.Profile }

// fill saves the records of the users first to last through a store.
func fill(t testing.TB, s spotipie.Store, first, last int) {
	t.Helper()
	for i := first; i < last; i++ {
		put(t, s, user(i), full(t, access(user(i))))
	}
}

// expectUsers fails the test unless the records of n users are there and can be opened.
func expectUsers(t *testing.T, s spotipie.Store, n int) {
	t.Helper()
	for i := range n {
		if rec := stored(t, s, user(i)); !equal(t, rec, full(t, access(user(i)))) {
			t.Errorf("%s has %v", user(i), rec)
		}
	}
}

// asFastAsCanBe returns options for a Reseal without a limit on its speed.
func asFastAsCanBe() *seal.ResealOptions { return &seal.ResealOptions{PerSecond: -1} }

func reseal(t *testing.T, s *seal.Store, opts *seal.ResealOptions) seal.ResealReport {
	t.Helper()
	report, err := s.Reseal(t.Context(), opts)
	if err != nil {
		t.Fatalf("Reseal: %v (%s)", err, report)
	}
	return report
}

func TestReseal(t *testing.T) {
	for name, inner := range map[string]spotipie.Store{
		"memory": spotipie.NewMemoryStore(), "files": openFiles(t),
		"Redis":      openRedis(t, &redis.Options{Addr: services.Redis(t)}, fresh(), 0),
		"PostgreSQL": openPostgres(t, services.Postgres(t), fresh(), 0),
	} {
		t.Run(name, func(t *testing.T) {
			oldText, newText := seal.GenerateKey(), seal.GenerateKey()
			oldName := nameOf(t, newKeys(t, oldText))
			fill(t, over(t, inner, newKeys(t, oldText), nil), 0, 10)
			both := over(t, inner, newKeys(t, newText, oldText), nil)
			fill(t, both, 10, 15)

			before := reseal(t, both, &seal.ResealOptions{PerSecond: -1, CountOnly: true})
			if before.Done() || before.Left[oldName] != 10 || before.Current != 5 || before.Resealed != 0 {
				t.Errorf("counted: %s", before)
			}
			report := reseal(t, both, asFastAsCanBe())
			if !report.Done() || report.Resealed != 10 || report.Current != 5 || report.Total != 15 || report.Key != nameOf(t, newKeys(t, newText)) {
				t.Errorf("got %s", report)
			}
			expectUsers(t, over(t, inner, newKeys(t, newText), nil), 15) // without the old key
			if again := reseal(t, both, asFastAsCanBe()); again.Resealed != 0 || again.Current != 15 {
				t.Errorf("again: %s", again)
			}
		})
	}
}

func TestResealLeavesAloneWhatItCannotOpen(t *testing.T) {
	inner, lost, keys := spotipie.NewMemoryStore(), newKeys(t), newKeys(t)
	fill(t, over(t, inner, lost, nil), 0, 1)
	fill(t, inner, 1, 2)
	put(t, inner, user(2), spotipie.Record{Sealed: &spotipie.SealedRecord{Key: "evil\n", DataKey: []byte("x"), Data: []byte("\x07")}})
	fill(t, over(t, inner, keys, nil), 3, 4)
	versions := make(map[spotipie.Key]uint64)
	for i := range 3 {
		versions[user(i)] = stored(t, inner, user(i)).Version
	}
	report := reseal(t, over(t, inner, keys, nil), asFastAsCanBe())
	if report.Done() || report.Left[nameOf(t, lost)] != 1 || report.Left[""] != 1 || report.Left["evil\n"] != 1 || report.Current != 1 || report.Resealed != 0 {
		t.Errorf("got %s", report)
	}
	failures := errors.Join(report.Failures...)
	for _, want := range []error{seal.ErrUnknownKey, seal.ErrNotSealed, seal.ErrNewerFormat} {
		if !errors.Is(failures, want) {
			t.Errorf("the failures lack %q: %v", want, failures)
		}
	}
	if text := report.String(); strings.Contains(text, "\n") || !strings.Contains(text, "1 left that are not sealed") || !strings.Contains(text, nameOf(t, lost)) {
		t.Errorf("it prints %q", text)
	}
	for key, version := range versions {
		if stored(t, inner, key).Version != version {
			t.Errorf("%s was changed", key)
		}
	}
}

func TestResealSealsWhatIsPlainIfThatIsAllowed(t *testing.T) {
	inner, keys := spotipie.NewMemoryStore(), newKeys(t)
	fill(t, inner, 0, 5)
	if report := reseal(t, over(t, inner, keys, &seal.Options{AllowPlain: true}), asFastAsCanBe()); !report.Done() || report.Resealed != 5 {
		t.Errorf("got %s", report)
	}
	expectUsers(t, over(t, inner, keys, nil), 5)
}

func TestResealKeepsItsRateAndTellsHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, oldText, newText := spotipie.NewMemoryStore(), seal.GenerateKey(), seal.GenerateKey()
		fill(t, over(t, inner, newKeys(t, oldText), nil), 0, 251)
		var seen []int
		start := time.Now()
		report := reseal(t, over(t, inner, newKeys(t, newText, oldText), nil), &seal.ResealOptions{
			PerSecond: 50, Progress: func(r seal.ResealReport) { seen = append(seen, r.Seen) },
		})
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("251 records at 50 a second took %s", took)
		}
		if fmt.Sprint(seen) != "[100 200 251]" || !report.Done() {
			t.Errorf("it told of %v", seen)
		}
	})
}

// A Reseal that was interrupted or has failed can be continued.
func TestResealIsTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, oldText, newText := spotipie.NewMemoryStore(), seal.GenerateKey(), seal.GenerateKey()
		fill(t, over(t, inner, newKeys(t, oldText), nil), 0, 100)
		keys := newService(t, newText, oldText)
		s := over(t, inner, keys, nil)

		ctx, cancel := context.WithTimeout(t.Context(), 305*time.Millisecond)
		defer cancel()
		ended, err := s.Reseal(ctx, nil)
		if !errors.Is(err, context.DeadlineExceeded) || ended.Done() || ended.Resealed != 31 {
			t.Errorf("ended: %s, %v", ended, err)
		}
		keys.failing.Store(true)
		start := time.Now()
		failed, err := s.Reseal(t.Context(), nil)
		if !errors.Is(err, errService) || failed.Done() || failed.Resealed != 0 || time.Since(start) > time.Minute {
			t.Errorf("failed after %s: %s, %v", time.Since(start), failed, err)
		}
		time.AfterFunc(time.Second, func() { keys.failing.Store(false) }) // Reseal waits for this
		if rest := reseal(t, s, nil); !rest.Done() || rest.Resealed != 69 || rest.Current != 31 {
			t.Errorf("the rest: %s", rest)
		}
		expectUsers(t, over(t, inner, newKeys(t, newText), nil), 100)
	})
}

// unreadable is a store that cannot read some records.
type unreadable struct {
	spotipie.Store
	all bool
}

func (u unreadable) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if u.all || key == user(3) {
		return spotipie.Record{}, false, errors.New("the disk has a scratch there")
	}
	return u.Store.Load(ctx, key)
}

func TestResealPassesOverARecordThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, oldText, newText := spotipie.NewMemoryStore(), seal.GenerateKey(), seal.GenerateKey()
		fill(t, over(t, inner, newKeys(t, oldText), nil), 0, 10)
		keys := newKeys(t, newText, oldText)
		if report := reseal(t, over(t, unreadable{inner, false}, keys, nil), nil); report.Done() || report.Unread != 1 || report.Resealed != 9 || len(report.Failures) != 1 {
			t.Errorf("got %s", report)
		}
		if report, err := over(t, unreadable{inner, true}, keys, nil).Reseal(t.Context(), nil); err == nil || report.Done() {
			t.Errorf("the store is down: %s, no error", report)
		}
	})
}

// TestResealPassesOverADamagedFile: List then returns the other keys with an error.
func TestResealPassesOverADamagedFile(t *testing.T) {
	files, oldText, newText := openFiles(t), seal.GenerateKey(), seal.GenerateKey()
	fill(t, over(t, files, newKeys(t, oldText), nil), 0, 5)
	if err := os.WriteFile(files.Path(user(3)), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	report := reseal(t, over(t, files, newKeys(t, newText, oldText), nil), asFastAsCanBe())
	if report.Done() || report.Resealed != 4 || report.Unread != 1 || !strings.Contains(fmt.Sprint(report.Failures), files.Path(user(3))) {
		t.Errorf("got %s: %v", report, report.Failures)
	}
}

// busy is a store in which another process saves a record just before each Swap.
type busy struct {
	spotipie.Store
	meanwhile func()
}

func (b busy) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	b.meanwhile()
	return b.Store.Swap(ctx, key, version, rec)
}

// Reseal reads a record again that was saved meanwhile, and does not replace it with the
// older one.
func TestResealLooksAgainAtWhatWasSavedMeanwhile(t *testing.T) {
	inner, oldText, newText := spotipie.NewMemoryStore(), seal.GenerateKey(), seal.GenerateKey()
	old := over(t, inner, newKeys(t, oldText), nil)
	put(t, old, ada, full(t, "0"))
	saves := 0
	keys := newKeys(t, newText, oldText)
	report := reseal(t, over(t, busy{inner, func() {
		if saves < 5 {
			saves++
			put(t, old, ada, full(t, fmt.Sprint(saves)))
		}
	}}, keys, nil), asFastAsCanBe())
	if !report.Done() || report.Resealed != 1 {
		t.Errorf("got %s", report)
	}
	if got := stored(t, over(t, inner, newKeys(t, newText), nil), ada).Token.AccessToken(); got != "5" {
		t.Errorf("got %s, but 5 was saved last", got)
	}
	put(t, inner, ada, spotipie.Record{})
	put(t, over(t, inner, newKeys(t, oldText), &seal.Options{AllowPlain: true}), ada, full(t, "again"))
	never := reseal(t, over(t, busy{inner, func() { put(t, old, ada, full(t, "again")) }}, keys, nil), asFastAsCanBe())
	if never.Done() || !errors.Is(errors.Join(never.Failures...), spotipie.ErrVersionConflict) {
		t.Errorf("another process always saves first: %s", never)
	}
}

// TestResealDuringAFleet rotates the keys three times while sessions of many users renew
// all the time. Refresh tokens are single use. No login may be lost, and no record may
// keep an old key.
func TestResealDuringAFleet(t *testing.T) {
	for _, test := range []struct {
		name  string
		inner func(t *testing.T) spotipie.Store
	}{
		{"Redis", func(t *testing.T) spotipie.Store {
			return openRedis(t, &redis.Options{Addr: services.Redis(t)}, fresh(), 0)
		}},
		{"PostgreSQL", func(t *testing.T) spotipie.Store { return openPostgres(t, services.Postgres(t), fresh(), 0) }},
		{"SQLite", func(t *testing.T) spotipie.Store { return openSQLite(t, newDatabase(t), 0) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			const users, rotations = 8, 2
			server, inner := newServer(t), test.inner(t)
			texts := []string{seal.GenerateKey()}
			for range rotations {
				texts = append([]string{seal.GenerateKey()}, texts...)
			}
			all := func(newest int) seal.Keys { // the key newest encrypts, and all decrypt
				keys := newKeys(t, texts...)
				return seal.Ring(newKeys(t, texts[newest]), keys)
			}
			for i := range users {
				session := userSession(t, server, over(t, inner, all(rotations), nil), i)
				server.Login(t, session)
				if err := session.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			renewals := 0
			var passes tally
			for newest := rotations - 1; newest >= 0; newest-- {
				ctx, cancel := context.WithCancel(t.Context())
				var fleet sync.WaitGroup
				var mu sync.Mutex
				for i := range users {
					for range 2 { // each user has sessions in two processes
						session := userSession(t, server, over(t, inner, all(newest), nil), i)
						fleet.Go(func() {
							for ctx.Err() == nil {
								if _, err := session.RefreshToken(context.WithoutCancel(ctx)); err != nil {
									t.Errorf("user %d: %v", i, err)
									return
								}
								mu.Lock()
								renewals++
								mu.Unlock()
							}
						})
					}
				}
				s, before := over(t, inner, all(newest), nil), over(t, inner, all(newest+1), nil)
				for range 3 { // back and forth, so that sessions often meet it
					passes.add(reseal(t, before, asFastAsCanBe()))
					passes.add(reseal(t, s, asFastAsCanBe()))
				}
				expectRateAndInterruption(t, s)
				first := reseal(t, s, asFastAsCanBe())
				second := reseal(t, s, &seal.ResealOptions{PerSecond: -1, CountOnly: true})
				cancel()
				fleet.Wait()
				if !first.Done() || !second.Done() || second.Current != users {
					t.Errorf("rotation: %s; then %s", first, second)
				}
			}
			newest := over(t, inner, newKeys(t, texts[0]), nil) // without the other keys
			for i := range users {
				if _, err := userSession(t, server, newest, i).RefreshToken(t.Context()); err != nil {
					t.Errorf("user %d has lost the login: %v", i, err)
				}
			}
			t.Logf("%d users, %d renewals, %d records sealed anew meanwhile", users, renewals, passes.resealed)
			if renewals < users || passes.resealed < users {
				t.Errorf("renewals and Reseal did not run at the same time: %d renewals, %d records sealed again", renewals, passes.resealed)
			}
		})
	}
}

// expectRateAndInterruption interrupts a Reseal with a rate, and fails the test if it
// has checked more records than the rate allows.
func expectRateAndInterruption(t *testing.T, s *seal.Store) {
	t.Helper()
	const perSecond, pause = 50, 100 * time.Millisecond
	ctx, interrupt := context.WithTimeout(t.Context(), pause)
	defer interrupt()
	start := time.Now()
	report, err := s.Reseal(ctx, &seal.ResealOptions{PerSecond: perSecond})
	if most := 1 + int(time.Since(start).Seconds()*perSecond); !errors.Is(err, context.DeadlineExceeded) || report.Done() || report.Seen > most {
		t.Errorf("interrupted: %s, %v; want at most %d records", report, err, most)
	}
}

// tally adds the numbers of reports.
type tally struct{ resealed int }

func (t *tally) add(r seal.ResealReport) { t.resealed += r.Resealed }

// userSession returns a session of one of many users.
func userSession(t *testing.T, server *spotifytest.Server, store spotipie.Store, i int) *spotipie.AuthorizationCodeSession {
	t.Helper()
	opts := server.Options()
	opts.Store, opts.Profile = store, user(i).Profile
	s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

func TestResealOfAnEmptyStore(t *testing.T) {
	report := reseal(t, over(t, spotipie.NewMemoryStore(), newKeys(t), nil), nil)
	if !report.Done() || report.Total != 0 {
		t.Errorf("got %s", report)
	}
}
