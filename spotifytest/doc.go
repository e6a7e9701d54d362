// Package spotifytest runs the accounts service of package accounts in tests. It
// stands for Spotify, needs no account and no network, and agrees automatically. Tests
// can make it fail, and can move its time forward without waiting.
//
//	func TestMyProgram(t *testing.T) {
//		server := spotifytest.New(t)
//		session := server.Session(t) // a user has already agreed
//		resp, err := session.Request(t.Context(), "GET", "/v1/me", nil)
//		…
//	}
//
// A [Server] embeds the [accounts.Service] with all its methods. For example, Advance
// moves the time forward, QueueFault makes the next request fail, RevokeUser revokes a
// user's consent, Stats counts the requests, and Handle adds your own endpoint.
// [Server.SessionAs] is for tests with several users, whose names, pictures and
// libraries differ.
//
// A session made with [Server.Options] reads the server's clock, so Advance
// ages the tokens on both sides. To control all timers too, run the test in a
// bubble of testing/synctest with [NewInMemory], whose connections need no
// network.
//
// Programs that make their own sessions only need the address of the server:
// [Server].URL replaces both https://accounts.spotify.com and
// https://api.spotify.com.
package spotifytest
