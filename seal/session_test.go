package seal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/spotifytest"
)

// heard gets the errors of Options.OnError.
type heard chan error

func (h heard) hear(err error) { h <- err }

// newSession returns a session for an in-memory server.
func newSession(t *testing.T, server *spotifytest.Server, store spotipie.Store, h heard) *spotipie.AuthorizationCodeSession {
	t.Helper()
	opts := server.Options()
	opts.Store, opts.Profile = store, "ada"
	if h != nil {
		opts.OnError = h.hear
	}
	s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

// signedIn returns the token of another login.
func signedIn(t *testing.T, server *spotifytest.Server) *spotipie.Token {
	t.Helper()
	return server.Session(t).CurrentToken()
}

func newServer(t *testing.T) *spotifytest.Server {
	return spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
}

// A renewal does not replace a record that cannot be opened, whether the session has just
// started or has the token in memory.
func TestRenewalLeavesAloneWhatCannotBeOpened(t *testing.T) {
	server, inner, keys := newServer(t), spotipie.NewMemoryStore(), newKeys(t)
	first := newSession(t, server, over(t, inner, keys, nil), nil)
	server.Login(t, first)
	before := stored(t, inner, first.Key())

	stranger := newSession(t, server, over(t, inner, newKeys(t), nil), nil)
	for what, ask := range map[string]func(context.Context) (*spotipie.Token, error){
		"Token": stranger.Token, "RefreshToken": stranger.RefreshToken,
		"Load": func(ctx context.Context) (*spotipie.Token, error) { _, err := stranger.Load(ctx); return nil, err },
	} {
		_, err := ask(t.Context())
		var failed *seal.Error
		var storeErr *spotipie.StoreError
		if !errors.As(err, &failed) || !errors.Is(err, seal.ErrUnknownKey) || !errors.As(err, &storeErr) {
			t.Errorf("%s: %v, want a *StoreError with ErrUnknownKey", what, err)
			continue
		}
		if failed.KeyName != before.Sealed.Key || failed.Key != first.Key() {
			t.Errorf("%s: the error is about %s and the key %s", what, failed.Key, failed.KeyName)
		}
	}
	// Another process saves with another key. The first session still has its token.
	rec := stored(t, over(t, inner, keys, nil), first.Key())
	version, err := over(t, inner, newKeys(t), nil).Swap(t.Context(), first.Key(), rec.Version, rec)
	if err != nil {
		t.Fatal(err)
	}
	server.Advance(2 * time.Hour)
	if _, err := first.Token(t.Context()); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("a session with a token in memory: %v, want ErrUnknownKey", err)
	}
	if after := stored(t, inner, first.Key()); after.Version != version {
		t.Error("the record was replaced")
	}
	if n := server.Stats().TokenRequests.RefreshToken; n != 0 {
		t.Errorf("%d refresh tokens were used up", n)
	}
}

func TestSealedRecordsThatArePutBack(t *testing.T) {
	files, keys := openFiles(t), newKeys(t)
	storecheck.FilesArePutBack(t, func() spotipie.Store { return over(t, files, keys, nil) }, files.Path)
}

// A login replaces a record that cannot be opened, because it is the user's newer
// decision. OnError is called.
func TestLoginReplacesWhatCannotBeOpened(t *testing.T) {
	for _, test := range []struct {
		name string
		keys func(t *testing.T, inner spotipie.Store, key spotipie.Key)
		want error
	}{
		{"sealed with a key that is lost", func(t *testing.T, inner spotipie.Store, key spotipie.Key) {
			put(t, over(t, inner, newKeys(t), nil), key, storecheck.Record(t, "old"))
		}, seal.ErrUnknownKey},
		{"in the clear", func(t *testing.T, inner spotipie.Store, key spotipie.Key) {
			put(t, inner, key, storecheck.Record(t, "old"))
		}, seal.ErrNotSealed},
		{"damaged", func(t *testing.T, inner spotipie.Store, key spotipie.Key) {
			put(t, inner, key, spotipie.Record{Sealed: &spotipie.SealedRecord{Key: "x", DataKey: []byte("x"), Data: nil}})
		}, seal.ErrDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, inner, keys := newServer(t), spotipie.NewMemoryStore(), newKeys(t)
			h := make(heard, 10)
			session := newSession(t, server, over(t, inner, keys, nil), h)
			test.keys(t, inner, session.Key())
			server.Login(t, session)
			if rec := stored(t, over(t, inner, keys, nil), session.Key()); !rec.Token.Equal(session.CurrentToken()) {
				t.Errorf("the store has %v", rec)
			}
			if err := <-h; !errors.Is(err, test.want) || !strings.Contains(err.Error(), "replaces a stored record") {
				t.Errorf("OnError has heard %v, want %v", err, test.want)
			}
			next := newSession(t, server, over(t, inner, keys, nil), nil)
			if _, err := next.RefreshToken(t.Context()); err != nil {
				t.Errorf("the next session cannot renew: %v", err)
			}
		})
	}
}

// A login does not replace a record that can perhaps be opened later. The session uses the
// new token, and saves it when the keys work again.
func TestLoginWaitsForKeysThatFail(t *testing.T) {
	server, inner, keys := newServer(t), spotipie.NewMemoryStore(), newService(t)
	put(t, over(t, inner, keys, nil), spotipie.Key{ClientID: server.Credentials().ClientID, Profile: "ada"}, storecheck.Record(t, "old"))
	session := newSession(t, server, over(t, inner, keys, nil), nil)
	before := stored(t, inner, session.Key())
	token := signedIn(t, server)
	keys.failing.Store(true)
	if err := session.SetToken(t.Context(), token); !errors.Is(err, errService) {
		t.Errorf("SetToken: %v, want that the keys have failed", err)
	}
	if !session.CurrentToken().Equal(token) {
		t.Error("the token is not in use")
	}
	if after := stored(t, inner, session.Key()); after.Version != before.Version {
		t.Error("the record was replaced")
	}
	changes, err := inner.Watch(t.Context(), session.Key())
	if err != nil {
		t.Fatal(err)
	}
	keys.failing.Store(false)
	<-changes
	if rec := stored(t, over(t, inner, keys, nil), session.Key()); !rec.Token.Equal(token) {
		t.Errorf("the store has %v", rec)
	}
}

// A session does not ask Spotify for a token that could not be sealed.
func TestNothingIsAskedForThatCouldNotBeSealed(t *testing.T) {
	server, inner, keys := newServer(t), openFiles(t), newService(t)
	session := newSession(t, server, over(t, inner, keys, nil), nil)
	server.Login(t, session)
	keys.failing.Store(true)
	server.Advance(2 * time.Hour)
	if _, err := session.Token(t.Context()); !errors.Is(err, errService) {
		t.Errorf("Token: %v, want that the keys have failed", err)
	}
	if n := server.Stats().TokenRequests.RefreshToken; n != 0 {
		t.Errorf("%d refresh tokens were used up", n)
	}
	keys.failing.Store(false)
	wraps := keys.wraps.Load()
	next := newSession(t, server, over(t, inner, keys, nil), nil)
	if _, err := next.RefreshToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := keys.wraps.Load() - wraps; n != 1 {
		t.Errorf("a renewal has %d data keys encrypted, want 1", n)
	}
}
