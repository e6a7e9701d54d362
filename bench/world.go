package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"golang.org/x/oauth2"
)

// endpointDelay is how long the token endpoint takes for a renewal.
const endpointDelay = 100 * time.Millisecond

// world is an accounts service on the loopback interface and a logged-in session. Other
// libraries can renew the session's token with it too.
type world struct {
	service   *accounts.Service
	server    *httptest.Server
	transport *http.Transport
	session   *spotipie.AuthorizationCodeSession
	armed     atomic.Bool
	asked     chan struct{} // gets a value when the token endpoint is asked after arm
}

// newWorld makes a world. The store of its session may be nil.
func newWorld(ctx context.Context, store spotipie.Store) (*world, error) {
	service, err := accounts.New(&accounts.Options{AutoApprove: true})
	if err != nil {
		return nil, err
	}
	w := &world{service: service, transport: &http.Transport{}, asked: make(chan struct{}, 1)}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/token" && w.armed.Load() {
			select {
			case w.asked <- struct{}{}:
			default: // the endpoint was already asked
			}
		}
		service.ServeHTTP(rw, r)
	}))
	if err := w.login(ctx, store); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) login(ctx context.Context, store spotipie.Store) (err error) {
	app := w.service.Apps()[0]
	w.session, err = spotipie.NewAuthorizationCodeSession(spotipie.Credentials{
		ClientID: app.ClientID, ClientSecret: app.ClientSecret, RedirectURI: app.RedirectURIs[0],
	}, &spotipie.Options{
		AccountsURL: w.server.URL, APIURL: w.server.URL, Transport: w.transport, Now: w.service.Now,
		Store: store, Profile: "ada",
	})
	if err != nil {
		return err
	}
	authorizationURL, _, err := w.session.AuthorizationURL(nil)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizationURL, nil)
	if err != nil {
		return err
	}
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = w.session.FetchToken(ctx, resp.Header.Get("Location"))
	return err
}

// arm makes the token endpoint slow, and makes asked get a value at the next request.
func (w *world) arm() error {
	w.armed.Store(true)
	return w.service.QueueFault(accounts.Fault{
		Kind: accounts.FaultSlow, Target: accounts.TargetToken, Every: 1, Delay: endpointDelay,
	})
}

// renew gets a token for a peer from the same endpoint by the same grant.
func (w *world) renew(ctx context.Context) (*oauth2.Token, error) {
	return w.tokenSource(ctx, time.Unix(1, 0)).Token()
}

// tokenSource returns x/oauth2's token source for the session's token, with another
// expiry.
func (w *world) tokenSource(ctx context.Context, expiry time.Time) oauth2.TokenSource {
	app := w.service.Apps()[0]
	conf := &oauth2.Config{
		ClientID: app.ClientID, ClientSecret: app.ClientSecret,
		Endpoint: oauth2.Endpoint{TokenURL: w.server.URL + "/api/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	token := w.session.CurrentToken().OAuth2()
	token.Expiry = expiry
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: w.transport})
	return conf.TokenSource(ctx, token)
}

// renewals closes everything, waits for running requests, and returns how often the
// token endpoint was asked for a renewal.
func (w *world) renewals(ctx context.Context) (int, error) {
	err := w.session.Close(ctx)
	w.close()
	if err != nil {
		return 0, fmt.Errorf("closing the session: %w", err)
	}
	stats := w.service.Stats()
	if stats.TokenRequests.AuthorizationCode != 1 {
		return 0, errors.New("the login was not one token request")
	}
	return stats.TokenRequests.RefreshToken, nil
}

func (w *world) close() {
	w.transport.CloseIdleConnections()
	w.server.Close()
}
