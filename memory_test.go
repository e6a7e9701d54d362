package spotipie

import (
	"context"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// TestIdleSessionIsSmall measures the memory of a web backend's sessions, each with a
// saved token. It does not count strings: it subtracts the only string that a session
// makes itself, the value of the Authorization header.
func TestIdleSessionIsSmall(t *testing.T) {
	const sessions, limit = 20_000, 400
	a, err := newApp(Credentials{ClientID: "id", ClientSecret: "secret"}, &Options{Scope: Scopes{ScopeUserReadEmail}})
	if err != nil {
		t.Fatal(err)
	}
	held := make([]*AuthorizationCodeSession, sessions)
	before := heap()
	for i := range held {
		s := &AuthorizationCodeSession{}
		s.initFor(s, a, "profile", true)
		token, err := NewToken(TokenFields{AccessToken: "access", RefreshToken: "refresh", ExpiresIn: time.Hour})
		if err == nil {
			err = s.SetToken(context.Background(), token)
		}
		if err != nil {
			t.Fatal(err)
		}
		held[i] = s
	}
	const header = 16 // what "Bearer access" takes
	each := float64(heap()-before)/sessions - header
	t.Logf("%.0f B for each session; the session itself has %d", each, unsafe.Sizeof(*held[0]))
	if each > limit {
		t.Errorf("an idle session takes %.0f B beside its strings, want at most %d", each, limit)
	}
	runtime.KeepAlive(held)
}

// heap returns how many bytes are in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
