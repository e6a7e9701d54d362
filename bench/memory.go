package main

import (
	"context"
	"math"
	"net/http"
	"runtime"
	"time"

	"github.com/spotipie/spotipie"
	"golang.org/x/oauth2"
)

// measureMemory measures the memory of a web app's sessions: one app, one set of
// options, and a session with its own token for each user. It compares the heap
// after a garbage collection before and after they are made.
//
// Strings do not count. All sessions share those of tokens, credentials and options. A
// session makes one string from them, the value of the Authorization header. It is
// measured separately and subtracted.
func measureMemory(_ context.Context, s settings) ([]row, error) {
	var failed error
	opts := &spotipie.Options{Scope: scopes(), Transport: http.DefaultTransport}
	session := func() *spotipie.AuthorizationCodeSession {
		session, err := spotipie.NewAuthorizationCodeSession(credentials(), opts)
		if err == nil {
			err = session.SetToken(context.Background(), newToken())
		}
		if err != nil {
			failed = err
		}
		return session
	}
	conf := &oauth2.Config{ClientID: credentials().ClientID, RedirectURL: credentials().RedirectURI}
	client := func() *http.Client {
		return conf.Client(context.Background(), &oauth2.Token{
			AccessToken: accessToken, RefreshToken: refreshToken, TokenType: "Bearer", Expiry: time.Now().Add(time.Hour),
		})
	}
	header := weigh(s.sessions, func() *string {
		value := string(append([]byte("Bearer "), accessToken...))
		return &value
	}) - pointerSize*2 // the string header has two words
	whole := weigh(s.sessions, session)
	weights := map[string][]float64{ours: {whole - header}, xoauth: {weigh(s.sessions, client)}}
	r := newRow("Idle session in memory, beside the strings", "B", weights).atMost(600)
	r.Note = "the session makes one string, which takes " + format(header, "B") + " more. x/oauth2: Config.Client with a shared Config."
	return []row{r}, failed
}

const pointerSize = 8

func scopes() spotipie.Scopes {
	return spotipie.Scopes{spotipie.ScopeUserLibraryRead, spotipie.ScopeUserReadEmail}
}

func newToken() *spotipie.Token {
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: accessToken, RefreshToken: refreshToken, ExpiresIn: time.Hour, Scope: scopes(),
	})
	if err != nil {
		return nil // SetToken refuses a nil token
	}
	return token
}

// weigh returns how many bytes of the heap each value takes that build makes.
func weigh[T any](n int, build func() *T) float64 {
	things := make([]*T, n)
	before := heap()
	for i := range things {
		things[i] = build()
	}
	after := heap()
	runtime.KeepAlive(things)
	return math.Round((float64(after) - float64(before)) / float64(n))
}

// heap returns how many bytes are in use after the garbage, finalizers and
// sync.Pools were collected.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
