package web_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
)

// sealed returns a store whose records are sealed with a new key.
func sealed(t *testing.T, inner spotipie.Store) spotipie.Store {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	keys, err := seal.ParseKeys(base64.StdEncoding.EncodeToString(secret))
	if err != nil {
		t.Fatal(err)
	}
	store, err := seal.New(inner, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// TestRecordThatNoKeyOpens checks that the user sees a page that says whom to tell.
// No page may send the user to Spotify, because a login would replace a record that
// another key may open. But the user can sign out and sign in again: that is their
// newer decision. It is not saved unsealed.
func TestRecordThatNoKeyOpens(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	for name, other := range map[string]spotipie.Store{"another key": sealed(t, inner), "no key at all": inner} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{store: sealed(t, inner), keys: []string{keyText}})
			ada := a.browser("ada")
			ada.signIn()
			before, _ := inner.List(t.Context())
			rec, _, err := inner.Load(t.Context(), before[0])
			if err != nil {
				t.Fatal(err)
			}
			a.store = other
			a.replicas[0] = a.newReplica(keyText)

			for _, path := range []string{"/", "/me", "/library"} {
				p := ada.visit(path)
				ada.expect(p, http.StatusServiceUnavailable, "cannot read what you have allowed")
				if strings.Contains(p.body, "/auth/login") || strings.Contains(p.body, "Try again") {
					t.Errorf("%s offers what may do harm or does not help: %s", path, p)
				}
				a.expectError("unreadable", http.StatusServiceUnavailable, "sealed with the key")
			}
			if status, answer := ada.program("GET", "/me"); status != http.StatusServiceUnavailable || answer["error"] != "unreadable" {
				t.Errorf("a program gets %d, %v", status, answer)
			}
			now, _, err := inner.Load(t.Context(), before[0])
			if err != nil || now.Version != rec.Version {
				t.Errorf("the record was not left alone: %v, %v", now, err)
			}

			ada.expect(ada.submit("/auth/logout"), http.StatusOK, `home of ""`)
			if other == inner {
				ada.expect(ada.visit("/me"), http.StatusServiceUnavailable, "cannot read what you have allowed")
				a.expectError("unreadable", http.StatusServiceUnavailable, "wrap the store with package seal and that key")
				now, _, err := inner.Load(t.Context(), before[0])
				if err != nil || now.Version != rec.Version || now.Sealed == nil {
					t.Errorf("a login has replaced the sealed record: %v, %v", now, err)
				}
				ada.expect(ada.visit("/"), http.StatusOK, `home of ""`)
			} else {
				ada.expect(ada.visit("/me"), http.StatusOK, "ada has  at /me")
			}
			if err := inner.Delete(t.Context(), before[0]); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestUnreadablePage checks that an app can replace the page.
func TestUnreadablePage(t *testing.T) {
	a := newApp(t, appOptions{store: sealed(t, spotipie.NewMemoryStore())})
	p := a.browser("").get("/auth/callback?problem=unreadable", otherSite)
	a.browser("").expect(p, http.StatusServiceUnavailable, "Tell the people behind")
}
