// Command script searches for artists with the client credentials flow, without
// a user. The session fetches its own token.
//
//	export SPOTIPIE_CLIENT_ID=… SPOTIPIE_CLIENT_SECRET=…
//	go run ./examples/script radiohead
//
// To try it without Spotify, run "spotipie serve", set the variables that it
// prints, and search for "moons".
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: script WORDS…")
	}
	if err := search(strings.Join(os.Args[1:], " ")); err != nil {
		log.Fatal(err)
	}
}

func search(words string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	creds, err := spotipie.ClientCredentialsFromEnv("")
	if err != nil {
		return err
	}
	session, err := spotipie.NewClientCredentialsSession(creds, spotipie.OptionsFromEnv(""))
	if err != nil {
		return err
	}
	resp, err := session.Request(ctx, "GET", "/v1/search", &spotipie.RequestOptions{
		Params: url.Values{"q": {words}, "type": {"artist"}, "limit": {"5"}},
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := spotipie.CheckResponse(resp); err != nil {
		return err
	}
	var found struct {
		Artists struct{ Items []struct{ Name string } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		return fmt.Errorf("reading the search results: %w", err)
	}
	if len(found.Artists.Items) == 0 {
		fmt.Println("Nothing found.")
	}
	for _, artist := range found.Artists.Items {
		fmt.Println(artist.Name)
	}
	return session.Close(ctx)
}
