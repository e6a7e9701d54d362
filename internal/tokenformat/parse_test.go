package tokenformat_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tokenformat"
)

// end is when the tokens in testdata expire.
var end = time.Date(2026, 11, 24, 13, 30, 0, 0, time.UTC)

// The files in testdata are laid out as the libraries write them.
func TestParseRealFiles(t *testing.T) {
	for file, want := range map[string]struct {
		format  tokenformat.Format
		scope   string
		expires time.Time
		refresh string
	}{
		"spotipy.cache":                    {tokenformat.Spotipy, "user-library-read user-read-private", end, "refresh-me"},
		"spotipy-client-credentials.cache": {tokenformat.Spotipy, "", end, ""},
		"spotipy-null-scope.cache":         {tokenformat.Spotipy, "", end, "refresh-me"},
		"spotipie-python.json":             {tokenformat.Python, "user-library-read user-read-private", end.Add(250 * time.Millisecond), "refresh-me"},
		"rspotify.json":                    {tokenformat.Rspotify, "user-library-read user-read-private", end.Add(123456 * time.Microsecond), "refresh-me"},
		"rspotify-null.json":               {tokenformat.Rspotify, "", time.Unix(0, 0), "refresh-me"},
		"rspotify-scopes.json":             {tokenformat.Rspotify, "user-library-read user-read-private", end, "refresh-me"},
		"oauth2.json":                      {tokenformat.OAuth2, "", end, "refresh-me"},
		"oauth2-zero-expiry.json":          {tokenformat.OAuth2, "", time.Unix(0, 0), "refresh-me"},
		"oauth2-expires-in.json":           {tokenformat.OAuth2, "", end, ""},
		"byte-order-mark.json":             {tokenformat.Python, "user-library-read", end, "refresh-me"},
	} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			login, err := tokenformat.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			token, format := login.Token, login.Format
			if format != want.format {
				t.Errorf("format: got %q, want %q", format, want.format)
			}
			if got := token.AccessToken(); got != "access-me" {
				t.Errorf("access token: got %q", got)
			}
			if got := token.RefreshToken(); got != want.refresh {
				t.Errorf("refresh token: got %q, want %q", got, want.refresh)
			}
			if got := token.Scope().String(); got != want.scope {
				t.Errorf("scope: got %q, want %q", got, want.scope)
			}
			if !token.ExpiresAt().Equal(want.expires) {
				t.Errorf("expires at: got %v, want %v", token.ExpiresAt(), want.expires)
			}
		})
	}
}

func TestParseRefusesForeignFiles(t *testing.T) {
	for name, test := range map[string]struct{ data, want string }{
		"empty":          {" \n", "it is empty"},
		"not JSON":       {"access_token=top-secret", "not a JSON object"},
		"null":           {"null", "not a JSON object"},
		"list":           {`[{"access_token":"top-secret"}]`, "not a JSON object"},
		"two objects":    {`{"access_token":"top-secret","expires_at":1} {}`, "data after the JSON object"},
		"too large":      {`{"access_token":"` + strings.Repeat("a", tokenformat.MaxSize) + `"}`, "larger than 1 MiB"},
		"another's":      {`{"token":"top-secret","refresh_token":"x"}`, "no access_token"},
		"our store file": {`{"format":1,"record":{},"key":{}}`, "--store file:DIR"},
		"our record":     {`{"token":{"access_token":"top-secret"},"client_id":"x"}`, "a record of a store"},
		"access token":   {"BQ" + issued, "only an access token"},
		"a short word":   {"top-secret", "not a JSON object"},
		"tekore without": {"[DEFAULT]\nSPOTIFY_CLIENT_ID = top-secret\n", "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tokenformat.Parse([]byte(test.data))
			if !errors.Is(err, tokenformat.ErrUnknown) {
				t.Fatalf("got error %v, want ErrUnknown", err)
			}
			checkText(t, err, test.want)
		})
	}
}

// issued looks like a refresh token of Spotify's.
const issued = "AQDtop-secret_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func TestParsePassesOverUnknownKeys(t *testing.T) {
	for name, test := range map[string]struct {
		data   string
		format tokenformat.Format
		passed string
	}{
		"OpenID Connect":  {`{"access_token":"x","token_type":"Bearer","expires_at":1,"id_token":"x"}`, tokenformat.Spotipy, "id_token"},
		"tekore's token":  {`{"access_token":"x","token_type":"Bearer","expires_at":1,"refresh_token":"r","scope":"","uses_pkce":true}`, tokenformat.Spotipy, "uses_pkce"},
		"oauth2 and more": {`{"access_token":"x","expiry":"2026-11-24T13:30:00Z","client_id":"x","user":1}`, tokenformat.OAuth2, "client_id, user"},
		"secret as a key": {`{"access_token":"x","expires_at":1,"top-secret-9876543210":"","0":""}`, tokenformat.Rspotify, "a key that is not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			login, err := tokenformat.Parse([]byte(test.data))
			if err != nil || login.Token.AccessToken() != "x" || login.Format != test.format || strings.Join(login.Passed, ", ") != test.passed {
				t.Errorf("got %+v, %v", login, err)
			}
		})
	}
}

func TestParseLogins(t *testing.T) {
	for name, test := range map[string]struct {
		data string
		want tokenformat.Login
	}{
		"a refresh token":           {issued + "\n", tokenformat.Login{Format: tokenformat.RefreshToken}},
		"a refresh token, CRLF":     {" " + issued + "\r\n", tokenformat.Login{Format: tokenformat.RefreshToken}},
		"a refresh token, in JSON":  {`{"refresh_token":"` + issued + `"}`, tokenformat.Login{Format: tokenformat.RefreshToken}},
		"tekore":                    {"[DEFAULT]\nSPOTIFY_CLIENT_ID = id\nSPOTIFY_CLIENT_SECRET = hush\nSPOTIFY_REDIRECT_URI = http://localhost/cb\nSPOTIFY_USER_REFRESH = " + issued + "\n\n", tokenformat.Login{Format: tokenformat.Tekore, App: spotipie.Credentials{ClientID: "id", ClientSecret: "hush", RedirectURI: "http://localhost/cb"}}},
		"tekore, another section":   {"[mine]\r\nspotify_user_refresh=" + issued, tokenformat.Login{Format: tokenformat.Tekore}},
		"an answer, which is a day": {`{"access_token":"x","token_type":"Bearer","expires_in":3600,"refresh_token":"` + issued + `","scope":"user-top-read"}`, tokenformat.Login{Format: tokenformat.Answer}},
	} {
		t.Run(name, func(t *testing.T) {
			login, err := tokenformat.Parse([]byte(test.data))
			if err != nil {
				t.Fatal(err)
			}
			if login.Format != test.want.Format || login.RefreshToken != issued || login.App != test.want.App {
				t.Errorf("got %+v", login)
			}
			if (login.Token != nil) != (test.want.Format == tokenformat.Answer) {
				t.Errorf("token %v", login.Token)
			}
			if login.Token != nil && !login.Token.IsExpired(0) {
				t.Error("an answer of unknown age is taken to be fresh")
			}
		})
	}
}

func TestParseRefusesBadTokens(t *testing.T) {
	for name, test := range map[string]struct{ data, key string }{
		"spotipy, a number for a token": {`{"access_token":1,"token_type":"Bearer","expires_at":1}`, "access_token"},
		"spotipy, an empty token":       {`{"access_token":"","token_type":"Bearer","expires_at":1}`, "access_token"},
		"spotipy, a header in it":       {`{"access_token":"top-secret\r\nX: y","token_type":"Bearer","expires_at":1}`, "access_token"},
		"spotipy, MAC":                  {`{"access_token":"top-secret","token_type":"mac","expires_at":1}`, "token_type"},
		"spotipy, an absurd time":       {`{"access_token":"top-secret","token_type":"Bearer","expires_at":1e300}`, "expires_at"},
		"spotipy, an object as time":    {`{"access_token":"top-secret","token_type":"Bearer","expires_at":{}}`, "expires_at"},
		"python, a time as text":        {`{"access_token":"top-secret","state":null,"expires_at":"2026-11-24T13:30:00Z"}`, "expires_at"},
		"python, numbers as scope":      {`{"access_token":"top-secret","scope":[1],"expires_at":1}`, "scope"},
		"rspotify, no time":             {`{"access_token":"top-secret","expires_at":"soon"}`, "expires_at"},
		"rspotify, a negative lifetime": {`{"access_token":"top-secret","expires_in":-1,"expires_at":null}`, "expires_in"},
		"rspotify, false as time":       {`{"access_token":"top-secret","expires_at":false}`, "expires_at"},
		"oauth2, a number as time":      {`{"access_token":"top-secret","expiry":1}`, "expiry"},
		"oauth2, a far year":            {`{"access_token":"top-secret","expiry":"9999-11-24T13:30:00Z"}`, "expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tokenformat.Parse([]byte(test.data))
			var bad *spotipie.TokenFormatError
			if !errors.As(err, &bad) {
				t.Fatalf("got error %v, want a TokenFormatError", err)
			}
			if bad.Key != test.key {
				t.Errorf("key: got %q, want %q (%v)", bad.Key, test.key, err)
			}
			checkText(t, err, "")
		})
	}
}

func checkText(t *testing.T, err error, want string) {
	t.Helper()
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want it to contain %q", err, want)
	}
	if strings.Contains(err.Error(), "top-secret") {
		t.Errorf("the error quotes the file: %q", err)
	}
}

func TestLookup(t *testing.T) {
	for _, format := range tokenformat.Formats() {
		if got, err := tokenformat.Lookup(string(format)); got != format || err != nil {
			t.Errorf("%s: got %q, %v", format, got, err)
		}
		if format.Description() == "unknown" {
			t.Errorf("%s has no description", format)
		}
	}
	_, err := tokenformat.Lookup("tekore")
	if err == nil || !strings.Contains(err.Error(), "spotipy, python, rspotify, oauth2") {
		t.Errorf("got %v, want the names there are", err)
	}
}
