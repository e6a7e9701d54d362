package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// logins records which replica begins a login and which one finishes it.
type logins struct {
	mu       sync.Mutex
	begun    map[string]int // the replica, by the state
	finished int
	moved    int // finished by another replica
	served   [2]int
}

// by wraps a replica's handler to record its answers.
func (l *logins) by(replica int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		location, _ := url.Parse(w.Header().Get("Location"))
		l.mu.Lock()
		defer l.mu.Unlock()
		l.served[replica]++
		if state := r.URL.Query().Get("state"); strings.HasSuffix(r.URL.Path, "/callback") && state != "" {
			l.finished++
			if l.begun[state] != replica {
				l.moved++
			}
		} else if state := location.Query().Get("state"); state != "" {
			l.begun[state] = replica
		}
	})
}

// TestWebAppBehindNginx runs two replicas behind nginx, with PostgreSQL.
func TestWebAppBehindNginx(t *testing.T) {
	b := newTab(t)
	connections, err := pgxpool.New(t.Context(), testservices.PostgresDSN(testservices.StartPostgres(t).Address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connections.Close)
	store, err := pgstore.New(connections, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var handlers [2]http.Handler
	var addresses []string
	for i := range handlers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[i].ServeHTTP(w, r) }))
		t.Cleanup(server.Close)
		addresses = append(addresses, server.Listener.Addr().String())
	}
	a := startReplicas(t, "http://"+testservices.StartNginx(t, addresses...).Address, store, accounts.Options{})
	noted := &logins{begun: make(map[string]int)}
	for i, auth := range a.auths {
		handlers[i] = noted.by(i, webRoutes(auth))
	}
	goThroughWebApp(t, b, a)

	noted.mu.Lock()
	defer noted.mu.Unlock()
	if noted.moved == 0 || noted.finished != 3 || noted.served[0] == 0 || noted.served[1] == 0 {
		t.Errorf("of %d logins, %d were finished by a replica that did not begin them; the replicas answered %v requests",
			noted.finished, noted.moved, noted.served)
	}
}
