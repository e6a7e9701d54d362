package accounts_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// The service's answers have the texts that docs/spotify-2026.md lists.
func TestDocumentOf2026(t *testing.T) {
	document, err := os.ReadFile("../docs/spotify-2026.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(document), "## What your app was told\n")
	table, _, _ = strings.Cut(table, "\n## ")
	today := newWorld(t, approving(nil))
	developing := newWorld(t, accounts.Options{Users: users("a", "b", "c", "d", "e", "f"), DevelopmentMode: &accounts.DevelopmentMode{DailyQuota: 1}})
	told := map[string]func() answer{
		"INVALID_CLIENT: Insecure redirect URI":    func() answer { return today.authorize("redirect_uri", "http://localhost:8080/callback") },
		"redirect_uri: Not matching configuration": func() answer { return today.authorize("redirect_uri", redirectURI+"/") },
		"response_type must be code":               func() answer { return today.authorize("response_type", "token") },
		"Refresh token expired": func() answer {
			token := today.login("").RefreshToken
			today.ExpireRefreshTokensOf("ada")
			return today.refresh(token)
		},
		"Refresh token revoked": func() answer {
			token := today.login("").RefreshToken
			today.RevokeUser(clientID, "ada")
			return today.refresh(token)
		},
		"refresh_token":                                  func() answer { return today.publicRefresh(today.publicLogin().RefreshToken) },
		"Missing/invalid/expired access token":           func() answer { return today.bearer("Bearer garbage") },
		"User not registered in the Developer Dashboard": func() answer { return developing.get("/v1/me", developing.consentAs("f", "").AccessToken) },
		"Active premium subscription required for the owner of the app.": func() answer {
			w := newWorld(t, development(func(m *accounts.DevelopmentMode) { m.OwnerWithoutPremium = true }))
			return w.get("/v1/artists/"+someArtist, w.appToken())
		},
		"Forbidden": func() answer { return developing.get("/v1/markets", developing.appToken()) },
		"QUOTA_EXCEEDED": func() answer {
			developing.get("/v1/artists/"+someArtist, developing.appToken())
			return developing.get("/v1/artists/"+someArtist, developing.appToken())
		},
		"API rate limit exceeded": func() answer {
			today.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI})
			return today.bearer("")
		},
	}
	rows := regexp.MustCompile("(?m)^\\| (no )?`([^`]+)`").FindAllStringSubmatch(table, -1)
	if len(rows) != len(told) {
		t.Errorf("the table has %d rows and the test %d", len(rows), len(told))
	}
	for _, row := range rows {
		ask := told[row[2]]
		if ask == nil {
			t.Errorf("the test does not know %q", row[2])
			continue
		}
		if a := ask(); strings.Contains(a.body, row[2]) == (row[1] == "no ") {
			t.Errorf("%q: the service says %d %s", row[2], a.status, a.body)
		}
	}
}

// The document lists every source that it refers to, and refers to every source that
// it lists.
func TestSourcesOfTheDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/spotify-2026.md")
	if err != nil {
		t.Fatal(err)
	}
	text, list, _ := strings.Cut(string(document), "## Sources\n")
	used := make(map[string]bool)
	for _, reference := range regexp.MustCompile(`\[(\d+)\]`).FindAllStringSubmatch(text, -1) {
		used[reference[1]] = true
	}
	listed := regexp.MustCompile(`(?m)^(\d+)\. <https://`).FindAllStringSubmatch(list, -1)
	for _, source := range listed {
		if !used[source[1]] {
			t.Errorf("source %s is not referred to", source[1])
		}
		delete(used, source[1])
	}
	if len(used) > 0 || len(listed) == 0 {
		t.Errorf("not listed: %v", used)
	}
}
