package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func insecureTransport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the test's own server
}

// savedTracks returns the addresses of the tracks that a user has saved, from
// Spotify.
func (s *site) savedTracks(account string) []string {
	s.t.Helper()
	session := s.spotify.SessionAs(s.t, account)
	var urls []string
	for offset := 0; ; offset += 50 {
		resp, err := session.Request(s.t.Context(), http.MethodGet, fmt.Sprintf("/v1/me/tracks?limit=50&offset=%d", offset), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := spotipie.CheckResponse(resp); err != nil {
			s.t.Fatal(err)
		}
		var page struct {
			Items []struct {
				Track track `json:"track"`
			} `json:"items"`
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		if len(page.Items) == 0 {
			return urls
		}
		for _, item := range page.Items {
			urls = append(urls, item.Track.URLs.Spotify)
		}
	}
}

var trackLink = regexp.MustCompile(`href="(https://open\.spotify\.com/track/[^"]+)"`)

// allTracks follows the links through all pages of the saved tracks.
func (b *browser) allTracks() (urls []string) {
	b.t.Helper()
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	for path := "/tracks"; path != ""; {
		got := b.get(path)
		b.expect(got, http.StatusOK, "Saved tracks")
		for _, link := range trackLink.FindAllStringSubmatch(got.body, -1) {
			urls = append(urls, link[1])
		}
		path = ""
		if link := next.FindStringSubmatch(got.body); link != nil {
			path = link[1]
		}
	}
	return urls
}

// TestTwoUsers checks that each of two users sees their own data, on both replicas
// and at the same time.
func TestTwoUsers(t *testing.T) {
	s := newSite(t, siteOptions{})
	want := map[string][]string{"ada": s.savedTracks("ada"), "grace": s.savedTracks("grace")}
	if len(want["ada"]) < 20 || len(want["grace"]) == 0 || slices.Equal(want["ada"], want["grace"]) {
		t.Fatalf("the libraries have %d and %d tracks", len(want["ada"]), len(want["grace"]))
	}
	browsers := []*browser{s.browser("ada"), s.browser("grace")}
	for _, b := range browsers {
		b.signIn()
		b.get("/tracks") // the user agrees to another scope
		b.get("/playing")
	}
	names := map[string]string{"ada": "Ada", "grace": "Grace"}
	player := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, b := range browsers {
		all.Go(func() {
			for range 5 {
				b.expect(b.get("/"), http.StatusOK, "Hello, <bdi>"+names[b.account])
				b.expect(b.get("/account"), http.StatusOK, "<h1><bdi>"+names[b.account], "user <bdi>"+b.account)
				if got := b.allTracks(); !slices.Equal(got, want[b.account]) {
					t.Errorf("%s sees %d tracks, but not exactly their own %d", b.account, len(got), len(want[b.account]))
				}
				link := trackLink.FindString(b.get("/playing").body)
				mu.Lock()
				if before := player[b.account]; before != "" && before != link {
					t.Errorf("%s listens to %q, but listened to %q before", b.account, link, before)
				}
				player[b.account] = link
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if player["ada"] == "" || player["ada"] == player["grace"] {
		t.Errorf("they listen to %q", player)
	}
	if got := len(s.records()); got != 2 {
		t.Errorf("the store has %d authorizations", got)
	}
}

// TestNoSecretOnPages checks that no page has a token, and that the table of sessions
// does not have the browser's id.
func TestNoSecretOnPages(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	b.get("/tracks")
	record, ok, err := s.store.Load(t.Context(), s.records()[0])
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	var id string
	if err := s.db.QueryRow(t.Context(), "SELECT token FROM sessions").Scan(&id); err != nil {
		t.Fatal(err)
	}
	if id == "" || id == b.cookie().Value {
		t.Error("anybody who can read the table of sessions can sign in")
	}
	for _, path := range []string{"/", "/tracks", "/playing", "/account", "/account/delete", "/deleted", "/nowhere"} {
		got := b.get(path)
		if strings.Contains(got.body, record.Token.AccessToken()) || strings.Contains(got.body, record.Token.RefreshToken()) ||
			strings.Contains(got.body, b.cookie().Value) || strings.Contains(got.body, "its-secret-words") {
			t.Errorf("%s has a secret", path)
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s has headers %v", path, got.header)
		}
		policy := got.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}
}

func TestPageNumbers(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	total := len(s.savedTracks("ada"))
	last := (total + tracksPerPage - 1) / tracksPerPage
	for path, want := range map[string]int{
		"/tracks":                              1,
		"/tracks?page=2":                       2,
		fmt.Sprintf("/tracks?page=%d", last):   last,
		fmt.Sprintf("/tracks?page=%d", last+1): last,
		"/tracks?page=8000":                    last,
		"/tracks?page=8001":                    1,
		"/tracks?page=0":                       1,
		"/tracks?page=-1":                      1,
		"/tracks?page=x":                       1,
		"/tracks?page=99999999999999999":       1,
	} {
		b.expect(b.get(path), http.StatusOK, fmt.Sprintf("Page %d of %d", want, last), fmt.Sprintf("%d in all", total),
			fmt.Sprintf(`start="%d"`, (want-1)*tracksPerPage+1))
	}
}

// TestMoreScopes checks that the app asks for a page's scopes when a user visits the
// page, and not before.
func TestMoreScopes(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	b.expect(b.get("/account"), http.StatusOK, "allow-library", "allow-playback")
	b.expect(b.get("/tracks"), http.StatusOK, "Saved tracks")
	got := b.get("/account")
	b.expect(got, http.StatusOK, spotipie.ScopeUserLibraryRead.Description(), "allow-playback")
	if strings.Contains(got.body, "allow-library") {
		t.Error("the profile asks again although the user has agreed")
	}
	b.expect(b.get("/playing"), http.StatusOK, "Paused on <bdi>Kitchen")
	b.expect(b.get("/account"), http.StatusOK, spotipie.ScopeUserLibraryRead.Description(), spotipie.ScopeUserReadPlaybackState.Description())
	want := []string{"", "user-library-read", "user-library-read user-read-playback-state"}
	for i, scope := range b.asked {
		if i >= len(want) || scope.String() != want[i] {
			t.Fatalf("Spotify was asked for %q, want %q", b.asked, want)
		}
	}
	if len(b.asked) != len(want) {
		t.Errorf("Spotify was asked %d times", len(b.asked))
	}
}

// TestRevoked checks that a user who has removed the app is asked again, and then gets
// the page.
func TestRevoked(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	b.get("/tracks")
	s.spotify.ExpireAccessTokens()
	s.spotify.RevokeUser("app", "ada")
	b.expect(b.get("/tracks?page=2"), http.StatusOK, "Page 2 of")
}

// TestPlayer checks the page for each answer that Spotify may give about the player.
func TestPlayer(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"no player is on":  {http.StatusNoContent, "", "Nothing is playing"},
		"an advertisement": {http.StatusOK, `{"is_playing":true,"item":null}`, "Nothing is playing"},
		"a track":          {http.StatusOK, `{"is_playing":true,"item":{"name":"Moons","artists":[{"name":"A"},{"name":"B"}],"duration_ms":185000,"album":{"name":"Sky","images":[{"url":"https://i.scdn.co/large","width":640},{"url":"https://i.scdn.co/middle","width":300},{"url":"https://i.scdn.co/small","width":64}]}},"device":{"name":"Kitchen"}}`, `src="https://i.scdn.co/middle"`},
		"hostile texts":    {http.StatusOK, `{"is_playing":true,"item":{"name":"<script>x</script>","external_urls":{"spotify":"javascript:alert(1)"},"album":{"images":[{"url":"javascript:alert(2)"}]}}}`, "#ZgotmplZ"},
		"no JSON":          {http.StatusOK, `<html>`, "That did not work"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, siteOptions{})
			err := s.spotify.Handle("GET /v1/me/player", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			if err != nil {
				t.Fatal(err)
			}
			b := s.browser("ada")
			b.signIn()
			got := b.get("/playing")
			if !strings.Contains(got.body, test.want) || strings.Contains(got.body, "javascript:") {
				t.Errorf("%d, want %q in %s", got.status, test.want, got.main())
			}
		})
	}
}

func TestDuration(t *testing.T) {
	for milliseconds, want := range map[int]string{0: "0:00", 185_000: "3:05", 59_600: "1:00", 3_600_000: "60:00"} {
		if got := (track{Milliseconds: milliseconds}).Duration(); got != want {
			t.Errorf("%d ms are %s, want %s", milliseconds, got, want)
		}
	}
}

// TestBanner checks that every page tells users who must agree again within two weeks,
// and that they come back to the page after they have agreed.
func TestBanner(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	if got := b.get("/account"); strings.Contains(got.body, "banner\"") {
		t.Errorf("there is a banner on the first day: %s", got.body)
	}
	record, ok, err := s.store.Load(t.Context(), s.records()[0])
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	s.spotify.Advance(record.AuthorizedAt.AddDate(0, 6, 0).Sub(s.spotify.Now()) - 10*24*time.Hour - time.Hour)
	link := regexp.MustCompile(`within 10 days, .*<a id="banner" href="([^"]+)">Sign in again</a>`)
	for _, path := range []string{"/", "/account"} {
		found := link.FindStringSubmatch(b.get(path).body)
		if found == nil {
			t.Fatalf("%s has no banner: %s", path, b.get(path).body)
		}
		if path == "/account" {
			b.expect(b.get(html.UnescapeString(found[1])), http.StatusOK, "What you have allowed")
		}
	}
	if got := b.get("/account"); link.MatchString(got.body) {
		t.Error("the banner is still there after the user has agreed again")
	}
}
