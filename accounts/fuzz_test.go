package accounts_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// For any request, the token endpoint answers with JSON: a token, or an error with a
// code.
func FuzzTokenEndpoint(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	basic := "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	for _, seed := range []struct{ contentType, authorization, body string }{
		{form, basic, "grant_type=client_credentials"},
		{form, basic, "grant_type=authorization_code&code=AQ&redirect_uri=" + redirectURI},
		{form, "", "grant_type=authorization_code&client_id=" + publicID + "&code=AQ&code_verifier=" + verifier},
		{form, basic, "grant_type=refresh_token&refresh_token=AQ&scope=streaming"},
		{form, "Basic !!", "grant_type=refresh_token"},
		{form, basic, "grant_type=a&grant_type=b"},
		{form + "; charset=utf-8", basic, "grant_type=%zz&=;&"},
		{form, "", "grant_type=\xff\xfe\"\\\u2028<"},
		{"application/json", basic, `{"grant_type":"client_credentials"}`},
		{"", "", ""},
	} {
		f.Add(seed.contentType, seed.authorization, seed.body)
	}
	worlds := []*world{newWorld(f, accounts.Options{}), newWorld(f, accounts.Options{Legacy: true, RotateRefreshTokens: true})}
	f.Fuzz(func(t *testing.T, contentType, authorization, body string) {
		for _, w := range worlds {
			r := httptest.NewRequest("POST", "/api/token", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Authorization", authorization)
			recorder := httptest.NewRecorder()
			w.ServeHTTP(recorder, r)
			var got struct {
				Error       string `json:"error"`
				AccessToken string `json:"access_token"`
			}
			if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v in %q", err, recorder.Body)
			}
			if (got.AccessToken != "") != (recorder.Code == 200) || (got.Error != "") == (recorder.Code == 200) {
				t.Fatalf("status %d with %q", recorder.Code, recorder.Body)
			}
		}
	})
}
