// Package spotifytest runs the accounts service of package accounts for go
// test: a Spotify that needs no account and no network, agrees by itself, can
// be made to fail, and lets time pass without waiting.
//
//	func TestMyProgram(t *testing.T) {
//		server := spotifytest.New(t)
//		session := server.Session(t) // a user has agreed already
//		resp, err := session.Request(t.Context(), "GET", "/v1/me", nil)
//		…
//	}
//
// A [Server] embeds the [accounts.Service], so its knobs are the server's:
// Advance lets an hour pass, QueueFault makes the next request fail, RevokeUser
// takes a user's consent back, Stats counts what was asked, Handle adds an
// endpoint of your own. [Server.SessionAs] is for tests with several users, whose
// names, pictures and libraries differ.
//
// A session made with [Server.Options] reads the server's clock, so Advance
// ages both sides alike. To see the whole of time under control, run the test
// in a bubble of testing/synctest with [NewInMemory], whose connections need no
// network.
//
// Programs that build their own sessions need only be pointed at the server:
// [Server].URL stands for both https://accounts.spotify.com and
// https://api.spotify.com.
package spotifytest
