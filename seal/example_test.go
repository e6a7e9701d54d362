package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
)

// A session saves its token through a sealed store. The database has no readable
// token.
func Example() {
	ctx := context.Background()
	database := spotipie.NewMemoryStore() // or any other store

	// "openssl rand -base64 32" made this key. Use KeysFromEnv or KeysFromFiles to
	// read it from a safe place.
	keys, err := seal.ParseKeys("l1CkVTo6BbkONe9GPBsDTJ2cd1d7iLqxLlhVCTmYnhM=")
	if err != nil {
		panic(err)
	}
	store, err := seal.New(database, keys, nil)
	if err != nil {
		panic(err)
	}
	creds := spotipie.Credentials{ClientID: "my-app", RedirectURI: "http://127.0.0.1:8080/callback"}
	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{Store: store, Profile: "ada"})
	if err != nil {
		panic(err)
	}
	token, err := spotipie.ParseTokenJSON([]byte(`{"access_token": "BQC", "expires_in": 3600}`))
	if err != nil {
		panic(err)
	}
	if err := session.SetToken(ctx, token); err != nil {
		panic(err)
	}

	inside, _, _ := database.Load(ctx, session.Key())
	fmt.Println("in the database: a token:", inside.Token != nil, "sealed with", inside.Sealed.Key)
	opened, _, _ := store.Load(ctx, session.Key())
	fmt.Println("through the store:", opened.Token.AccessToken())
	_ = session.Close(ctx)
	// Output:
	// in the database: a token: false sealed with b51a5f0672ce
	// through the store: BQC
}

// Rotate a key while the program runs: the new key encrypts, both keys decrypt, and
// Reseal leaves no record with the old key.
func ExampleStore_Reseal() {
	ctx := context.Background()
	database := spotipie.NewMemoryStore()
	const oldKey, newKey = "l1CkVTo6BbkONe9GPBsDTJ2cd1d7iLqxLlhVCTmYnhM=", "N0pQkD3yYq8ZJ1wU5m2sVbX7cR4tLhGfEaKoIuTzWxM="
	open := func(text string) *seal.Store {
		keys, err := seal.ParseKeys(text)
		if err != nil {
			panic(err)
		}
		store, err := seal.New(database, keys, nil)
		if err != nil {
			panic(err)
		}
		return store
	}
	token, _ := spotipie.ParseTokenJSON([]byte(`{"access_token": "BQC", "expires_in": 3600}`))
	key := spotipie.Key{ClientID: "my-app", Profile: "ada"}
	_, _ = open(oldKey).Swap(ctx, key, 0, spotipie.Record{Token: token, ClientID: "my-app"})

	report, err := open(newKey+" "+oldKey).Reseal(ctx, nil)
	fmt.Println(report, err)
	fmt.Println("the old key can go:", report.Done())

	_, _, err = open(oldKey).Load(ctx, key)
	fmt.Println("the old key alone:", errors.Is(err, seal.ErrUnknownKey))
	// Output:
	// 1 of 1 records: 1 sealed anew with the key "bd2f2ed6e003", 0 with it already, 0 gone <nil>
	// the old key can go: true
	// the old key alone: true
}

// To move from a local key to a key management service, use both. Records that the
// local key has sealed can still be opened.
func ExampleRing() {
	service := &keyService{}
	service.makeKey("spotify-1")
	server := httptest.NewTLSServer(service)
	defer server.Close()
	old, err := seal.ParseKeys("l1CkVTo6BbkONe9GPBsDTJ2cd1d7iLqxLlhVCTmYnhM=")
	if err != nil {
		panic(err)
	}
	ctx, dataKey := context.Background(), make([]byte, 32)
	oldName, wrapped, err := old.Wrap(ctx, dataKey)
	if err != nil {
		panic(err)
	}

	keys := seal.Ring(serviceKeys{server.Client(), server.URL, "spotify-1"}, old)
	newName, _, err := keys.Wrap(ctx, dataKey)
	fmt.Println("seals:", newName, err)
	opened, err := keys.Unwrap(ctx, oldName, wrapped)
	fmt.Println("opens what", oldName, "has sealed:", bytes.Equal(opened, dataKey), err)
	// Output:
	// seals: spotify-1 <nil>
	// opens what b51a5f0672ce has sealed: true <nil>
}
