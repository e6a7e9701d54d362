package profile_test

import (
	"context"
	"fmt"
	"log"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/profile"
)

// A program for somebody who has run `spotipie login`.
func ExampleOpen() {
	ctx := context.Background()
	session, err := profile.Open(ctx, "", nil)
	if err != nil {
		log.Fatal(err) // "profile "default": nobody is signed in: run 'spotipie login'"
	}
	defer session.Close(ctx)
	user, err := spotipie.CurrentUser(ctx, session)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Hello,", user.DisplayName)
}
