// Command otherlibraries uses a session with libraries that do not know spotipie: as
// an *http.Client, which is the better way, and as a token source of
// golang.org/x/oauth2.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_CLIENT_SECRET=…
//	go run ./examples/otherlibraries
//
// To try it without Spotify, run "spotipie serve" and set the variables that it
// prints.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/spotipie/spotipie"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	creds, err := spotipie.ClientCredentialsFromEnv("")
	if err != nil {
		log.Fatal(err)
	}
	opts := spotipie.OptionsFromEnv("")
	apiURL := cmp.Or(opts.APIURL, spotipie.DefaultAPIURL)
	session, err := spotipie.NewClientCredentialsSession(creds, opts)
	if err != nil {
		log.Fatal(err)
	}

	// This client sends the token only to Spotify, and renews it.
	ask("http.Client", session.Client(), apiURL)

	// This client also gets its token from the session, but sends it to any host.
	ask("oauth2.TokenSource", oauth2.NewClient(ctx, session.TokenSource(ctx)), apiURL)

	if err := session.Close(ctx); err != nil {
		log.Fatal(err)
	}
}

// ask stands for the other library.
func ask(name string, client *http.Client, apiURL string) {
	resp, err := client.Get(apiURL + "/v1/search?q=moons&type=artist")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(name+":", resp.Status)
}
