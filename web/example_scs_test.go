package web_test

import (
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// scsSessions are sessions of github.com/alexedwards/scs. The whole app is
// wrapped in LoadAndSave.
type scsSessions struct{ *scs.SessionManager }

const userKey = "spotify_user"

func (s scsSessions) SignIn(_ http.ResponseWriter, r *http.Request, user string) error {
	if err := s.RenewToken(r.Context()); err != nil {
		return err
	}
	s.Put(r.Context(), userKey, user)
	return nil
}

func (s scsSessions) User(r *http.Request) (string, error) {
	return s.GetString(r.Context(), userKey), nil
}

func (s scsSessions) SignOut(_ http.ResponseWriter, r *http.Request) error {
	return s.Destroy(r.Context())
}

// An app with its own sessions.
func ExampleSessions() {
	keys, err := web.ParseKeys(web.GenerateKey()) // web.KeysFromEnv in a real app
	if err != nil {
		panic(err)
	}
	pool, err := spotipie.NewPool(spotipie.Credentials{
		ClientID: "id", ClientSecret: "secret", RedirectURI: "https://example.com/auth/callback",
	}, &spotipie.PoolOptions{Options: spotipie.Options{Store: spotipie.NewMemoryStore()}})
	if err != nil {
		panic(err)
	}
	manager := scs.New()
	manager.Cookie.Secure = true
	auth, err := web.New(pool, &web.Options{Keys: keys, Sessions: scsSessions{manager}})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	server := &http.Server{Handler: manager.LoadAndSave(mux)}
	_ = server // server.ListenAndServe()
	fmt.Println(auth.LoginURL("/library"))
	// Output: /auth/login?return_to=%2Flibrary
}
