package spotipie_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func TestRenewalUsesTheNewestRecordThereIsUnderTheLock(t *testing.T) {
	for name, ask := range renewingCalls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Second)
				time.Sleep(time.Hour)
				store.lock.set(once(func() { // while s waits for the lock, others renew twice
					change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("older", "R-older", time.Second) })
					if _, err := s.Load(context.Background()); err != nil { // as Watch does
						t.Errorf("Load: %v", err)
					}
					change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("newest", "R-newest", time.Hour) })
				}))
				if tok, err := ask(t.Context(), s); err != nil || tok.AccessToken() != "newest" {
					t.Errorf("got %s, %v", tokenNames(tok), err)
				}
				expectRequests(t, spotify, 0)
			})
		})
	}
}

func TestSlowLoadDoesNotBringAnOlderTokenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Second)
		time.Sleep(time.Hour)
		change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("older", "R-older", time.Second) })
		slow := once(func() { time.Sleep(time.Second) })
		store.loaded.set(func() { _ = slow(t.Context()) })
		go func() { _, _ = s.Load(t.Context()) }()
		synctest.Wait() // Load has read the older record
		change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("newest", "R-newest", time.Hour) })
		token(t, s)
		time.Sleep(time.Minute)
		expectTokens(t, s, store, "newest", "R-newest")
		expectRequests(t, spotify, 0)
	})
}

// serializingStore returns records like a store that keeps JSON: two reads give two
// different *Tokens.
type serializingStore struct{ spotipie.Store }

func (s serializingStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := s.Store.Load(ctx, key)
	if !found || err != nil {
		return rec, found, err
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return rec, false, err
	}
	rec = spotipie.Record{}
	return rec, true, json.Unmarshal(data, &rec)
}

// TestSameTokenSavedAgainIsNoNewToken lets another session save the same token again
// while it is being replaced. That must not count as a new token.
func TestSameTokenSavedAgainIsNoNewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		spotify.api = func(req *http.Request) (*http.Response, error) {
			if req.Header.Get("Authorization") == "Bearer A1" {
				return respond(req, http.StatusUnauthorized, "{}", "WWW-Authenticate", `Bearer error="invalid_token"`), nil
			}
			return respond(req, http.StatusOK, "{}"), nil
		}
		s := offline(t, spotify, serializingStore{store}, nil)
		other := offline(t, spotify, serializingStore{store}, nil)
		set(t, other, time.Hour)
		token(t, s)
		if err := other.SetToken(t.Context(), other.CurrentToken()); err != nil {
			t.Fatal(err)
		}
		if tok, err := s.RefreshToken(t.Context()); err != nil || tok.AccessToken() != "A1" {
			t.Errorf("RefreshToken: %s, %v; want a new token", tokenNames(tok), err)
		}
		if _, err := other.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := other.SetToken(t.Context(), other.CurrentToken()); err != nil {
			t.Fatal(err)
		}
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d, want 200 after the refused token was replaced", resp.StatusCode)
		}
		expectRequests(t, spotify, 2)
	})
}
