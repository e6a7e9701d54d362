// Package interop holds tests alone: clients that were written by others and
// know nothing of this library, against its accounts service and its sessions,
// over TCP.
//
//   - golang.org/x/oauth2 and its clientcredentials package log in, refresh and
//     hand their tokens over;
//   - github.com/zmb3/spotify/v2, the usual Web API client, reads through
//     sessions and through its own spotifyauth.
//
// It is a module of its own so that none of them becomes a dependency of the
// library. Run it with
//
//	cd interop && go test -race ./...
package interop
