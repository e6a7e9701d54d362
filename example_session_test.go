package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/adapter"
)

// Hear of every new token, to keep it somewhere or to tell somebody.
func ExampleTokenUpdated() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	remove := session.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
		fmt.Println("a new token in place of the old one:", !e.NewToken.Equal(e.OldToken))
		return nil // callers who wait for the token would get an error
	})
	if _, err := session.RefreshToken(ctx); err != nil {
		log.Fatal(err)
	}
	remove()
	if _, err := session.RefreshToken(ctx); err != nil { // there is no listener any more
		log.Fatal(err)
	}
	// Output: a new token in place of the old one: true
}

// A listener gets a token in its own way, and the request uses that token.
func ExampleTokenExpired() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)
	elsewhere := spotify.signedIn() // stands for any place where tokens come from
	defer elsewhere.Close(ctx)

	session.DisableAutoRefresh()
	session.OnTokenExpired(func(ctx context.Context, e spotipie.TokenExpired) error {
		fmt.Println("expired")
		token, err := elsewhere.RefreshToken(ctx)
		if err != nil {
			return err
		}
		return e.Session.SetToken(ctx, token)
	})
	spotify.Advance(time.Hour)
	resp, err := session.Request(ctx, "GET", "/v1/me", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// expired
	// 200 OK
}

// React to a logout, in this process or another: for example, delete the user's
// data.
func ExampleLoggedOut() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	remove := session.OnLoggedOut(func(_ context.Context, e spotipie.LoggedOut) error {
		fmt.Println("logged out:", e.Session.Key().ClientID)
		return nil
	})
	defer remove()
	if err := session.Logout(ctx); err != nil { // forgets the token, also in the store
		log.Fatal(err)
	}
	_, err := session.Token(ctx)
	fmt.Println(errors.Is(err, spotipie.ErrNotAuthorized))
	// Output:
	// logged out: my-app
	// true
}

// Measure what the session does. A program would count and log instead of
// printing.
func ExampleOptions_observe() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session, err := spotipie.NewClientCredentialsSession(myApp(), &spotipie.Options{
		AccountsURL: spotify.URL, APIURL: spotify.URL, Now: spotify.Now,
		Observe: func(_ context.Context, o spotipie.Observation) {
			if o.Kind == spotipie.ObservedTokenRequest {
				fmt.Println(o.Op, "asked for a token, without error:", o.Err == nil, "measured:", o.Duration > 0)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)
	for range 3 { // the first fetches a token, the others have it
		if _, err := session.Token(ctx); err != nil {
			log.Fatal(err)
		}
	}
	// Output: client_credentials asked for a token, without error: true measured: true
}

// Identify a user by their id at Spotify, because display names change.
func ExampleCurrentUser() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	user, err := spotipie.CurrentUser(ctx, session)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the authorization can be kept under a key of the user:", user.Key() != "")
	fmt.Println("the user can be greeted by name:", user.DisplayName != "")
	// Output:
	// the authorization can be kept under a key of the user: true
	// the user can be greeted by name: true
}

// A request with a query, a JSON body and headers.
func ExampleSession_request() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	session := spotify.signedIn(spotipie.ScopeUserModifyPlaybackState)
	defer session.Close(ctx)

	resp, err := session.Request(ctx, "PUT", "/v1/me/player/play", &spotipie.RequestOptions{
		Params:  url.Values{"device_id": {"kitchen"}},
		JSON:    map[string]any{"position_ms": 30_000},
		Headers: http.Header{"Accept-Language": {"de"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if err := spotipie.CheckResponse(resp); err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status)
	// Output: 204 No Content
}

// Requests to the Web API are tried again when it is busy. Searches are cached too:
// the longest prefix wins.
func ExampleSession_mount() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	retry := adapter.NewRetry(nil, &adapter.RetryOptions{InitialBackoff: time.Millisecond})
	if err := session.Mount("/", retry); err != nil {
		log.Fatal(err)
	}
	if err := session.Mount("/v1/search", adapter.NewCache(retry, nil)); err != nil {
		log.Fatal(err)
	}

	err := spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI, Times: 2})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := session.Request(ctx, "GET", "/v1/me", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "after", spotify.Stats().APIRequests, "requests")
	// Output: 200 OK after 3 requests
}

// Any library that takes an *http.Client gets the token, its renewal and the mounts
// with the client.
func ExampleSession_client() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	client := session.Client()
	client.Timeout = 30 * time.Second // you may change the client
	resp, err := client.Get(spotify.URL + "/v1/me")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// For a library that takes a token source of golang.org/x/oauth2. The client of
// x/oauth2 sends the token to any host, so use it only with Spotify's URLs.
func ExampleSession_tokenSource() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	client := oauth2.NewClient(ctx, session.TokenSource(ctx))
	resp, err := client.Get(spotify.URL + "/v1/me")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// Find out before a request which scopes are missing.
func ExampleRequireScope() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	session := spotify.signedIn(spotipie.ScopeUserReadEmail)
	defer session.Close(context.Background())

	err := spotipie.RequireScope(session, spotipie.ScopeUserReadEmail, spotipie.ScopeUserLibraryRead)
	var insufficient *spotipie.InsufficientScopeError
	if errors.As(err, &insufficient) {
		fmt.Println("missing:", insufficient.Missing)
	}
	// Output: missing: user-library-read
}

// Two sessions share one authorization. When one of them renews the token, the other
// takes it from the store. With a store that outlives the process, two processes can
// do the same.
func ExampleStore() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	options := &spotipie.Options{
		Store: spotipie.NewMemoryStore(), Profile: "ada",
		AccountsURL: spotify.URL, APIURL: spotify.URL, Now: spotify.Now,
	}
	first, err := spotipie.NewAuthorizationCodeSession(myApp(), options)
	if err != nil {
		log.Fatal(err)
	}
	defer first.Close(ctx)
	second, err := spotipie.NewAuthorizationCodeSession(myApp(), options)
	if err != nil {
		log.Fatal(err)
	}
	defer second.Close(ctx)

	authorizationURL, _, err := first.AuthorizationURL(nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := first.FetchToken(ctx, spotify.visit(authorizationURL)); err != nil {
		log.Fatal(err)
	}
	spotify.Advance(time.Hour) // the token expires
	a, err := second.Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	b, err := first.Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same token:", a.Equal(b))
	fmt.Println("refreshed:", spotify.Stats().TokenRequests.RefreshToken)
	// Output:
	// the same token: true
	// refreshed: 1
}

// The user presses Cancel.
func ExampleAuthorizationError() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	session, err := spotipie.NewAuthorizationCodeSession(myApp(), &spotipie.Options{
		AccountsURL: spotify.URL, APIURL: spotify.URL,
	})
	if err != nil {
		log.Fatal(err)
	}

	spotify.DenyNext(1)
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = session.FetchToken(context.Background(), spotify.visit(authorizationURL))
	var failed *spotipie.AuthorizationError
	switch {
	case errors.Is(err, spotipie.ErrAccessDenied):
		fmt.Println("no, then")
	case errors.Is(err, spotipie.ErrStateMismatch):
		fmt.Println("that was not our login")
	case errors.As(err, &failed):
		fmt.Println("something is wrong with the app:", failed.Code, failed.Description)
	}
	// Output: no, then
}

// The user has removed the app on their account page. The app needs a new consent.
func ExampleSession_reauthorizationRequired() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	spotify.RevokeUser("my-app", "ada")
	spotify.Advance(time.Hour)
	_, err := session.Request(ctx, "GET", "/v1/me", nil)
	if errors.Is(err, spotipie.ErrReauthorizationRequired) {
		fmt.Println("please sign in again")
	}
	// Output: please sign in again
}

// Spotify sometimes asks for pauses of hours. A mounted adapter.NewRetry waits as
// long as the context allows. If the pause is longer, it returns an error at once.
func ExampleRateLimitError() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	session := spotify.signedIn()
	defer session.Close(context.Background())
	if err := session.Mount("/", adapter.NewRetry(nil, nil)); err != nil {
		log.Fatal(err)
	}

	err := spotify.QueueFault(accounts.Fault{
		Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI, RetryAfter: 5 * time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = session.Request(ctx, "GET", "/v1/me", nil)
	var limit *spotipie.RateLimitError
	if errors.As(err, &limit) {
		fmt.Println("come back in", limit.RetryAfter)
	}
	// Output: come back in 5h0m0s
}

// Request returns no error for an answer with an error status. CheckResponse turns
// the answer into an error.
func ExampleCheckResponse() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	session := spotify.signedIn()
	defer session.Close(ctx)

	resp, err := session.Request(ctx, "GET", "/v1/me/tracks", nil)
	if err != nil {
		log.Fatal(err) // no answer at all
	}
	defer resp.Body.Close()
	var apiError *spotipie.APIError
	if err := spotipie.CheckResponse(resp); errors.As(err, &apiError) {
		fmt.Println(apiError.StatusCode, apiError.Message)
	}
	// Output: 403 Insufficient client scope
}

// Get a new token now, even if the old one has not expired.
func ExampleRefreshableSession() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()
	var session spotipie.RefreshableSession = spotify.signedIn()
	defer session.Close(ctx)

	old := session.CurrentToken()
	token, err := session.RefreshToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("another access token:", token.AccessToken() != old.AccessToken())
	fmt.Println("the same refresh token:", token.RefreshToken() == old.RefreshToken())
	// Output:
	// another access token: true
	// the same refresh token: true
}
