// Command webapp is a web app whose users sign in with Spotify. It is made for
// production: sessions and authorizations are in PostgreSQL, so that any number of
// replicas can serve all users. For a smaller app in one file, see examples/web.
//
//	createdb tunekeeper
//	export DATABASE_URL=postgres:///tunekeeper
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_CLIENT_SECRET=… SPOTIPIE_REDIRECT_URI=http://127.0.0.1:8080/callback
//	cd examples/webapp && go run .
//
// To try it without Spotify, run "spotipie serve" and set the variables that it
// prints. If you copy it elsewhere, remove the "replace" line from its go.mod.
//
// With an https redirect URI it runs behind a proxy that ends TLS. Then set
// LISTEN_ADDRESS to the address where the proxy reaches it, such as :8080, and
// COOKIE_KEYS to the keys that all replicas share (openssl rand -base64 32). With an
// http redirect URI it listens at that URI, on a free port if the URI has none. If
// there is no key, it makes one.
//
// The files: app.go puts everything together. sessions.go remembers who is signed in,
// database.go has the tables, page.go the templates in pages/, and spotify.go the Web
// API. The pages are in home.go, tracks.go, playing.go and account.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alexedwards/scs/pgxstore"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, and then finishes running requests.
func run(ctx context.Context) error {
	creds, err := spotipie.CredentialsFromEnv("")
	if err != nil {
		return err
	}
	keys, err := cookieKeys(isHTTPS(creds))
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer db.Close()
	listener, err := listen(&creds, os.Getenv("LISTEN_ADDRESS"))
	if err != nil {
		return err
	}
	a, err := newApp(db, pgxstore.New(db), creds, spotipie.OptionsFromEnv(""), keys)
	if err != nil {
		return err
	}
	watching, stopWatching := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.pool.Run(watching)
	}()
	fmt.Printf("Open %s (Ctrl-C ends it)\n", home(creds))
	err = serve(ctx, listener, a.handler())
	stopWatching()
	<-done
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, a.close(closing))
}

// serve serves until ctx ends. Running requests then have ten seconds to finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(closing)
}

func isHTTPS(creds spotipie.Credentials) bool {
	u, err := url.Parse(creds.RedirectURI)
	return err == nil && u.Scheme == "https"
}

// home returns the address that users open.
func home(creds spotipie.Credentials) string {
	u, err := url.Parse(creds.RedirectURI)
	if err != nil {
		return creds.RedirectURI
	}
	return u.Scheme + "://" + u.Host + "/"
}

// cookieKeys returns the keys for the cookies of unfinished logins. Without https it
// makes a new key if there is none.
func cookieKeys(isHTTPS bool) (web.Keys, error) {
	keys, err := web.KeysFromEnv("COOKIE_KEYS")
	if errors.Is(err, web.ErrNoKey) && !isHTTPS {
		return web.ParseKeys(web.GenerateKey())
	}
	return keys, err
}

// listen listens at address. If it is empty, listen uses the redirect URI, which must
// then be a loopback address, and puts the port into it.
func listen(creds *spotipie.Credentials, address string) (net.Listener, error) {
	if err := spotipie.ValidateRedirectURI(creds.RedirectURI); err != nil {
		return nil, err
	}
	u, err := url.Parse(creds.RedirectURI)
	if err != nil {
		return nil, fmt.Errorf("reading the redirect URI: %w", err)
	}
	if address == "" {
		if u.Scheme != "http" {
			return nil, errors.New("LISTEN_ADDRESS is not set: with an https redirect URI it says where the proxy reaches this program, as :8080")
		}
		address = net.JoinHostPort(u.Hostname(), u.Port())
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if u.Scheme == "http" && u.Port() == "" {
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
		creds.RedirectURI = u.String()
	}
	return listener, nil
}
