// Package interop tests this library with clients that others wrote. They know
// nothing of the library, and use its accounts service and its sessions over TCP.
// There are only tests here.
//
//   - golang.org/x/oauth2 and its clientcredentials package log in, refresh, and
//     hand over their tokens.
//   - github.com/zmb3/spotify/v2, the usual Web API client, reads through
//     sessions and through its own spotifyauth.
//
// The package is a separate module, so that none of them becomes a dependency of
// the library. Run it with
//
//	cd interop && go test -race ./...
package interop
