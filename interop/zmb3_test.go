package interop_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/zmb3/spotify/v2"
)

// savedTracks is how many tracks every user of the accounts service has saved.
const savedTracks = 144

// webAPI returns zmb3's client, made as its users make it, for the server.
func webAPI(server *spotifytest.Server, client *http.Client) *spotify.Client {
	return spotify.New(client, spotify.WithBaseURL(server.URL+"/v1/"))
}

func TestZmb3ReadsTheProfile(t *testing.T) {
	server := newServer(t, appSecret, false)
	session := userSession(t, server)
	server.Login(t, session)
	user, err := webAPI(server, session.Client()).CurrentUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := server.Users()[0]
	if user.ID != want.ID || user.DisplayName != want.DisplayName || user.Email != want.Email ||
		user.Country != want.Country || user.Product != want.Product {
		t.Errorf("got %+v, want %+v", user, want)
	}
}

func TestZmb3PagesAllSavedTracks(t *testing.T) {
	server := newServer(t, appSecret, false)
	session := userSession(t, server)
	server.Login(t, session)
	pages := readAllPages(t, webAPI(server, session.Client()), func(int) {})
	if want := (savedTracks + 49) / 50; pages != want {
		t.Errorf("got %d pages, want %d", pages, want)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

func TestZmb3DoesNotNoticeThatTheTokenIsRenewed(t *testing.T) {
	for _, test := range []struct {
		name string
		age  func(*spotifytest.Server)
	}{
		{"expired by the clock", func(s *spotifytest.Server) { s.Advance(2 * time.Hour) }},
		{"expired at the service alone", func(s *spotifytest.Server) { s.ExpireAccessTokens() }},
	} {
		for _, rotate := range []bool{false, true} {
			name := test.name + ", no rotation"
			if rotate {
				name = test.name + ", rotation"
			}
			t.Run(name, func(t *testing.T) {
				server := newServer(t, appSecret, rotate)
				session := userSession(t, server)
				server.Login(t, session)
				readAllPages(t, webAPI(server, session.Client()), func(page int) {
					if page == 1 {
						test.age(server)
					}
				})
				server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
			})
		}
	}
}

// The token endpoint answers only after all pages have been read, so no page can
// have waited for it.
func TestZmb3DoesNotWaitForAStaleTokensRenewal(t *testing.T) {
	server := newServer(t, appSecret, false)
	opts := server.Options()
	gate := &tokenGate{next: server.Transport()}
	opts.Transport = gate
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	server.Login(t, session)
	old := session.CurrentToken()
	open := gate.close()
	readAllPages(t, webAPI(server, session.Client()), func(page int) {
		if page == 1 {
			server.Advance(59 * time.Minute)
		}
	})
	open()
	if err := session.Close(t.Context()); err != nil { // waits for the renewal
		t.Fatal(err)
	}
	if session.CurrentToken() == old {
		t.Error("the token was not renewed")
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
}

// tokenGate delays token requests while it is closed.
type tokenGate struct {
	next    http.RoundTripper
	barrier atomic.Pointer[chan struct{}]
}

func (g *tokenGate) close() (open func()) {
	barrier := make(chan struct{})
	g.barrier.Store(&barrier)
	return func() { close(barrier) }
}

func (g *tokenGate) RoundTrip(req *http.Request) (*http.Response, error) {
	if barrier := g.barrier.Load(); barrier != nil && req.URL.Path == "/api/token" {
		select {
		case <-*barrier:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return g.next.RoundTrip(req)
}

func TestZmb3SearchesWithAnAppsSession(t *testing.T) {
	server := newServer(t, appSecret, false)
	session := appSession(t, server)
	result, err := webAPI(server, session.Client()).Search(t.Context(), "harbour", spotify.SearchTypeArtist|spotify.SearchTypeTrack)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Artists.Artists; len(got) != 1 || got[0].Name != "The Quiet Harbour" {
		t.Errorf("artists: got %v, want The Quiet Harbour", got)
	}
	for _, track := range result.Tracks.Tracks {
		if track.Artists[0].Name != "The Quiet Harbour" {
			t.Errorf("track %q is by %q", track.Name, track.Artists[0].Name)
		}
	}
	if got := int(result.Tracks.Total); got != 12 {
		t.Errorf("tracks: got %d, want the 12 of the artist", got)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
}

func TestZmb3ReadsTheWebAPIsErrors(t *testing.T) {
	server := newServer(t, appSecret, false)
	for _, test := range []struct {
		name    string
		session func(*testing.T) spotipie.Session
		status  int
		message string
	}{
		{"scope missing", func(t *testing.T) spotipie.Session {
			opts := server.Options()
			opts.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail}
			session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
			if err != nil {
				t.Fatal(err)
			}
			spotifytest.CloseAtEnd(t, session)
			server.Login(t, session)
			return session
		}, http.StatusForbidden, "Insufficient client scope"},
		{"user missing", func(t *testing.T) spotipie.Session {
			return appSession(t, server)
		}, http.StatusUnauthorized, "Valid user authentication required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := webAPI(server, test.session(t).Client()).CurrentUsersTracks(t.Context())
			var refused spotify.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got error %v, want a spotify.Error", err)
			}
			if refused.Status != test.status || refused.Message != test.message {
				t.Errorf("got %d %q, want %d %q", refused.Status, refused.Message, test.status, test.message)
			}
		})
	}
}

func TestZmb3PassesTheSessionsErrorsOn(t *testing.T) {
	server := newServer(t, appSecret, false)
	session := userSession(t, server)
	client := webAPI(server, session.Client())
	if _, err := client.CurrentUser(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
		t.Errorf("before the login: got error %v, want ErrNotAuthorized", err)
	}
	server.Login(t, session)
	server.RevokeUser(session.ClientID(), "ada")
	server.Advance(2 * time.Hour)
	if _, err := client.CurrentUser(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
		t.Errorf("after the user revoked: got error %v, want ErrReauthorizationRequired", err)
	}
}

// readAllPages reads the saved tracks in pages of 50 and returns the number of
// pages. After each page it calls between with the number so far.
func readAllPages(t *testing.T, client *spotify.Client, between func(page int)) (pages int) {
	t.Helper()
	seen := make(map[spotify.ID]bool)
	page, err := client.CurrentUsersTracks(t.Context(), spotify.Limit(50))
	for err == nil {
		pages++
		for _, track := range page.Tracks {
			seen[track.ID] = true
		}
		between(pages)
		err = client.NextPage(t.Context(), page)
	}
	if !errors.Is(err, spotify.ErrNoMorePages) {
		t.Fatalf("page %d: %v", pages+1, err)
	}
	if len(seen) != savedTracks {
		t.Errorf("got %d different tracks, want %d", len(seen), savedTracks)
	}
	return pages
}
