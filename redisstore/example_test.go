package redisstore_test

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/redisstore"
)

func ExampleNew() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
	defer client.Close()
	store, err := redisstore.New(client, &redisstore.Options{Prefix: "myapp:spotify:"})
	if err != nil {
		fmt.Println(err)
		return
	}
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
