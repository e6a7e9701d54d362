package accounts_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// A printed service, app or option shows no secret, with any verb and in any log.
func TestNothingPrintsASecret(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login("")
	code := w.code()
	app := w.Apps()[0]
	opts := accounts.Options{Apps: w.Apps()}
	var printed bytes.Buffer
	for _, v := range []any{w.Service, app, &app, w.Apps(), opts, &opts} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).InfoContext(t.Context(), "logged", "value", v)
		}
	}
	if !strings.Contains(printed.String(), clientID) {
		t.Fatal("nothing was printed")
	}
	for _, secret := range []string{clientSecret, otherSecret, fmt.Sprintf("%x", clientSecret), token.AccessToken, token.RefreshToken, code} {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("printed %.6s...", secret)
		}
	}
}

// Codes are only in Location, and no page, error or statistic shows a secret.
func TestNoPageShowsASecret(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	page := w.authorize("scope", allScopes, "code_challenge", challenge, "code_challenge_method", "S256", "state", "very-secret-state")
	form := formToken(t, page)
	back := w.do(postForm(t.Context(), values("form_token", form, "user", "ada", "decision", "agree")))
	code := back.location(t).Query().Get("code")
	token := w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI, "code_verifier", verifier).tokens(t)

	w.ExpireAccessTokens()
	answers := []answer{
		page, back,
		w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI, "code_verifier", verifier),
		w.token("grant_type", "refresh_token", "refresh_token", token.RefreshToken),
		w.get("/v1/me", token.AccessToken),
		w.get("/v1/me/tracks", token.AccessToken),
		w.get("/_service/stats", token.AccessToken),
		w.authorize("redirect_uri", "https://x.example/"+code),
		w.do(postForm(t.Context(), values("form_token", form, "user", "ada", "decision", "agree"))),
	}
	secrets := []string{code, token.AccessToken, token.RefreshToken, verifier, clientSecret, "very-secret-state", challenge}
	for i, a := range answers {
		for name, values := range a.header {
			if name == "Location" {
				continue
			}
			a.body += strings.Join(values, "\n")
		}
		for _, secret := range secrets {
			if strings.Contains(a.body, secret) {
				t.Errorf("answer %d shows %.6s...", i, secret)
			}
		}
	}
}
