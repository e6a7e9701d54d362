// Command desktop prints the user's profile. The first time it opens a browser
// in which the user agrees. After that the authorization is in a file and
// renews itself.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_REDIRECT_URI=http://127.0.0.1/callback
//	go run ./examples/desktop
//
// To try it without Spotify, run "spotipie serve" and set the variables that it
// prints.
package main

import (
	"context"
	"errors"
	"io"
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
	opts.Store, opts.Profile = store, "desktop"
	session, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	check(err)
	_, err = login.Authorize(ctx, session, &login.Options{AppName: "The desktop example"})
	check(err)
	resp, err := session.Request(ctx, "GET", "/v1/me", nil)
	check(err)
	check(spotipie.CheckResponse(resp))
	_, err = io.Copy(os.Stdout, resp.Body)
	check(errors.Join(err, resp.Body.Close(), session.Close(ctx)))
}

func check(err error) {
	if errors.Is(err, context.Canceled) {
		os.Exit(130) // Ctrl-C
	} else if err != nil {
		log.Fatal(err)
	}
}
