package accounts_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// object returns the answer's JSON object.
func (a answer) object(t testing.TB) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil || a.status >= 300 {
		t.Fatalf("status %d, body %.300s", a.status, a.body)
	}
	return object
}

func fieldsOf(object any) string {
	return strings.Join(slices.Sorted(maps.Keys(object.(map[string]any))), " ")
}

// The profile shows what the scopes allow and, in development mode, less.
func TestMe(t *testing.T) {
	const always = "account_id display_name external_urls followers href id images type uri"
	const development = "account_id display_name external_urls href id images type uri"
	tests := []struct{ scope, want string }{
		{"", always},
		{"user-read-email", "account_id display_name email external_urls followers href id images type uri"},
		{"user-read-private", "account_id country display_name explicit_content external_urls followers href id images product type uri"},
		{"user-read-email user-read-private", "account_id country display_name email explicit_content external_urls followers href id images product type uri"},
	}
	for _, test := range tests {
		for want, mode := range map[string]*accounts.DevelopmentMode{test.want: nil, development: {}} {
			w := newWorld(t, accounts.Options{AutoApprove: true, DevelopmentMode: mode})
			if got := fieldsOf(w.get("/v1/me", w.login(test.scope).AccessToken).object(t)); got != want {
				t.Errorf("scope %q, development mode %v: fields %q, want %q", test.scope, mode != nil, got, want)
			}
		}
	}
}

// loginAs is login for one of the users.
func (w *world) loginAs(userID, scope string) tokens {
	w.t.Helper()
	if err := w.AutoApproveAs(userID); err != nil {
		w.t.Fatal(err)
	}
	return w.login(scope)
}

// No two users have the same name, picture, library or player, so that a test notices
// a mix-up. A new user has an empty library.
func TestUsersDiffer(t *testing.T) {
	w := newWorld(t, accounts.Options{Users: []accounts.User{
		{ID: "ada", DisplayName: "Ada", ImageURL: "/_service/pictures/ada.png", SavedTracks: 100},
		{ID: "grace", DisplayName: "Grace", ImageURL: "/_service/pictures/grace.png", SavedTracks: 100},
		{ID: "new"},
	}})
	seen := make(map[string]string)
	for _, user := range []string{"ada", "grace", "new"} {
		token := w.loginAs(user, allScopes).AccessToken
		me := w.get("/v1/me", token).object(t)
		answers := map[string]string{
			"id": me["id"].(string), "account_id": me["account_id"].(string), "name": me["display_name"].(string),
			"library": w.get("/v1/me/tracks?limit=50", token).body, "player": w.get("/v1/me/player", token).body,
		}
		for _, picture := range me["images"].([]any) {
			answers["picture"] = w.do(httptest.NewRequest("GET", picture.(map[string]any)["url"].(string), nil)).body
		}
		for what, value := range answers {
			if other := seen[what+value]; other != "" {
				t.Errorf("%s and %s have the same %s", user, other, what)
			}
			seen[what+value] = user
		}
	}
	library := w.get("/v1/me/tracks", w.loginAs("new", allScopes).AccessToken).object(t)
	if library["total"] != 0.0 || len(library["items"].([]any)) != 0 {
		t.Errorf("the library of somebody new: %v", library)
	}
}

func TestDefaultUsersDiffer(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	ada, grace := w.login(allScopes).AccessToken, w.loginAs("grace", allScopes).AccessToken
	if a, g := w.get("/v1/me/tracks", ada).object(t), w.get("/v1/me/tracks", grace).object(t); a["total"] != 144.0 || g["total"] != 60.0 {
		t.Errorf("ada has %v saved tracks and grace %v, want 144 and 60", a["total"], g["total"])
	}
}

// The account id stays the same when the id changes.
func TestAccountID(t *testing.T) {
	accountID := func(u accounts.User) string {
		w := newWorld(t, accounts.Options{AutoApprove: true, Users: []accounts.User{u}})
		return w.get("/v1/me", w.login("").AccessToken).object(t)["account_id"].(string)
	}
	ada := accountID(accounts.User{ID: "ada"})
	if len(ada) != 22 || strings.Contains(ada, "ada") || ada != accountID(accounts.User{ID: "ada", DisplayName: "A. L."}) {
		t.Errorf("account id %q", ada)
	}
	if got := accountID(accounts.User{ID: "lovelace", AccountID: ada}); got != ada {
		t.Errorf("after the id changed: account id %q, want %q", got, ada)
	}
	if accountID(accounts.User{ID: "lovelace"}) == ada {
		t.Error("two users have one account id")
	}
}

func TestPictures(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	a := w.do(httptest.NewRequest("GET", "/_service/pictures/ada.png", nil))
	picture, err := png.Decode(bytes.NewReader([]byte(a.body)))
	if err != nil || picture.Bounds().Dx() != 300 || a.header.Get("Content-Type") != "image/png" {
		t.Errorf("status %d, type %q, %v", a.status, a.header.Get("Content-Type"), err)
	}
	for path, want := range map[string]int{"eve.png": 404, "ada": 404, "": 404, "../stats": 404} {
		if a := w.do(httptest.NewRequest("GET", "/_service/pictures/"+path, nil)); a.status != want {
			t.Errorf("%s: status %d, want %d", path, a.status, want)
		}
	}
	if a := w.do(httptest.NewRequest("POST", "/_service/pictures/ada.png", nil)); a.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", a.status)
	}
}

// The profile has a picture if the user has one, and URLs escape the id.
func TestMePicture(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, Users: []accounts.User{{ID: "a b/c", ImageURL: "https://pictures.example/a.jpg"}}})
	a := w.get("/v1/me", w.login("").AccessToken)
	for _, want := range []string{`"images":[{"url":"https://pictures.example/a.jpg","height":300,"width":300}]`,
		`"id":"a b/c"`, `"uri":"spotify:user:a%20b%2Fc"`, `"href":"http://example.com/v1/users/a%20b%2Fc"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("profile %s lacks %s", a.body, want)
		}
	}
}
