package spotipie_test

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func credentialsRows() rows {
	const class = "Credentials"
	fromEnv := func(t *testing.T) {
		t.Setenv("FROM_PYTHON_CLIENT_ID", "my-app")
		t.Setenv("FROM_PYTHON_CLIENT_SECRET", "my-secret")
		t.Setenv("FROM_PYTHON_REDIRECT_URI", "https://example.com/callback")
		if got, err := spotipie.CredentialsFromEnv("FROM_PYTHON"); err != nil || got != exampleCredentials() {
			t.Errorf("got %v, %v", got, err)
		}
	}
	built := func(t *testing.T) {
		s := construct[*spotipie.AuthorizationCodeSession](t, newCode, exampleCredentials(), nil)
		q, _ := authorizationQuery(t, s, nil)
		if s.ClientID() != "my-app" || s.ClientSecret() != "my-secret" || q.Get("redirect_uri") != "https://example.com/callback" {
			t.Errorf("session of %v: %v", exampleCredentials(), q)
		}
	}
	return rows{
		class: func(t *testing.T) {
			if text := exampleCredentials().String(); strings.Contains(text, "my-secret") || !strings.Contains(text, "my-app") {
				t.Errorf("prints %s", text)
			}
		},
		class + "(client_id)": built,
		class + "(client_secret)": func(t *testing.T) {
			built(t)
			creds := exampleCredentials()
			creds.ClientSecret = ""
			construct[spotipie.Session](t, newCode, creds, nil)
		},
		class + "(redirect_uri)": built,
		class + ".client_id":     fromEnv,
		class + ".client_secret": func(t *testing.T) {
			fromEnv(t)
			t.Setenv("FROM_PYTHON_CLIENT_SECRET", "")
			if got, err := spotipie.CredentialsFromEnv("FROM_PYTHON"); err != nil || got.ClientSecret != "" {
				t.Errorf("got %v, %v", got, err)
			}
		},
		class + ".redirect_uri":       fromEnv,
		class + ".from_environment()": fromEnv,
		class + ".from_environment(prefix='SPOTIPIE')": func(t *testing.T) {
			t.Setenv("SPOTIPIE_CLIENT_ID", "by-default")
			t.Setenv("SPOTIPIE_REDIRECT_URI", "https://example.com/callback")
			if got, err := spotipie.CredentialsFromEnv(""); err != nil || got.ClientID != "by-default" {
				t.Errorf("got %v, %v", got, err)
			}
			fromEnv(t)
		},
		class + ".from_environment() raises KeyError": func(t *testing.T) {
			for _, name := range []string{"FROM_PYTHON_CLIENT_ID", "FROM_PYTHON_REDIRECT_URI"} {
				fromEnv(t)
				t.Setenv(name, "")
				var missing *spotipie.MissingVariableError
				if _, err := spotipie.CredentialsFromEnv("FROM_PYTHON"); !errors.As(err, &missing) || missing.Name != name {
					t.Errorf("without %s: got error %v", name, err)
				}
			}
		},
		class + ".from_environment() → Credentials": fromEnv,
	}
}

func flowRows() rows {
	is := func(flow spotipie.Flow, value string) func(*testing.T) {
		return func(t *testing.T) {
			if got, err := spotipie.ParseFlow(value); err != nil || got != flow || string(flow) != value {
				t.Errorf("%q is %q, %v", value, got, err)
			}
		}
	}
	return rows{
		"Flow": is(spotipie.FlowClientCredentials, "client_credentials"),
		"Flow(value)": func(t *testing.T) {
			if got, err := spotipie.ParseFlow("password"); err == nil {
				t.Errorf("got %q", got)
			}
		},
		"Flow.CLIENT_CREDENTIALS": is(spotipie.FlowClientCredentials, "client_credentials"),
		"Flow.IMPLICIT_GRANT":     is(spotipie.FlowImplicitGrant, "implicit_grant"),
		"Flow.AUTHORIZATION_CODE": is(spotipie.FlowAuthorizationCode, "authorization_code"),
	}
}

// fullFields have a value for each parameter of OAuth2Token.
func fullFields() spotipie.TokenFields {
	return spotipie.TokenFields{
		AccessToken: "BQsecret", ExpiresIn: time.Hour, Scope: spotipie.ParseScopes("b a"), State: "state",
		TokenType: "Bearer", ExpiresAt: time.Unix(1795550400, 500_000_000), RefreshToken: "refresh",
	}
}

func makeToken(t *testing.T, f spotipie.TokenFields) *spotipie.Token {
	t.Helper()
	tok, err := spotipie.NewToken(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func tokenRows() rows {
	const class = "OAuth2Token"
	// part checks a parameter and the attribute of the same name.
	part := func(reads func(*spotipie.Token) bool) func(*testing.T) {
		return func(t *testing.T) {
			if tok := makeToken(t, fullFields()); !reads(tok) {
				t.Errorf("not what was given: %v", tok)
			}
		}
	}
	refused := func(change func(*spotipie.TokenFields), key string) func(*testing.T) {
		return func(t *testing.T) {
			f := fullFields()
			change(&f)
			tok, err := spotipie.NewToken(f)
			expectTokenError(t, tok, err, key)
		}
	}
	access := part(func(tok *spotipie.Token) bool { return tok.AccessToken() == "BQsecret" })
	lifetime := part(func(tok *spotipie.Token) bool { return tok.ExpiresIn() == time.Hour })
	scope := part(func(tok *spotipie.Token) bool { return slices.Equal(tok.Scope(), spotipie.Scopes{"a", "b"}) })
	state := part(func(tok *spotipie.Token) bool { return tok.State() == "state" })
	end := part(func(tok *spotipie.Token) bool { return tok.ExpiresAt().Equal(fullFields().ExpiresAt) })
	refresh := part(func(tok *spotipie.Token) bool { return tok.RefreshToken() == "refresh" })
	return rows{
		class: func(t *testing.T) {
			tok := makeToken(t, fullFields())
			if again := makeToken(t, tok.Fields()); !again.Equal(tok) || strings.Contains(tok.String(), "secret") {
				t.Errorf("%v is not %v", again, tok)
			}
		},
		class + "(access_token)": refused(func(f *spotipie.TokenFields) { f.AccessToken = "" }, "access_token"),
		class + "(expires_in)":   refused(func(f *spotipie.TokenFields) { f.ExpiresIn = -time.Second }, "expires_in"),
		class + "(scope)":        scope,
		class + "(state=None)":   state,
		class + "(token_type='Bearer')": func(t *testing.T) {
			f := fullFields()
			f.TokenType = ""
			if tok := makeToken(t, f); tok.Type() != "Bearer" {
				t.Errorf("type %q", tok.Type())
			}
			refused(func(f *spotipie.TokenFields) { f.TokenType = "mac" }, "token_type")(t)
		},
		class + "(expires_at=None)": func(t *testing.T) {
			end(t)
			f := fullFields()
			f.ExpiresAt = time.Time{}
			before := time.Now()
			tok := makeToken(t, f)
			if received := tok.ExpiresAt().Add(2*time.Second - time.Hour); received.Before(before.Round(0)) || received.After(time.Now()) {
				t.Errorf("expires at %s", tok.ExpiresAt())
			}
		},
		class + "(refresh_token=None)": refresh,
		class + ".access_token":        access,
		class + ".expires_in":          lifetime,
		class + ".scope":               scope,
		class + ".state":               state,
		class + ".token_type":          part(func(tok *spotipie.Token) bool { return tok.Type() == "Bearer" }),
		class + ".expires_at":          end,
		class + ".refresh_token":       refresh,
	}
}

// tokenConversionRows are the methods of OAuth2Token.
func tokenConversionRows() rows {
	const class = "OAuth2Token"
	fromMap := func(t *testing.T) {
		tok := makeToken(t, fullFields())
		if got, err := spotipie.TokenFromMap(tok.Map(), false); err != nil || !got.Equal(tok) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	toMap := func(t *testing.T) {
		keys := slices.Sorted(maps.Keys(makeToken(t, fullFields()).Map()))
		if got := strings.Join(keys, " "); got != "access_token expires_at expires_in refresh_token scope state token_type" {
			t.Errorf("keys %s", got)
		}
	}
	fromJSON := func(t *testing.T) {
		if tok, err := spotipie.ParseTokenJSON([]byte(pythonToken)); err != nil || tok.AccessToken() != "BQabc" {
			t.Errorf("got %v, %v", tok, err)
		}
	}
	files := func(t *testing.T) {
		tok, path := makeToken(t, fullFields()), filepath.Join(t.TempDir(), "new", "folder", "token.json")
		if err := tok.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		if got, err := spotipie.ReadTokenFile(path); err != nil || !got.Equal(tok) {
			t.Errorf("got %v, %v", got, err)
		}
		if got, err := spotipie.ReadTokenFile(filepath.Join("testdata", "python_token.json")); err != nil || got.RefreshToken() != "AQxyz" {
			t.Errorf("what Python wrote: got %v, %v", got, err)
		}
	}
	expired := func(t *testing.T) {
		f := fullFields()
		f.ExpiresAt = time.Now().Add(time.Minute)
		tok := makeToken(t, f)
		if tok.IsExpired(spotipie.DefaultExpiryMargin) || !tok.IsExpired(2*time.Minute) || spotipie.DefaultExpiryMargin != 2*time.Second {
			t.Errorf("%v, margin %s", tok, spotipie.DefaultExpiryMargin)
		}
		if !tok.IsExpiredAt(tok.ExpiresAt(), 0) || tok.IsExpiredAt(tok.ExpiresAt().Add(-time.Nanosecond), 0) {
			t.Error("the token ends at the wrong time")
		}
	}
	return rows{
		class + ".from_dict()":     fromMap,
		class + ".from_dict(data)": fromMap,
		class + ".from_dict(ignore_unknown_keys=False)": func(t *testing.T) {
			m := makeToken(t, fullFields()).Map()
			m["id_token"] = "x"
			tok, err := spotipie.TokenFromMap(m, false)
			expectTokenError(t, tok, err, "id_token")
			tok, err = spotipie.TokenFromMap(m, true)
			expectTokenError(t, tok, err, "")
		},
		class + ".from_dict() → OAuth2Token":  fromMap,
		class + ".from_json_string()":         fromJSON,
		class + ".from_json_string(string)":   fromJSON,
		class + ".from_json()":                files,
		class + ".from_json(path)":            files,
		class + ".to_dict()":                  toMap,
		class + ".to_dict() → Dict[str, Any]": toMap,
		class + ".to_json_string()": func(t *testing.T) {
			tok := makeToken(t, fullFields())
			data, err := json.Marshal(tok)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := spotipie.ParseTokenJSON(data); err != nil || !got.Equal(tok) {
				t.Errorf("%s became %v, %v", data, got, err)
			}
		},
		class + ".to_json()":            files,
		class + ".to_json(path)":        files,
		class + ".is_expired()":         expired,
		class + ".is_expired(margin=2)": expired,
		class + ".is_expired() → bool":  expired,
	}
}
