// Command web is a small web app whose users sign in with Spotify, in one file.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_CLIENT_SECRET=… SPOTIPIE_REDIRECT_URI=http://127.0.0.1:8080/callback
//	go run ./examples/web
//
// It listens at the redirect URI, on a free port if the URI has none. With
// COOKIE_KEYS=$(openssl rand -base64 32) users stay signed in when it starts again.
// It keeps authorizations in memory; a real app keeps them in a database. To try it
// without Spotify, run "spotipie serve" and set the variables that it prints.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>spotipie example</title>
{{if .User}}<p>Hello, {{.User}}!</p>
{{if .Saved}}<p>You have {{.Saved}} saved tracks.</p>{{else}}<p><a href="/library">How many tracks have I saved?</a></p>{{end}}
<form method="post" action="/logout"><button>Sign out</button></form>
{{else}}<p>Nobody is signed in. <a href="/login">Sign in with Spotify</a></p>{{end}}
`

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	creds, err := spotipie.CredentialsFromEnv("")
	if err != nil {
		return err
	}
	listener, err := listen(&creds)
	if err != nil {
		return err
	}
	opts := spotipie.OptionsFromEnv("")
	opts.Store = spotipie.NewMemoryStore()
	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: *opts})
	if err != nil {
		return err
	}
	keys, err := web.ParseKeys(cmp.Or(os.Getenv("COOKIE_KEYS"), web.GenerateKey()))
	if err != nil {
		return err
	}
	auth, err := web.New(pool, &web.Options{Keys: keys, AppName: "The example"})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes(auth), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("Open http://%s/ (Ctrl-C ends it)\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return pool.Close(context.Background())
}

// routes are the whole app.
func routes(auth *web.Auth) http.Handler {
	html := template.Must(template.New("page").Parse(page))
	show := func(w http.ResponseWriter, r *http.Request, saved int) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		data := struct {
			User  string
			Saved int
		}{Saved: saved}
		if session := web.SessionFrom(r.Context()); session != nil {
			user, err := spotipie.CurrentUser(r.Context(), session)
			if err != nil {
				auth.Error(w, r, err)
				return
			}
			data.User = cmp.Or(user.DisplayName, user.ID)
		}
		if err := html.Execute(w, data); err != nil {
			log.Print(err)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/login", auth)
	mux.Handle("/callback", auth)
	mux.Handle("/logout", auth)
	mux.Handle("GET /{$}", auth.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { show(w, r, 0) })))
	mux.Handle("GET /library", auth.Require(spotipie.ScopeUserLibraryRead)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		saved, err := savedTracks(r.Context())
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		show(w, r, saved)
	})))
	return mux
}

// savedTracks asks the Web API how many tracks the user has saved.
func savedTracks(ctx context.Context) (int, error) {
	resp, err := web.SessionFrom(ctx).Request(ctx, http.MethodGet, "/v1/me/tracks?limit=1", nil)
	if err != nil {
		return 0, err
	}
	if err := spotipie.CheckResponse(resp); err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Total int `json:"total"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("reading the saved tracks: %w", err)
	}
	return answer.Total, nil
}

// listen listens at the redirect URI, which must be a loopback address, and puts the
// port into the redirect URI.
func listen(creds *spotipie.Credentials) (net.Listener, error) {
	if err := spotipie.ValidateRedirectURI(creds.RedirectURI); err != nil {
		return nil, err
	}
	u, err := url.Parse(creds.RedirectURI)
	if err != nil || u.Scheme != "http" || u.Path != "/callback" {
		return nil, errors.New("SPOTIPIE_REDIRECT_URI must be like http://127.0.0.1:8080/callback for this example")
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), u.Port()))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	u.Host = listener.Addr().String()
	creds.RedirectURI = u.String()
	return listener, nil
}
