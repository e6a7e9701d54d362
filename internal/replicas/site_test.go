package replicas_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/web"
)

// site is an app with its users: nginx, two replicas, a database behind a proxy, and an
// accounts service.
type site struct {
	url        string // of nginx
	spotifyURL string
	service    *accounts.Service
	ledger     *ledger
	replicas   []*replica
	database   *testservices.Server
	proxy      *testservices.Proxy
	transport  *http.Transport // of the browsers
	people     []*person

	tokenLifetime time.Duration

	hasOutage           atomic.Bool  // also after an outage, until everything is saved
	logins, movedLogins atomic.Int64 // movedLogins began on one replica and were finished on the other
}

// siteOptions are the size and the times of a site.
type siteOptions struct {
	database      database
	users         int
	tokenLifetime time.Duration
	lease         time.Duration // 0: the store's default
}

func newSite(t *testing.T, opts siteOptions) *site {
	t.Helper()
	s := &site{tokenLifetime: opts.tokenLifetime, transport: &http.Transport{MaxIdleConnsPerHost: 512}}
	t.Cleanup(s.transport.CloseIdleConnections)
	addresses := []string{freeAddress(t), freeAddress(t)}
	s.url = "http://" + testservices.StartNginx(t, addresses...).Address
	s.database = opts.database.start(t)
	s.proxy = testservices.NewProxy(t, s.database.Address)
	config := replicaConfig{
		Database: opts.database.name, DatabaseAddress: s.proxy.Address, Lease: opts.lease,
		ClientID: "app", ClientSecret: "its-secret-words", RedirectURI: s.url + "/auth/callback", Keys: web.GenerateKey(),
	}
	s.startSpotify(t, opts, config)
	config.AccountsURL = s.spotifyURL
	for i, address := range addresses {
		config.Listen = address
		s.replicas = append(s.replicas, newReplica(t, i+1, config))
	}
	return s
}

// startSpotify starts the accounts service, with the ledger before it, and makes
// the users.
func (s *site) startSpotify(t *testing.T, opts siteOptions, config replicaConfig) {
	t.Helper()
	store, closeStore, err := openStore(t.Context(), opts.database.name, s.database.Address, opts.lease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeStore)
	users := make([]accounts.User, opts.users)
	for i := range users {
		users[i] = accounts.User{
			ID: fmt.Sprintf("user%04d", i), AccountID: fmt.Sprintf("account%04d", i),
			SavedTracks: 1 + i/newestTracks%mostTracks,
		}
		p, err := s.newPerson(users[i].ID, users[i].AccountID)
		if err != nil {
			t.Fatal(err)
		}
		p.saved.Total = users[i].SavedTracks
		s.people = append(s.people, p)
	}
	s.service, err = accounts.New(&accounts.Options{
		Users: users, TokenLifetime: opts.tokenLifetime, RotateAllRefreshTokens: true,
		Apps: []accounts.App{{ClientID: config.ClientID, ClientSecret: config.ClientSecret, RedirectURIs: []string{config.RedirectURI}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.ledger = newLedger(s.service, store, config.ClientID, s.wasKilled)
	server := httptest.NewServer(s.ledger)
	t.Cleanup(server.Close)
	s.spotifyURL = server.URL
}

// The accounts service begins a user's library at one of 18 tracks, by the user's
// number, and a library has at most 144 tracks. So there are 2,592 different
// libraries.
const (
	newestTracks = 18
	mostTracks   = 144
)

func (s *site) wasKilled(name string) bool {
	for _, r := range s.replicas {
		if r.wasKilled(name) {
			return true
		}
	}
	return false
}

// freeAddress returns an address on the loopback interface that nobody uses.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
