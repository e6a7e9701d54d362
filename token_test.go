package spotipie_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/spotipie/spotipie"
)

func TestNewToken(t *testing.T) {
	for name, test := range map[string]struct {
		fields spotipie.TokenFields
		key    string // of the error; empty if it is fine
	}{
		"least":                        {spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour}, ""},
		"bearer in lower case":         {spotipie.TokenFields{AccessToken: "a", TokenType: "bearer"}, ""},
		"a refresh token alone":        {spotipie.TokenFields{RefreshToken: "r", Scope: spotipie.Scopes{"user-top-read"}}, ""},
		"without it, but a lifetime":   {spotipie.TokenFields{RefreshToken: "r", ExpiresIn: time.Hour}, "access_token"},
		"without it, but an end":       {spotipie.TokenFields{RefreshToken: "r", ExpiresAt: time.Now().Add(time.Hour)}, "access_token"},
		"a bad refresh token alone":    {spotipie.TokenFields{RefreshToken: "a\r\nX: y"}, "refresh_token"},
		"nothing":                      {spotipie.TokenFields{}, "access_token"},
		"line break in access token":   {spotipie.TokenFields{AccessToken: "a\r\nX: y"}, "access_token"},
		"space in access token":        {spotipie.TokenFields{AccessToken: "a b"}, "access_token"},
		"not ASCII in access token":    {spotipie.TokenFields{AccessToken: "ä"}, "access_token"},
		"NUL in refresh token":         {spotipie.TokenFields{AccessToken: "a", RefreshToken: "\x00"}, "refresh_token"},
		"other type":                   {spotipie.TokenFields{AccessToken: "a", TokenType: "MAC"}, "token_type"},
		"negative lifetime":            {spotipie.TokenFields{AccessToken: "a", ExpiresIn: -1}, "expires_in"},
		"absurd lifetime":              {spotipie.TokenFields{AccessToken: "a", ExpiresIn: math.MaxInt64}, "expires_in"},
		"expiry before there were any": {spotipie.TokenFields{AccessToken: "a", ExpiresAt: time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC)}, "expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			tok, err := spotipie.NewToken(test.fields)
			expectTokenError(t, tok, err, test.key)
		})
	}
}

func expectTokenError(t *testing.T, tok *spotipie.Token, err error, key string) {
	t.Helper()
	var format *spotipie.TokenFormatError
	switch {
	case key == "" && (err != nil || tok == nil):
		t.Errorf("got %v, %v; want a token", tok, err)
	case key != "" && (!errors.As(err, &format) || format.Key != key && key != "whole" || tok != nil):
		t.Errorf("got %v, %v; want an error about %s", tok, err, key)
	}
}

func TestTokenExpiry(t *testing.T) {
	received := time.Now()
	tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if d := tok.ExpiresAt().Sub(received.Round(0)); d < time.Hour-2*time.Second || d > time.Hour-2*time.Second+time.Minute {
		t.Errorf("ExpiresAt is %s after it was received, want an hour less 2 s", d)
	}
	end := tok.ExpiresAt()
	for _, test := range []struct {
		at     time.Duration // from the end
		margin time.Duration
		want   bool
	}{
		{-3 * time.Second, spotipie.DefaultExpiryMargin, false},
		{-2 * time.Second, spotipie.DefaultExpiryMargin, true},
		{-time.Minute, time.Hour, true},
		{-time.Nanosecond, 0, false},
		{0, 0, true},
		{time.Second, -2 * time.Second, false},
		{-time.Minute, math.MaxInt64, true},
		{time.Minute, math.MinInt64, false},
		{math.MaxInt64, 0, true},
		{math.MinInt64, 0, false},
	} {
		if got := tok.IsExpiredAt(end.Add(test.at), test.margin); got != test.want {
			t.Errorf("%s from the end with margin %s: expired %t", test.at, test.margin, got)
		}
	}
	if tok.IsExpired(spotipie.DefaultExpiryMargin) || !tok.IsExpired(2*time.Hour) {
		t.Error("IsExpired does not use the given time")
	}
}

// pythonToken is what the Python package's OAuth2Token.to_json writes.
const pythonToken = `{"access_token": "BQabc", "expires_in": 3600, "scope": ["user-library-read", "user-read-email"], "state": null, "token_type": "Bearer", "expires_at": 1795550400.123456, "refresh_token": "AQxyz"}`

func TestTokenFromTheFileOfThePythonPackage(t *testing.T) {
	tok, err := spotipie.ReadTokenFile(filepath.Join("testdata", "python_token.json"))
	if err != nil {
		t.Fatal(err)
	}
	if tok.AccessToken() != "BQabc" || tok.RefreshToken() != "AQxyz" || tok.ExpiresIn() != time.Hour || tok.State() != "" ||
		tok.Type() != "Bearer" || tok.Scope().String() != "user-library-read user-read-email" ||
		!tok.ExpiresAt().Equal(time.UnixMicro(1795550400123456)) {
		t.Errorf("read %v", tok.Map())
	}
}

func TestTokenFileIsTheOneThePythonPackageReads(t *testing.T) {
	tok, err := spotipie.ParseTokenJSON([]byte(pythonToken))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "new", "folder", "token.json")
	if err := tok.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if json.Unmarshal(data, &got) != nil || json.Unmarshal([]byte(pythonToken), &want) != nil || len(got) != 7 {
		t.Fatalf("wrote %s", data)
	}
	for key := range want {
		g, _ := json.Marshal(got[key])
		if w, _ := json.Marshal(want[key]); string(g) != string(w) {
			t.Errorf("%s is %s, want %s", key, g, w)
		}
	}
	again, err := spotipie.ReadTokenFile(path)
	if err != nil || !again.Equal(tok) {
		t.Errorf("read again: %v, %v", again, err)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode().Perm(), want, err)
			}
		}
	}
}

// TestTokenFileOfAnEditor: editors on Windows write a byte order mark, which a parser may
// ignore (RFC 8259 section 8.1).
func TestTokenFileOfAnEditor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	if err := os.WriteFile(path, []byte("\xef\xbb\xbf"+pythonToken+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if tok, err := spotipie.ReadTokenFile(path); err != nil || tok.AccessToken() == "" {
		t.Errorf("got %v, %v", tok, err)
	}
}

func TestTokenFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty": "", "text": "secret-secret", "list": "[]", "null": "null", "cut": pythonToken[:80],
		"two objects": pythonToken + pythonToken, "unknown key": `{"access_token":"secret-secret","expires_in":1,"x":"secret-secret"}`,
		"large": `{"access_token":"` + strings.Repeat("secret-secret", 1<<17) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			tok, err := spotipie.ReadTokenFile(path)
			if err == nil || tok != nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, %v; want an error that names the file and quotes nothing", tok, err)
			}
		})
	}
	if _, err := spotipie.ReadTokenFile(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestTokenFromMap(t *testing.T) {
	stored := map[string]any{
		"access_token": "a", "expires_in": 3600, "scope": []string{"b", "a", "a"}, "state": nil,
		"token_type": "Bearer", "expires_at": 1795550400.5, "refresh_token": nil,
	}
	with := func(key string, value any) map[string]any {
		m := map[string]any{"access_token": "a", "expires_in": 3600}
		m[key] = value
		return m
	}
	for name, test := range map[string]struct {
		m      map[string]any
		ignore bool
		key    string
	}{
		"stored":                    {stored, false, ""},
		"answer":                    {map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "scope": "x y"}, false, ""},
		"unknown key":               {with("id_token", "x"), false, "id_token"},
		"unknown key ignored":       {with("id_token", "x"), true, ""},
		"nil map":                   {nil, false, "whole"},
		"no access token":           {map[string]any{"expires_in": 1}, false, "access_token"},
		"no lifetime":               {map[string]any{"access_token": "a"}, false, "expires_in"},
		"access token a number":     {with("access_token", 1), false, "access_token"},
		"refresh token a list":      {with("refresh_token", []any{}), false, "refresh_token"},
		"state a bool":              {with("state", true), false, "state"},
		"scope a number":            {with("scope", 1), false, "scope"},
		"scope a list of numbers":   {with("scope", []any{1}), false, "scope"},
		"lifetime text":             {with("expires_in", "3600"), false, "expires_in"},
		"lifetime NaN":              {with("expires_in", math.NaN()), false, "expires_in"},
		"lifetime infinite":         {with("expires_in", math.Inf(1)), false, "expires_in"},
		"lifetime negative":         {with("expires_in", -1), false, "expires_in"},
		"lifetime a huge number":    {with("expires_in", json.Number("1e400")), false, "expires_in"},
		"expiry text":               {with("expires_at", "now"), false, "expires_at"},
		"expiry before the epoch":   {with("expires_at", -5e9), false, "expires_at"},
		"expiry in a million years": {with("expires_at", 1e13), false, "expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			tok, err := spotipie.TokenFromMap(test.m, test.ignore)
			expectTokenError(t, tok, err, test.key)
		})
	}
	tok, err := spotipie.TokenFromMap(stored, false)
	if err != nil {
		t.Fatal(err)
	}
	again, err := spotipie.TokenFromMap(tok.Map(), false)
	if err != nil || !again.Equal(tok) || tok.Scope().String() != "a b" {
		t.Errorf("to a map and back: %v, %v", again, err)
	}
}

func TestTokenIsFrozen(t *testing.T) {
	scope := spotipie.Scopes{"b", "a"}
	tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	scope[0] = "changed"
	tok.Scope()[0] = "changed"
	fields := tok.Fields()
	fields.AccessToken, fields.Scope[0] = "changed", "changed"
	tok.Map()["access_token"] = "changed"
	if tok.AccessToken() != "a" || tok.Scope().String() != "a b" {
		t.Errorf("the token has changed: %v", tok.Map())
	}
	if err := json.Unmarshal([]byte(pythonToken), tok); err == nil || tok.AccessToken() != "a" {
		t.Errorf("UnmarshalJSON changed a token: %v", err)
	}
}

func TestTokenInJSONOfAnother(t *testing.T) {
	var envelope struct{ Token *spotipie.Token }
	if err := json.Unmarshal([]byte(`{"Token":`+pythonToken+`}`), &envelope); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := spotipie.ParseTokenJSON(data[len(`{"Token":`) : len(data)-1])
	if err != nil || !tok.Equal(envelope.Token) {
		t.Errorf("%v, %v", tok, err)
	}
	if data, err := json.Marshal(spotipie.Token{}); err != nil || string(data) != "null" {
		t.Errorf("no token: %s, %v", data, err)
	}
}

func TestTokenToAndFromOAuth2(t *testing.T) {
	tok, err := spotipie.ParseTokenJSON([]byte(pythonToken))
	if err != nil {
		t.Fatal(err)
	}
	again, err := spotipie.TokenFromOAuth2(tok.OAuth2())
	if err != nil || !again.Equal(tok) {
		t.Errorf("there and back: %v, %v", again, err)
	}
	if _, err := spotipie.TokenFromOAuth2(nil); err == nil {
		t.Error("nil became a token")
	}
	forever, err := spotipie.TokenFromOAuth2(&oauth2.Token{AccessToken: "a"})
	if err != nil || forever.ExpiresIn() != time.Hour || forever.IsExpired(0) {
		t.Errorf("without expiry: %v, %v", forever, err)
	}
	alone, err := spotipie.TokenFromOAuth2(&oauth2.Token{RefreshToken: "r"})
	if err != nil || alone.RefreshToken() != "r" || !alone.IsExpired(0) {
		t.Errorf("a refresh token alone: %v, %v", alone, err)
	}
	if _, err := spotipie.TokenFromOAuth2(&oauth2.Token{}); err == nil {
		t.Error("an empty token became one")
	}
}

func TestScopes(t *testing.T) {
	if got := spotipie.ParseScopes(" b, a\ta  b ").String(); got != "a b" {
		t.Errorf("ParseScopes: %q", got)
	}
	if s := spotipie.ParseScopes(""); len(s) != 0 || s.String() != "" {
		t.Errorf("of nothing: %q", s)
	}
	have := spotipie.Scopes{"c", "a"}
	if !have.Contains(spotipie.Scopes{"a"}) || have.Contains(spotipie.Scopes{"a", "b"}) || !have.Contains(nil) {
		t.Error("Contains")
	}
	if got := have.Missing(spotipie.Scopes{"d", "b", "a"}).String(); got != "b d" {
		t.Errorf("Missing: %q", got)
	}
	if !have.Equal(spotipie.Scopes{"a", "c", "c"}) || have.Equal(spotipie.Scopes{"a"}) {
		t.Error("Equal")
	}
	all := spotipie.AllScopes()
	if len(all) != 19 || !all.Equal(all.Normalize()) || all.String() != strings.Join(asStrings(all), " ") {
		t.Errorf("AllScopes is not sorted or not whole: %v", all)
	}
	for _, scope := range all {
		if !scope.Known() || scope.Description() == "" {
			t.Errorf("%s is not described", scope)
		}
	}
	if spotipie.Scope("user-read-minds").Known() {
		t.Error("an unknown scope is known")
	}
}

func asStrings(scopes spotipie.Scopes) []string {
	list := make([]string, len(scopes))
	for i, s := range scopes {
		list[i] = string(s)
	}
	return list
}

// TestStoredTokenWithoutLifetime reads a token without a lifetime. The time until its
// end must not become its lifetime.
func TestStoredTokenWithoutLifetime(t *testing.T) {
	token, err := spotipie.TokenFromMap(map[string]any{
		"access_token": "a", "expires_in": 0, "expires_at": time.Now().Add(2 * time.Hour).Unix(),
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	if token.ExpiresIn() != 0 {
		t.Errorf("its lifetime is %s, want 0", token.ExpiresIn())
	}
}
