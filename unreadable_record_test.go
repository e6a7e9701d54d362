package spotipie_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
)

// unreadableStore has a record that it cannot read.
type unreadableStore struct {
	*spotipie.MemoryStore
	version     uint64 // of the record
	replaceable bool   // Load returns the record's version with its error
}

var errUnreadable = errors.New("the record is written in invisible ink")

func newUnreadableStore(t *testing.T, key spotipie.Key, replaceable bool) *unreadableStore {
	t.Helper()
	memory := spotipie.NewMemoryStore()
	version, err := memory.Swap(t.Context(), key, 0, spotipie.Record{ClientID: key.ClientID})
	if err != nil {
		t.Fatal(err)
	}
	return &unreadableStore{memory, version, replaceable}
}

func (u *unreadableStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := u.MemoryStore.Load(ctx, key)
	switch {
	case err != nil || u.version == 0 || rec.Version != u.version:
		return rec, found, err
	case u.replaceable:
		return spotipie.Record{Version: rec.Version}, true, errUnreadable
	}
	return spotipie.Record{}, false, errUnreadable
}

// Check returns what a wrapper returns if its store has no Check.
func (u *unreadableStore) Check(context.Context, spotipie.Key) error { return errors.ErrUnsupported }

func (u *unreadableStore) isUntouched(t *testing.T, key spotipie.Key) bool {
	t.Helper()
	rec, found, err := u.MemoryStore.Load(t.Context(), key)
	return err == nil && found && rec.Version == u.version
}

func TestLoginOverARecordThatCannotBeRead(t *testing.T) {
	for name, replaceable := range map[string]bool{"the store has its version": true, "the store does not know": false} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.New(t)
			key := spotipie.Key{ClientID: server.Credentials().ClientID, Profile: "ada"}
			store, told := newUnreadableStore(t, key, replaceable), make(chan error, 10)
			s := newSession(t, server, func(o *spotipie.Options) {
				stored(store)(o)
				o.OnError = func(err error) { told <- err }
			})
			tok := signedIn(t, server, nil).CurrentToken()
			err := s.SetToken(t.Context(), tok)
			if !s.CurrentToken().Equal(tok) {
				t.Error("the token is not in use")
			}
			if !replaceable {
				if !errors.Is(err, errUnreadable) || !store.isUntouched(t, key) {
					t.Errorf("SetToken: %v; replaced: %t", err, !store.isUntouched(t, key))
				}
				return
			}
			if err != nil || !load(t, s, store).Token.Equal(tok) {
				t.Errorf("SetToken: %v", err)
			}
			if err := <-told; !errors.Is(err, errUnreadable) {
				t.Errorf("OnError has heard %v", err)
			}
			server.Advance(2 * time.Hour)
			if _, err := s.Token(t.Context()); err != nil { // although the store cannot check
				t.Errorf("the next renewal: %v", err)
			}
		})
	}
}

// A process without the keys saves no login in plain text over a sealed record.
func TestLoginOverASealedRecord(t *testing.T) {
	server := spotifytest.New(t)
	key := spotipie.Key{ClientID: server.Credentials().ClientID, Profile: "ada"}
	memory, told := spotipie.NewMemoryStore(), make(chan error, 100)
	version, err := memory.Swap(t.Context(), key, 0, spotipie.Record{ClientID: key.ClientID, Sealed: &spotipie.SealedRecord{Key: "2026"}})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, server, func(o *spotipie.Options) {
		stored(memory)(o)
		o.OnError = func(err error) { told <- err }
	})
	tok := signedIn(t, server, nil).CurrentToken()
	var mismatch *spotipie.RecordMismatchError
	err = s.SetToken(t.Context(), tok)
	if !errors.As(err, &mismatch) || !errors.Is(err, spotipie.ErrUnreadableRecord) || !s.CurrentToken().Equal(tok) {
		t.Errorf("SetToken: %v", err)
	}
	select {
	case err := <-told: // saving goes on
		if !errors.Is(err, spotipie.ErrUnreadableRecord) {
			t.Errorf("OnError has heard %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("OnError was not called")
	}
	rec, found, err := memory.Load(t.Context(), key)
	if err != nil || !found || rec.Version != version {
		t.Errorf("the record was replaced: %v, %t, %v", rec, found, err)
	}
	if err := s.Logout(t.Context()); err != nil { // nothing becomes readable
		t.Errorf("Logout: %v", err)
	}
	if _, found, err := memory.Load(t.Context(), key); found || err != nil {
		t.Errorf("after the logout: found %t, error %v", found, err)
	}
}

func TestLogoutOverARecordThatCannotBeRead(t *testing.T) {
	server := spotifytest.New(t)
	key := spotipie.Key{ClientID: server.Credentials().ClientID, Profile: "ada"}
	store := newUnreadableStore(t, key, true)
	if err := newSession(t, server, stored(store)).Logout(t.Context()); err != nil {
		t.Errorf("Logout: %v", err)
	}
	if _, found, err := store.Load(t.Context(), key); found || err != nil {
		t.Errorf("after the logout: found %t, error %v", found, err)
	}
}

// A renewal is not a decision of the user, so it must not replace the record.
func TestRenewalOverARecordThatCannotBeRead(t *testing.T) {
	server := spotifytest.NewWith(t, rotating())
	memory := spotipie.NewMemoryStore()
	store := &unreadableStore{MemoryStore: memory, replaceable: true}
	s := newSession(t, server, stored(store))
	server.Login(t, s)
	key := spotipie.Key{ClientID: s.ClientID(), Profile: "ada"}
	rec := load(t, s, memory)
	var err error
	if store.version, err = memory.Swap(t.Context(), key, rec.Version, rec); err != nil {
		t.Fatal(err)
	}
	server.Advance(2 * time.Hour)
	if _, err := s.Token(t.Context()); !errors.Is(err, errUnreadable) {
		t.Errorf("Token: %v, want that the record cannot be read", err)
	}
	if !store.isUntouched(t, key) || server.Stats().TokenRequests.RefreshToken != 0 {
		t.Error("the record was replaced, or a refresh token used up")
	}
}
