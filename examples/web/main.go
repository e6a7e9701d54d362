// Command web is a small web app whose users sign in with Spotify. It keeps one
// session per user in memory, and a random name for it in a cookie.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_CLIENT_SECRET=… SPOTIPIE_REDIRECT_URI=http://127.0.0.1:8080/callback
//	go run ./examples/web
//
// It listens where the redirect URI points; without a port there it takes a free
// one.
// To try it without Spotify, run "spotipie serve", take over the variables that
// it prints.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/spotipie/spotipie"
)

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
	a := newApp(creds)
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("Open http://%s/ (Ctrl-C ends it)\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return a.close()
}
