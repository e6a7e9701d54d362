package login_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// offline returns a session for an accounts service that stands for Spotify's. Its user
// agrees at once.
func offline() (session *spotipie.AuthorizationCodeSession, stop func()) {
	service, err := accounts.New(&accounts.Options{AutoApprove: true})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(service)
	session, err = spotipie.NewAuthorizationCodeSession(
		spotipie.Credentials{ClientID: service.Apps()[0].ClientID, ClientSecret: service.Apps()[0].ClientSecret, RedirectURI: login.DefaultRedirectURI},
		&spotipie.Options{
			Scope:       spotipie.Scopes{spotipie.ScopeUserLibraryRead},
			AccountsURL: server.URL, APIURL: server.URL,
			Transport: &http.Transport{DisableKeepAlives: true},
		})
	if err != nil {
		panic(err)
	}
	return session, server.Close
}

// visit stands for the user's browser.
func visit(address string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func ExampleAuthorize() {
	session, stop := offline()
	defer stop()

	token, err := login.Authorize(context.Background(), session, &login.Options{
		AppName: "Tune Keeper",
		Browser: visit,      // default: the user's browser
		Output:  io.Discard, // default: os.Stderr
	})
	switch {
	case errors.Is(err, spotipie.ErrAccessDenied):
		fmt.Println("as you like")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println("granted:", token.Scope())
	}
	// Output: granted: user-library-read
}

func ExamplePrompt() {
	session, stop := offline()
	defer stop()

	null, err := os.Open(os.DevNull)
	if err != nil {
		panic(err)
	}
	defer null.Close()
	_, err = login.Prompt(context.Background(), session, &login.Options{
		Input: null, // default: os.Stdin
	})
	fmt.Println(errors.Is(err, login.ErrNoTerminal))
	// Output: true
}

func ExampleOptions_pages() {
	pages := template.Must(template.New("signed-in").Parse(`<!doctype html>
<html lang="en">
<title>Done</title>
<style nonce="{{.Nonce}}">h1 { color: {{.AccentColor}} }</style>
<h1>Welcome to {{.AppName}}, {{.User}}!</h1>
<p>You can close this tab.</p>
`))
	session, stop := offline()
	defer stop()
	_, err := login.Authorize(context.Background(), session, &login.Options{
		AppName: "Tune Keeper", AccentColor: "#b3261e", Pages: pages,
		Browser: visit, Output: io.Discard,
	})
	fmt.Println(err)
	// Output: <nil>
}
