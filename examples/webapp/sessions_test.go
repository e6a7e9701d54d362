package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestSignOut checks that the session ends on the server and the authorization stays.
func TestSignOut(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.expectNobody()
	b.signIn()
	cookie := b.cookie()
	b.steal(cookie).expect(b.steal(cookie).get("/"), http.StatusOK, "Hello, ") // the stolen cookie works before the sign-out
	b.expect(b.post("/auth/logout"), http.StatusOK, "Sign in with Spotify")
	b.expectNobody()
	b.steal(cookie).expectNobody()
	if sessions, records := s.count("sessions"), len(s.records()); sessions != 0 || records != 1 {
		t.Errorf("%d sessions and %d authorizations are left", sessions, records)
	}
}

// TestSessionFixation checks that a session id from before a sign-in is useless after
// it, also when another user signs in.
func TestSessionFixation(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	first := b.cookie()
	b.expect(b.get("/auth/login?show_dialog=true"), http.StatusOK, "Hello, <bdi>Ada")
	second := b.cookie()
	b.account = "grace"
	b.expect(b.get("/auth/login?show_dialog=true"), http.StatusOK, "Hello, <bdi>Grace")
	if first.Value == second.Value || second.Value == b.cookie().Value {
		t.Error("a session keeps its id over a sign-in")
	}
	b.steal(first).expectNobody()
	b.steal(second).expectNobody()
}

// TestDeleteMyData checks that the user's record and sessions are deleted, and nobody
// else's.
func TestDeleteMyData(t *testing.T) {
	s := newSite(t, siteOptions{})
	ada, phone, grace := s.browser("ada"), s.browser("ada"), s.browser("grace")
	for _, b := range []*browser{ada, phone, grace} {
		b.signIn()
	}
	if sessions, records := s.count("sessions"), len(s.records()); sessions != 3 || records != 2 {
		t.Fatalf("%d sessions and %d authorizations", sessions, records)
	}
	ada.expect(ada.get("/account/delete"), http.StatusOK, `action="/account/delete"`)
	if len(s.records()) != 2 {
		t.Error("a visit has deleted something")
	}
	ada.expect(ada.post("/account/delete"), http.StatusOK, "Your data is deleted")
	if ada.cookie() != nil {
		t.Error("the browser keeps the cookie of the session")
	}
	ada.expectNobody()
	phone.expectNobody()
	grace.expect(grace.get("/"), http.StatusOK, "Hello, <bdi>Grace")
	if sessions, records := s.count("sessions"), len(s.records()); sessions != 1 || records != 1 {
		t.Errorf("%d sessions and %d authorizations are left", sessions, records)
	}
	ada.signIn()
	phone.expectNobody() // the user's new sign-in does not sign in the phone
	ada.expect(s.browser("ada").post("/account/delete"), http.StatusUnauthorized, "Sign in")
}

// TestFormOfAnotherSite checks that another site's form does nothing.
func TestFormOfAnotherSite(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	b.expect(b.request(http.MethodPost, "/account/delete", otherSite), http.StatusForbidden, "Nothing has been done")
	b.expect(b.request(http.MethodPost, "/auth/logout", otherSite), http.StatusForbidden, "Sign out of")
	b.expect(b.request(http.MethodPost, "/account/delete", "same-site"), http.StatusForbidden, "Nothing has been done")
	b.expect(b.get("/"), http.StatusOK, "Hello, <bdi>Ada")
	if sessions, records := s.count("sessions"), len(s.records()); sessions != 1 || records != 1 {
		t.Errorf("%d sessions and %d authorizations are left", sessions, records)
	}
}

// TestCookieOnHTTPS checks that the cookie is only for https and this host.
func TestCookieOnHTTPS(t *testing.T) {
	s := newSite(t, siteOptions{isHTTPS: true})
	b := s.browser("ada")
	b.signIn()
	if c := b.cookie(); c == nil || !strings.HasPrefix(c.Name, "__Host-") {
		t.Errorf("the cookie is %v", c)
	}
	if got := b.get("/").header.Get("Strict-Transport-Security"); got == "" {
		t.Error("the answer does not tell browsers to stay on https")
	}
	callback := b.agree(b.once(http.MethodGet, "/auth/login", ownPage).header.Get("Location"))
	for _, set := range b.once(http.MethodGet, strings.TrimPrefix(callback, s.url), otherSite).header.Values("Set-Cookie") {
		for _, want := range []string{"__Host-", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(set, want) {
				t.Errorf("the cookie is %s, without %q", set, want)
			}
		}
	}
}
