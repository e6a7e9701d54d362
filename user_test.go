package spotipie_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestCurrentUser reads the Web API's answer about a user.
func TestCurrentUser(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want spotipie.User
		key  string
	}{
		"everything": {
			`{"account_id":"acc","id":"ada","display_name":"Ada Lovelace","images":[{"url":"https://i.example/64","width":64,"height":64},{"url":"https://i.example/300","width":300,"height":300}],"product":"premium"}`,
			spotipie.User{AccountID: "acc", ID: "ada", DisplayName: "Ada Lovelace", ImageURL: "https://i.example/300"}, "acc",
		},
		"no account_id":              {`{"id":"ada","display_name":"Ada"}`, spotipie.User{ID: "ada", DisplayName: "Ada"}, "ada"},
		"account_id null":            {`{"account_id":null,"id":"ada"}`, spotipie.User{ID: "ada"}, "ada"},
		"account_id alone":           {`{"account_id":"acc"}`, spotipie.User{AccountID: "acc"}, "acc"},
		"no name":                    {`{"id":"ada","display_name":null}`, spotipie.User{ID: "ada"}, "ada"},
		"a name beyond ASCII":        {`{"id":"ada","display_name":"Ádá ❤"}`, spotipie.User{ID: "ada", DisplayName: "Ádá ❤"}, "ada"},
		"no images":                  {`{"id":"ada","images":[]}`, spotipie.User{ID: "ada"}, "ada"},
		"images null":                {`{"id":"ada","images":null}`, spotipie.User{ID: "ada"}, "ada"},
		"images without sizes":       {`{"id":"ada","images":[{"url":"https://i.example/1","width":null},{"url":"https://i.example/2","width":null}]}`, spotipie.User{ID: "ada", ImageURL: "https://i.example/1"}, "ada"},
		"an image without a URL":     {`{"id":"ada","images":[{"width":64}]}`, spotipie.User{ID: "ada"}, "ada"},
		"fields of tomorrow":         {`{"id":"ada","new":{"a":[1]}}`, spotipie.User{ID: "ada"}, "ada"},
		"something after the object": {`{"id":"ada"} `, spotipie.User{ID: "ada"}, "ada"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{next: ok(test.body)}
			s := offline(t, rec, nil, nil)
			set(t, s, time.Hour)
			user, err := spotipie.CurrentUser(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if *user != test.want || user.Key() != test.key {
				t.Errorf("got %+v with the key %q, want %+v and %q", *user, user.Key(), test.want, test.key)
			}
			req := rec.requests[0]
			if req.Method != http.MethodGet || req.URL.String() != "https://api.spotify.com/v1/me" || req.Header.Get("Authorization") != "Bearer A0" {
				t.Errorf("asked by %s %s", req.Method, req.URL)
			}
		})
	}
}

// TestCurrentUserThatIsNone checks that an answer without a user gives an error that
// says so.
func TestCurrentUserThatIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		answer answer
		says   string
		status int // of an APIError; 0: another error
	}{
		"no id":                {ok(`{"display_name":"Ada"}`), "neither account_id nor id", 0},
		"empty ids":            {ok(`{"account_id":"","id":""}`), "neither account_id nor id", 0},
		"null":                 {ok(`null`), "neither account_id nor id", 0},
		"an id that is number": {ok(`{"id":7}`), "profile", 0},
		"an array":             {ok(`[]`), "profile", 0},
		"nothing":              {ok(``), "profile", 0},
		"half an object":       {ok(`{"id":"ada"`), "profile", 0},
		"a page":               {ok(`<html>Sign in to the hotel's network</html>`), "profile", 0},
		"a body that fails":    {withBody(200, func() (int, error) { return 0, errStore }), errStore.Error(), 0},
		"401": {func(req *http.Request) (*http.Response, error) {
			return respond(req, 401, `{"error":{"status":401,"message":"Invalid access token"}}`, "WWW-Authenticate", `Bearer error="missing_token"`), nil
		}, "Invalid access token", 401},
		"403 in plain text": {func(req *http.Request) (*http.Response, error) {
			return respond(req, 403, "Active premium subscription required for the owner of the app. When the subscription status changes, it can take a few hours before requests are allowed again.", "Content-Type", "text/plain"), nil
		}, "Active premium subscription required", 403},
		"403 of a user who is not on the list": {func(req *http.Request) (*http.Response, error) {
			return respond(req, 403, "User not registered in the Developer Dashboard", "Content-Type", "text/plain"), nil
		}, "User not registered", 403},
		"500": {func(req *http.Request) (*http.Response, error) { return respond(req, 500, ""), nil }, "500", 500},
		"204": {func(req *http.Request) (*http.Response, error) { return respond(req, 204, ""), nil }, "profile", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := offline(t, test.answer, nil, nil)
			set(t, s, time.Hour)
			user, err := spotipie.CurrentUser(t.Context(), s)
			if user != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %+v, %v, want an error that says %q", user, err, test.says)
			}
			var api *spotipie.APIError
			if errors.As(err, &api) != (test.status != 0) || api != nil && api.StatusCode != test.status {
				t.Errorf("got %T, want an APIError with status %d", err, test.status)
			}
			if strings.Contains(err.Error(), "A0") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

// TestCurrentUserOf429 checks that a 429 gives a RateLimitError, as everywhere.
func TestCurrentUserOf429(t *testing.T) {
	s := offline(t, answer(func(req *http.Request) (*http.Response, error) { return respond(req, 429, "", "Retry-After", "7"), nil }), nil, nil)
	set(t, s, time.Hour)
	var limited *spotipie.RateLimitError
	if _, err := spotipie.CurrentUser(t.Context(), s); !errors.As(err, &limited) || limited.RetryAfter != 7*time.Second {
		t.Errorf("got %v", err)
	}
}

// TestCurrentUserReadsSoMuchAndNoMore checks that CurrentUser stops reading an endless
// body, and closes every body.
func TestCurrentUserReadsSoMuchAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		closed := 0
		s := offline(t, answer(func(req *http.Request) (*http.Response, error) {
			resp := respond(req, 200, "")
			resp.Body = &countedBody{Reader: io.MultiReader(strings.NewReader(`{"id":"`), endless{}), read: &read, closed: &closed}
			return resp, nil
		}), nil, nil)
		set(t, s, time.Hour)
		if user, err := spotipie.CurrentUser(t.Context(), s); err == nil {
			t.Errorf("got %+v", user)
		}
		if read > 1<<20 || closed != 1 {
			t.Errorf("read %d bytes, closed the body %d times", read, closed)
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type countedBody struct {
	io.Reader
	read, closed *int
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.read += n
	return n, err
}

func (c *countedBody) Close() error { *c.closed++; return nil }

// TestCurrentUserOfSessionsWithoutOne checks that the errors are those of a request.
func TestCurrentUserOfSessionsWithoutOne(t *testing.T) {
	server := spotifytest.New(t)
	own, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, own)
	var api *spotipie.APIError
	if _, err := spotipie.CurrentUser(t.Context(), own); !errors.As(err, &api) || api.StatusCode != http.StatusUnauthorized {
		t.Errorf("of an app's own session: %v", err)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
	if _, err := spotipie.CurrentUser(t.Context(), newSession(t, server, nil)); !errors.Is(err, spotipie.ErrNotAuthorized) {
		t.Errorf("of a session without a token: %v", err)
	}
	s := signedIn(t, server, nil)
	if user, err := spotipie.CurrentUser(t.Context(), s); err != nil || user.ID == "" || user.DisplayName == "" {
		t.Errorf("of a user: %+v, %v", user, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := spotipie.CurrentUser(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	_ = s.Close(t.Context())
	if _, err := spotipie.CurrentUser(t.Context(), s); !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("of a closed session: %v", err)
	}
}
