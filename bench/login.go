package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/int128/oauth2cli"
	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
	"golang.org/x/oauth2"
)

// measureLogin measures a login from the call to the token. The user agrees at
// once, and the browser is an HTTP client. The raw column has the time that the
// accounts service itself needs for the authorization and the token request.
func measureLogin(_ context.Context, s settings) ([]row, error) {
	service, err := accounts.New(&accounts.Options{AutoApprove: true})
	if err != nil {
		return nil, err
	}
	server := httptest.NewServer(service)
	defer server.Close()
	l := loginRace{service: service, url: server.URL, transport: &http.Transport{}}
	defer l.transport.CloseIdleConnections()
	results, err := race(s.rounds, []contender{{ours, l.spotipie}, {oauthcli, l.oauth2cli}, {raw, l.raw}})
	if err != nil {
		return nil, err
	}
	times := each(results, func(r testing.BenchmarkResult) float64 { return float64(r.T.Nanoseconds()) / float64(r.N) / 1e6 })
	beyond := make([]float64, len(times[ours]))
	for i := range beyond {
		beyond[i] = times[ours][i] - times[raw][i]
	}
	whole := newRow("Login, the user agrees at once", "ms", times)
	whole.Note = "oauth2cli is github.com/int128/oauth2cli. spotipie also greets the user by name, for which it asks the Web API."
	whole.Target, whole.OK = "≤ raw + 50 ms", median(beyond) <= 50
	return []row{whole}, nil
}

// loginRace is an accounts service and the libraries that log in to it.
type loginRace struct {
	service   *accounts.Service
	url       string
	transport *http.Transport
}

func (l loginRace) credentials() spotipie.Credentials {
	app := l.service.Apps()[0]
	return spotipie.Credentials{ClientID: app.ClientID, ClientSecret: app.ClientSecret, RedirectURI: app.RedirectURIs[0]}
}

// visit is the browser. It follows all redirects to the last page.
func (l loginRace) visit(address string) error {
	resp, err := (&http.Client{Transport: l.transport}).Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (l loginRace) session() (*spotipie.AuthorizationCodeSession, error) {
	return spotipie.NewAuthorizationCodeSession(l.credentials(), &spotipie.Options{
		AccountsURL: l.url, APIURL: l.url, Transport: l.transport, Scope: scopes(),
	})
}

func (l loginRace) spotipie(b *testing.B) {
	for b.Loop() {
		session, err := l.session()
		orFatal(b, err)
		_, err = login.Authorize(b.Context(), session, &login.Options{
			Browser: l.visit, Input: strings.NewReader(""), Output: io.Discard,
		})
		orFatal(b, err)
	}
}

func (l loginRace) oauth2cli(b *testing.B) {
	creds := l.credentials()
	for b.Loop() {
		address, err := freeAddress()
		orFatal(b, err)
		verifier, ready := oauth2.GenerateVerifier(), make(chan string, 1)
		opened := make(chan error, 1)
		go func() { opened <- l.visit(<-ready) }()
		_, err = oauth2cli.GetToken(b.Context(), oauth2cli.Config{
			OAuth2Config: oauth2.Config{
				ClientID: creds.ClientID, ClientSecret: creds.ClientSecret, RedirectURL: "http://" + address + "/callback",
				Scopes:   []string{string(spotipie.ScopeUserLibraryRead), string(spotipie.ScopeUserReadEmail)},
				Endpoint: oauth2.Endpoint{AuthURL: l.url + "/authorize", TokenURL: l.url + "/api/token", AuthStyle: oauth2.AuthStyleInHeader},
			},
			AuthCodeOptions:         []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)},
			TokenRequestOptions:     []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)},
			LocalServerBindAddress:  []string{address},
			LocalServerCallbackPath: "/callback",
			LocalServerReadyChan:    ready,
		})
		orFatal(b, err)
		orFatal(b, <-opened)
	}
}

func (l loginRace) raw(b *testing.B) {
	client := &http.Client{Transport: l.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for b.Loop() {
		session, err := l.session()
		orFatal(b, err)
		authorizationURL, _, err := session.AuthorizationURL(nil)
		orFatal(b, err)
		resp, err := client.Get(authorizationURL)
		orFatal(b, err)
		orFatal(b, resp.Body.Close())
		callback, err := url.Parse(resp.Header.Get("Location"))
		orFatal(b, err)
		_, err = session.FetchToken(b.Context(), callback.String())
		orFatal(b, err)
	}
}

// freeAddress returns a loopback address with a free port.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
