package login_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/login"
)

// TestHelperProgram is the program of
// TestWhatABrowserPrintsStaysOutOfTheProgramsOutput: it logs in with the
// defaults for browser and output.
func TestHelperProgram(t *testing.T) {
	server, clientID, ok := strings.Cut(os.Getenv(helperVariable), " ")
	if !ok {
		t.Skip("only run by another test")
	}
	session, err := spotipie.NewAuthorizationCodeSession(
		spotipie.Credentials{ClientID: clientID, RedirectURI: login.DefaultRedirectURI},
		&spotipie.Options{AccountsURL: server, APIURL: server})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := login.Authorize(context.Background(), session, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
