package tokenformat_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tokenformat"
)

func token(t *testing.T, f spotipie.TokenFields) *spotipie.Token {
	t.Helper()
	if f.AccessToken == "" {
		f.AccessToken = "access-me"
	}
	f.ExpiresAt, f.ExpiresIn = end, time.Hour
	token, err := spotipie.NewToken(f)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func ofUser(t *testing.T) *spotipie.Token {
	return token(t, spotipie.TokenFields{
		RefreshToken: "refresh-me",
		Scope:        spotipie.Scopes{spotipie.ScopeUserReadPrivate, spotipie.ScopeUserLibraryRead},
	})
}

// Encode writes the same bytes as the other library.
func TestEncode(t *testing.T) {
	for format, want := range map[tokenformat.Format]string{
		tokenformat.Spotipy: `{"access_token":"access-me","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-me",` +
			`"scope":"user-library-read user-read-private","expires_at":1795527000}`,
		tokenformat.Python: `{"access_token":"access-me","expires_in":3600,"scope":["user-library-read","user-read-private"],` +
			`"state":null,"token_type":"Bearer","expires_at":1795527000,"refresh_token":"refresh-me"}`,
		tokenformat.Rspotify: `{"access_token":"access-me","expires_in":3600,"expires_at":"2026-11-24T13:30:00Z",` +
			`"refresh_token":"refresh-me","scope":"user-library-read user-read-private"}`,
		tokenformat.OAuth2: `{"access_token":"access-me","token_type":"Bearer","refresh_token":"refresh-me",` +
			`"expiry":"2026-11-24T13:30:00Z","expires_in":3600}`,
	} {
		t.Run(string(format), func(t *testing.T) {
			got, err := tokenformat.Encode(ofUser(t), format)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want+"\n" {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Every exported file can be imported again, and its format is recognised.
func TestRoundTrip(t *testing.T) {
	for name, original := range map[string]*spotipie.Token{
		"of a user":          ofUser(t),
		"without refresh":    token(t, spotipie.TokenFields{Scope: spotipie.Scopes{spotipie.ScopeStreaming}}),
		"client credentials": token(t, spotipie.TokenFields{}),
		"odd characters":     token(t, spotipie.TokenFields{AccessToken: `<&>"\/'`, RefreshToken: "~!@#$%^&*()"}),
	} {
		for _, format := range tokenformat.Formats() {
			t.Run(fmt.Sprintf("%s as %s", name, format), func(t *testing.T) {
				data, err := tokenformat.Encode(original, format)
				if err != nil {
					t.Fatal(err)
				}
				login, err := tokenformat.Parse(data)
				if err != nil {
					t.Fatal(err)
				}
				got := login.Token
				if login.Format != format || len(login.Passed) > 0 {
					t.Errorf("recognised as %q, without %v", login.Format, login.Passed)
				}
				want := original.Fields()
				if format == tokenformat.OAuth2 { // which has no place for it
					want.Scope = nil
				}
				wanted, err := spotipie.NewToken(want)
				if err != nil {
					t.Fatal(err)
				}
				if !got.Equal(wanted) {
					t.Errorf("the token has changed on the way: %v, want %v", got, wanted)
				}
			})
		}
	}
}

func TestEncodeUnknownFormat(t *testing.T) {
	if data, err := tokenformat.Encode(ofUser(t), "tekore"); err == nil {
		t.Errorf("got %s, want an error", data)
	}
}

// No input crashes the parser. Its errors quote no input. Every accepted token can
// be written and read again in every format.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files to start from: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"access_token":"x","expires_at":-1.5,"scope":["b","a","a"],"state":""}`))
	f.Add([]byte("[DEFAULT]\nSPOTIFY_USER_REFRESH = " + issued))
	f.Add([]byte(`{"access_token":"x","expires_in":3600}`))
	f.Add([]byte(issued))
	f.Add([]byte(`{"access_token":"x","expiry":"0001-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		login, err := tokenformat.Parse(data)
		if err != nil {
			if login != nil {
				t.Fatal("a token beside an error")
			}
			if secret := []byte("access-me"); bytes.Contains(data, secret) && bytes.Contains([]byte(err.Error()), secret) {
				t.Fatalf("the error quotes the file: %v", err)
			}
			return
		}
		token, format := login.Token, login.Format
		if token == nil {
			if login.RefreshToken == "" {
				t.Fatalf("%s has neither a token nor a refresh token", format)
			}
			return
		}
		for _, other := range tokenformat.Formats() {
			encoded, err := tokenformat.Encode(token, other)
			if err != nil {
				t.Fatalf("%s to %s: %v", format, other, err)
			}
			back, err := tokenformat.Parse(encoded)
			if err != nil || back.Format != other {
				t.Fatalf("%s to %s and back: %+v, error %v\n%s", format, other, back, err, encoded)
			}
			again := back.Token
			if again.AccessToken() != token.AccessToken() || again.RefreshToken() != token.RefreshToken() {
				t.Fatalf("%s to %s: another token", format, other)
			}
			if off := again.ExpiresAt().Sub(token.ExpiresAt()).Abs(); off > time.Second {
				t.Fatalf("%s to %s: expires %v off", format, other, off)
			}
		}
	})
}
