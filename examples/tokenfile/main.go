// Command tokenfile greets the user, who signs in once. A listener writes every
// new token to a JSON file, which the Python package can read too.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_REDIRECT_URI=http://127.0.0.1:8080/callback
//	go run ./examples/tokenfile token.json
//
// Nothing listens at the redirect URI: copy the address of the page at which the
// browser ends. To try it without Spotify, run "spotipie serve" and set the
// variables that it prints. A file is for one process; use a store for several.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"

	"github.com/spotipie/spotipie"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: tokenfile FILE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := greet(ctx, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func greet(ctx context.Context, path string) error {
	creds, err := spotipie.CredentialsFromEnv("")
	if err != nil {
		return err
	}
	opts := spotipie.OptionsFromEnv("")
	opts.OnError = func(err error) { log.Print(err) } // for example, if a token could not be written
	session, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	if err != nil {
		return err
	}
	session.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
		return e.NewToken.WriteFile(path)
	})
	if err := restore(ctx, session, path); err != nil {
		return err
	}
	return errors.Join(sayHello(ctx, session), session.Close(ctx)) // Close waits for a running renewal
}
