package accounts_test

import (
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// fact is something that Spotify documents or that was observed.
type fact struct {
	row   string
	opts  accounts.Options
	check func(t *testing.T, w *world)
}

// TestSpotifyFacts has a test for each fact about Spotify that the service follows.
// Its name is the fact's section and row in the collection of facts.
func TestSpotifyFacts(t *testing.T) {
	for _, section := range []struct {
		name  string
		facts []fact
	}{
		{"2", authorizeRequestFacts()},
		{"3", redirectBackFacts()},
		{"4", tokenRequestFacts()},
		{"5", tokenResponseFacts()},
		{"6a", authorizeErrorFacts()},
		{"6b", tokenErrorFacts()},
		{"6c", apiErrorFacts()},
		{"7", limitFacts()},
		{"8", redirectURIFacts()},
		{"9", lifetimeFacts()},
		{"12a", developmentFacts()},
		{"12b", clientFacts()},
	} {
		t.Run(section.name, func(t *testing.T) {
			for _, f := range section.facts {
				t.Run(f.row, func(t *testing.T) { f.check(t, newWorld(t, f.opts)) })
			}
		})
	}
}

// approving returns options that agree without a page. The function change may change
// them.
func approving(change func(*accounts.Options)) accounts.Options {
	opts := accounts.Options{AutoApprove: true, Now: aMoment}
	if change != nil {
		change(&opts)
	}
	return opts
}

func legacy(o *accounts.Options) { o.Legacy = true }

// app gives the service one app with a redirect URI.
func app(redirectURI string) func(*accounts.Options) {
	return func(o *accounts.Options) {
		o.Apps = []accounts.App{{ClientID: clientID, ClientSecret: clientSecret, RedirectURIs: []string{redirectURI}}}
	}
}

// page expects an error page of the authorization endpoint.
func page(text string, pairs ...string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		w.authorize(pairs...).expect(t, 400, text, "Content-Type", "text/plain; charset=utf-8", "Location", "")
	}
}

// refusal expects an error of the token endpoint.
func refusal(code, description string, ask func(*world) answer) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		body := `{"error":"` + code + `"}`
		if description != "" {
			body = `{"error":"` + code + `","error_description":"` + description + `"}`
		}
		ask(w).expect(t, 400, body, "Content-Type", "application/json;charset=UTF-8", "Cache-Control", "no-store", "Pragma", "no-cache")
	}
}

// exchange exchanges a code for a token.
func (w *world) exchange(code string, pairs ...string) answer {
	w.t.Helper()
	return w.token(append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI}, pairs...)...)
}

// spentCode returns a code that was already exchanged.
func (w *world) spentCode() string {
	w.t.Helper()
	code := w.code()
	w.exchange(code).tokens(w.t)
	return code
}
