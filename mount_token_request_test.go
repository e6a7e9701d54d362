package spotipie_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// TestMountsTakeTheTokenRequestsTheyCover checks that each request of the session goes
// to the mount with the longest matching prefix.
func TestMountsTakeTheTokenRequestsTheyCover(t *testing.T) {
	kinds := map[string]struct {
		path string
		send func(context.Context, *testing.T, *spotipie.AuthorizationCodeSession, *spotipie.ClientCredentialsSession) error
	}{
		"a renewal": {"/api/token", func(ctx context.Context, _ *testing.T, user *spotipie.AuthorizationCodeSession, _ *spotipie.ClientCredentialsSession) error {
			_, err := user.RefreshToken(ctx)
			return err
		}},
		"a login": {"/api/token", func(_ context.Context, t *testing.T, user *spotipie.AuthorizationCodeSession, _ *spotipie.ClientCredentialsSession) error {
			_, err := login(t, user)
			return err
		}},
		"an app's token": {"/api/token", func(ctx context.Context, _ *testing.T, _ *spotipie.AuthorizationCodeSession, own *spotipie.ClientCredentialsSession) error {
			_, err := own.Token(ctx)
			return err
		}},
		"a check of the request": {"/authorize", func(ctx context.Context, _ *testing.T, user *spotipie.AuthorizationCodeSession, _ *spotipie.ClientCredentialsSession) error {
			return user.CheckAuthorization(ctx, nil)
		}},
	}
	for name, test := range map[string]struct {
		mounts map[string]string // name by prefix
		by     map[string]string // name by path; "default" if there is none
	}{
		"no mount":          {nil, nil},
		"all of https":      {map[string]string{"https://": "https"}, map[string]string{"/api/token": "https", "/authorize": "https"}},
		"the host":          {map[string]string{"https://accounts.spotify.com": "host"}, map[string]string{"/api/token": "host", "/authorize": "host"}},
		"the endpoint":      {map[string]string{"https://accounts.spotify.com/api/token": "endpoint"}, map[string]string{"/api/token": "endpoint"}},
		"the longest wins":  {map[string]string{"https://": "https", "https://accounts.spotify.com/api": "api"}, map[string]string{"/api/token": "api", "/authorize": "https"}},
		"the API's":         {map[string]string{"https://api.spotify.com": "api"}, nil},
		"another scheme":    {map[string]string{"http://accounts.spotify.com": "http"}, nil},
		"a like host":       {map[string]string{"https://accounts.spotify.com.example": "like"}, nil},
		"in upper case":     {map[string]string{"HTTPS://ACCOUNTS.spotify.com:443/": "host"}, map[string]string{"/api/token": "host", "/authorize": "host"}},
		"one taken away":    {map[string]string{"https://accounts.spotify.com": ""}, nil},
		"another directory": {map[string]string{"https://accounts.spotify.com/API": "api"}, nil},
	} {
		for kind, request := range kinds {
			t.Run(name+", "+kind, func(t *testing.T) {
				var sent []string
				sender := func(name string) http.RoundTripper {
					spotify := &services{}
					return answer(func(req *http.Request) (*http.Response, error) {
						sent = append(sent, name)
						return spotify.RoundTrip(req)
					})
				}
				user, own := offline(t, sender("default"), nil, nil), app(t, sender("default"), nil)
				set(t, user, time.Hour)
				for prefix, name := range test.mounts {
					for _, s := range []spotipie.Session{user, own} {
						if err := s.Mount(prefix, sender(name)); err != nil {
							t.Fatal(err)
						}
						if name == "" {
							if err := s.Mount(prefix, nil); err != nil {
								t.Fatal(err)
							}
						}
					}
				}
				if err := request.send(t.Context(), t, user, own); err != nil {
					t.Fatal(err)
				}
				want := "default"
				if by := test.by[request.path]; by != "" {
					want = by
				}
				if !slices.Equal(sent, []string{want}) {
					t.Errorf("sent by %q, want %q", sent, want)
				}
			})
		}
	}
}

// TestTokenRequestByAMountHasNoAccessToken checks that a token request authenticates
// the app and has no access token.
func TestTokenRequestByAMountHasNoAccessToken(t *testing.T) {
	rec := &recorder{next: &services{}}
	s := offline(t, &services{}, nil, func(o *spotipie.Options) {
		o.TokenOrigins = []string{"https://accounts.spotify.com", "https://api.spotify.com"}
	})
	set(t, s, time.Hour)
	if err := s.Mount("https://", rec); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RefreshToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	user, secret, ok := rec.requests[0].BasicAuth()
	if !ok || user != "id" || secret != "app-secret" || len(authorizations(rec.requests[0].Header)) != 1 {
		t.Errorf("authenticated as %q: %t", user, ok)
	}
}
