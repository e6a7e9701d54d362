package sqlitestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/sqlitestore"
)

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "my-app-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "spotify", "store.db"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	session, err := spotipie.NewAuthorizationCodeSession(
		spotipie.Credentials{ClientID: "my client id", RedirectURI: "http://127.0.0.1:8080/callback"},
		&spotipie.Options{Store: store, Profile: "ada"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(session.Flow())
	// Output: authorization_code
}

// List the users who must sign in again within two weeks, page by page.
func ExampleStore_Summaries() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "my-app-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "store.db"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	query := spotipie.SummaryQuery{AuthorizedBefore: time.Now().AddDate(0, -6, 14)}
	for {
		page, err := store.Summaries(ctx, query)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range page.Summaries {
			fmt.Println(s.Key.Profile, "until", s.ReauthorizeBy())
		}
		if query.After = page.Next; query.After == "" {
			fmt.Println("that is all")
			return
		}
	}
	// Output: that is all
}
