package pgstore_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/pgstore"
)

func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://app@127.0.0.1:5432/app")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	store, err := pgstore.New(pool, &pgstore.Options{Table: "myapp.spotify_authorizations"})
	if err != nil {
		fmt.Println(err)
		return
	}
	// At the start of the program: store.Migrate(ctx)
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
