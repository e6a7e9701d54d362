// Command terminal signs a user in on a machine without a browser. It prints an
// address, which the user opens on any machine. Then the user pastes the address of
// the page at which the browser ends.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_REDIRECT_URI=http://127.0.0.1/callback
//	go run ./examples/terminal
//
// To try it without Spotify, run "spotipie serve" and set the variables that it
// prints.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/login"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	creds, err := spotipie.CredentialsFromEnv("")
	check(err)
	store, err := filestore.Open("", nil)
	check(err)
	opts := spotipie.OptionsFromEnv("")
	opts.Store, opts.Profile = store, "terminal"
	opts.Scope = spotipie.Scopes{spotipie.ScopeUserLibraryRead}
	session, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	check(err)
	token, err := login.Prompt(ctx, session, &login.Options{AppName: "The terminal example"})
	check(err)
	fmt.Println("You have agreed to:", token.Scope())
	check(session.Close(ctx))
}

func check(err error) {
	if errors.Is(err, context.Canceled) {
		os.Exit(130) // Ctrl-C
	} else if err != nil {
		log.Fatal(err)
	}
}
