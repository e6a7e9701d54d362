package failover_test

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/testservices"
)

// plan says how much a test does.
type plan struct {
	users, processes int
	think            time.Duration
	tokenLifetime    time.Duration // not less than a save may take
	renewals         int           // of each user, after the fail-over
}

const (
	endpointDelay = 100 * time.Millisecond // of the token endpoint
	// patience is how long a test waits for what must happen.
	patience = 60 * time.Second
)

// pause lets the traffic go on for a while.
func pause(d time.Duration) { <-time.After(d) }

// newPlan returns what SPOTIPIE_TEST_USERS and SPOTIPIE_TEST_PROCESSES ask for.
func newPlan(t *testing.T) plan {
	t.Helper()
	p := plan{
		users: testservices.Count(t, "SPOTIPIE_TEST_USERS", 20), processes: testservices.Count(t, "SPOTIPIE_TEST_PROCESSES", 2),
		think: 250 * time.Millisecond, tokenLifetime: callerTimeout, renewals: 1,
	}
	if p.users > 100 {
		p.think, p.tokenLifetime, p.renewals = time.Second, 12*time.Second, 2
	}
	return p
}

func TestFailovers(t *testing.T) {
	plan := newPlan(t)
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			testFailover(t, plan, row)
		})
	}
}

func testFailover(t *testing.T, plan plan, row testRow) {
	servers := row.start(t)
	r := newRun(t, servers)
	users := r.signIn(t, plan)
	processes := make([]*process, plan.processes)
	for i := range processes {
		processes[i] = startProcess(t, processConfig{
			Name: fmt.Sprint(i + 1), Store: servers.store, App: r.app, Users: users, Think: plan.think,
		})
	}
	servers.begin(users)
	r.awaitRenewals(t, plan, time.Now(), 1)
	r.failed = time.Now()
	servers.fail()
	r.awaitRenewals(t, plan, time.Now(), plan.renewals)
	for _, p := range processes {
		p.stop()
	}
	for _, p := range processes {
		report, err := p.report()
		if err != nil {
			t.Fatal(err)
		}
		r.reports = append(r.reports, report)
	}
	figures := r.evaluate(t, servers)
	t.Logf("%s:%s", row.name, figures)
	figures.check(t, row)
}

// run is one fail-over.
type run struct {
	store   spotipie.Store
	service *accounts.Service
	ledger  *ledger
	app     appConfig
	failed  time.Time
	reports []processReport
}

func newRun(t *testing.T, servers *deployment) *run {
	t.Helper()
	store, closeStore, err := servers.store.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeStore)
	return &run{store: store}
}

// signIn starts the accounts service and signs users in, one after the other over
// the time that their tokens are not due.
func (r *run) signIn(t *testing.T, plan plan) (profiles []string) {
	t.Helper()
	r.startSpotify(t, plan)
	pool, transport, err := r.app.pool("login", r.store, nil)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	var logins sync.WaitGroup
	for i := range plan.users {
		profiles = append(profiles, profileOf(i))
		due := plan.tokenLifetime * 3 / 4 * time.Duration(i) / time.Duration(plan.users)
		pause(time.Until(begun.Add(due)))
		logins.Go(func() {
			if err := r.logIn(t, pool, i); err != nil {
				t.Errorf("login of %s: %v", profileOf(i), err)
			}
		})
	}
	logins.Wait()
	if err := pool.Close(t.Context()); err != nil {
		t.Error(err)
	}
	transport.CloseIdleConnections()
	if t.Failed() {
		t.FailNow()
	}
	return profiles
}

func (r *run) startSpotify(t *testing.T, plan plan) {
	t.Helper()
	users := make([]accounts.User, plan.users)
	for i := range users {
		users[i] = accounts.User{ID: userID(i), AccountID: profileOf(i)}
	}
	r.app = appConfig{ClientID: "app", ClientSecret: "its-secret-words"}
	service, err := accounts.New(&accounts.Options{
		Users: users, TokenLifetime: plan.tokenLifetime, RotateAllRefreshTokens: true,
		Apps: []accounts.App{{ClientID: r.app.ClientID, ClientSecret: r.app.ClientSecret, RedirectURIs: []string{redirectURI}}},
	})
	if err == nil {
		err = service.QueueFault(accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Every: 1, Delay: endpointDelay})
	}
	if err != nil {
		t.Fatal(err)
	}
	r.service, r.ledger = service, newLedger(service)
	server := httptest.NewServer(r.ledger)
	t.Cleanup(server.Close)
	r.app.AccountsURL = server.URL
}

func userID(i int) string { return fmt.Sprintf("user%04d", i) }

func (r *run) logIn(t *testing.T, pool *spotipie.Pool, i int) error {
	address, login, err := pool.AuthorizationURL(nil)
	if err != nil {
		return err
	}
	callback, err := r.service.ConsentAs(address, userID(i))
	if err != nil {
		return err
	}
	if err := r.ledger.noteConsent(callback, profileOf(i)); err != nil {
		return err
	}
	_, err = pool.FinishLogin(t.Context(), login, callback)
	return err
}

// awaitRenewals waits until everybody has got so many tokens since a time, except
// those who have lost their login.
func (r *run) awaitRenewals(t *testing.T, plan plan, since time.Time, times int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; pause(20 * time.Millisecond) {
		renewed := r.ledger.renewed(since, times)
		if renewed == plan.users {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("only %d users have got %d tokens within %s", renewed, times, patience)
			return
		}
	}
}
