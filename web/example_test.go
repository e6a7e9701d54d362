package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// A whole app, with an accounts service and a browser.
func ExampleNew() {
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	defer app.Close()
	creds := spotipie.Credentials{ClientID: "id", ClientSecret: "secret", RedirectURI: app.URL + "/auth/callback"}
	service, err := accounts.New(&accounts.Options{
		AutoApprove: true, // as the user "ada"
		Apps:        []accounts.App{{ClientID: creds.ClientID, ClientSecret: creds.ClientSecret, RedirectURIs: []string{creds.RedirectURI}}},
	})
	if err != nil {
		panic(err)
	}
	spotify := httptest.NewServer(service)
	defer spotify.Close()

	keys, err := web.ParseKeys(web.GenerateKey()) // web.KeysFromEnv in a real app
	if err != nil {
		panic(err)
	}
	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: spotipie.Options{
		Store:       spotipie.NewMemoryStore(), // a database in a real app
		AccountsURL: spotify.URL, APIURL: spotify.URL,
	}})
	if err != nil {
		panic(err)
	}
	auth, err := web.New(pool, &web.Options{Keys: keys})
	if err != nil {
		panic(err)
	}
	mux.Handle("/auth/", auth)
	mux.Handle("/hello", auth.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := spotipie.CurrentUser(r.Context(), web.SessionFrom(r.Context()))
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		fmt.Fprintf(w, "Hello, %s!", user.DisplayName)
	})))

	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err)
	}
	browser := &http.Client{Jar: jar} // follows redirects: to login, Spotify, callback and back
	resp, err := browser.Get(app.URL + "/hello")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: Hello, Ada! <nil>
}
