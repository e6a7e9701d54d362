package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
)

// A program that starts again finds its authorization.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := filestore.Open(filepath.Join(dir, "spotipie"), nil) // "" is the user's config folder
	if err != nil {
		panic(err)
	}
	token, err := spotipie.ParseTokenJSON([]byte(`{"access_token": "BQC", "expires_in": 3600}`))
	if err != nil {
		panic(err)
	}
	creds := spotipie.Credentials{ClientID: "my-app", RedirectURI: "http://127.0.0.1:8080/callback"}
	for _, start := range []string{"first", "second"} {
		session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{Store: store, Profile: "default"})
		if err != nil {
			panic(err)
		}
		if start == "first" {
			_ = session.SetToken(context.Background(), token)
		}
		found, err := session.Token(context.Background())
		fmt.Println(start, found.AccessToken(), err)
		_ = session.Close(context.Background())
	}
	// Output:
	// first BQC <nil>
	// second BQC <nil>
}

// The records are sealed with a key from outside of the folder.
func ExampleKeyFromEnv() {
	_, err := filestore.KeyFromEnv("MY_APP_SEALING_KEY")
	fmt.Println(err)

	_ = os.Setenv("MY_APP_SEALING_KEY", "l1CkVTo6BbkONe9GPBsDTJ2cd1d7iLqxLlhVCTmYnhM=")
	defer os.Unsetenv("MY_APP_SEALING_KEY")
	key, err := filestore.KeyFromEnv("MY_APP_SEALING_KEY")
	fmt.Println(key, err)
	// Output:
	// filestore: environment variable MY_APP_SEALING_KEY: no sealing key there: make one with `openssl rand -base64 32`
	// Key(id b51a5f0672ce) <nil>
}
