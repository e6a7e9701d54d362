package login_test

import (
	"io"
	"testing"

	"github.com/spotipie/spotipie/login"
)

// BenchmarkAuthorize measures the time from the call to the token for a user who agrees
// at once: four requests of the browser, the exchange of the code, and the greeting.
func BenchmarkAuthorize(b *testing.B) {
	server := newServer(b, nil)
	session := newSession(b, server, nil)
	client := newBrowser(b).client()
	client.CheckRedirect = nil
	opts := &login.Options{
		ForceDialog: true, // from the second login on there is already a token
		Input:       noTerminal(b),
		Output:      io.Discard,
		Browser: func(address string) error {
			resp, err := client.Get(address)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		},
	}
	for b.Loop() {
		if _, err := login.Authorize(b.Context(), session, opts); err != nil {
			b.Fatal(err)
		}
	}
}
