package spotipie_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// services stands for the accounts service and the Web API. Tests say what happens
// while it answers. By default the answer to the n-th token request has the tokens
// A<n> and R<n>, and the Web API answers 200.
type services struct {
	// before is called before the n-th token request is answered.
	before func(n int)
	// token, if not nil, answers the n-th token request.
	token func(n int, req *http.Request) (*http.Response, error)
	// api, if not nil, answers other requests.
	api answer

	mu    sync.Mutex
	forms []url.Values
}

func (s *services) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case strings.HasSuffix(req.URL.Path, "/api/token"):
		form := readForm(req)
		s.mu.Lock()
		s.forms = append(s.forms, form)
		n := len(s.forms)
		s.mu.Unlock()
		if s.before != nil {
			s.before(n)
		}
		if s.token != nil {
			return s.token(n, req)
		}
		return respond(req, http.StatusOK, renewed(n)), nil
	case s.api != nil:
		return s.api(req)
	}
	return respond(req, http.StatusOK, "{}"), nil
}

// requests returns the number of token requests.
func (s *services) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.forms)
}

// form returns the form of the n-th token request.
func (s *services) form(n int) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms[n-1]
}

// singleUse makes refresh tokens work only once: sending one again is refused with
// invalid_grant. The answer to the n-th request has A<n> and R<n> and takes a while,
// but the request uses up its refresh token as soon as it arrives.
func (s *services) singleUse(after time.Duration) {
	var mu sync.Mutex
	used := map[string]bool{"": false}
	s.token = func(n int, req *http.Request) (*http.Response, error) {
		refresh := s.form(n).Get("refresh_token")
		mu.Lock()
		again := used[refresh]
		used[refresh] = refresh != ""
		mu.Unlock()
		if again {
			return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
		}
		select {
		case <-time.After(after):
			return respond(req, http.StatusOK, renewed(n)), nil
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

func readForm(req *http.Request) url.Values {
	data, _ := io.ReadAll(req.Body)
	_ = req.Body.Close()
	form, _ := url.ParseQuery(string(data))
	return form
}

// renewed returns the token endpoint's answer with the n-th tokens.
func renewed(n int) string {
	return fmt.Sprintf(`{"access_token":"A%d","token_type":"Bearer","expires_in":3600,"refresh_token":"R%d"}`, n, n)
}

// renewingCalls returns the methods that wait for the renewal of an expired token.
func renewingCalls() map[string]func(context.Context, *spotipie.AuthorizationCodeSession) (*spotipie.Token, error) {
	return map[string]func(context.Context, *spotipie.AuthorizationCodeSession) (*spotipie.Token, error){
		"Token": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) (*spotipie.Token, error) {
			return s.Token(ctx)
		},
		"RefreshToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) (*spotipie.Token, error) {
			return s.RefreshToken(ctx)
		},
	}
}

// respond makes an answer. header alternates names and values.
func respond(req *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: h,
		ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}
}

// hook is a function that can be changed while the store is used.
type hook[F any] struct{ f atomic.Pointer[F] }

func (h *hook[F]) set(f F) { h.f.Store(&f) }

// get returns the function, or nil.
func (h *hook[F]) get() (f F) {
	if p := h.f.Load(); p != nil {
		f = *p
	}
	return f
}

// hookedStore is a MemoryStore that calls hooks. It skips a nil hook. If a hook
// returns an error, so does the method.
type hookedStore struct {
	*spotipie.MemoryStore
	lock    hook[func(context.Context) error]
	unlock  hook[func(context.Context) error]
	load    hook[func(context.Context) error] // before Load reads
	loaded  hook[func()]                      // before Load returns
	swap    hook[func(context.Context) error] // before Swap saves
	swapped hook[func(spotipie.Record)]       // before Swap returns, if it has saved
	remove  hook[func(context.Context) error] // before Delete deletes
}

func newHookedStore() *hookedStore { return &hookedStore{MemoryStore: spotipie.NewMemoryStore()} }

func (h *hookedStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	if lock := h.lock.get(); lock != nil {
		if err := lock(ctx); err != nil {
			return nil, err
		}
	}
	release, err := h.MemoryStore.Lock(ctx, key)
	return func(ctx context.Context) error {
		if unlock := h.unlock.get(); unlock != nil {
			if err := unlock(ctx); err != nil {
				return err
			}
		}
		return release(ctx)
	}, err
}

func (h *hookedStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if load := h.load.get(); load != nil {
		if err := load(ctx); err != nil {
			return spotipie.Record{}, false, err
		}
	}
	rec, found, err := h.MemoryStore.Load(ctx, key)
	if loaded := h.loaded.get(); loaded != nil {
		loaded()
	}
	return rec, found, err
}

func (h *hookedStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if swap := h.swap.get(); swap != nil {
		if err := swap(ctx); err != nil {
			return 0, err
		}
	}
	version, err := h.MemoryStore.Swap(ctx, key, version, rec)
	if swapped := h.swapped.get(); err == nil && swapped != nil {
		swapped(rec)
	}
	return version, err
}

func (h *hookedStore) Delete(ctx context.Context, key spotipie.Key) error {
	if remove := h.remove.get(); remove != nil {
		if err := remove(ctx); err != nil {
			return err
		}
	}
	return h.MemoryStore.Delete(ctx, key)
}

func (h *hookedStore) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	if remove := h.remove.get(); remove != nil {
		if err := remove(ctx); err != nil {
			return err
		}
	}
	return h.MemoryStore.DeleteVersion(ctx, key, version)
}

func fails(context.Context) error { return errStore }

func hangs(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// once returns a hook that calls do only the first time.
func once(do func()) func(context.Context) error {
	var done atomic.Bool
	return func(context.Context) error {
		if !done.Swap(true) {
			do()
		}
		return nil
	}
}

// adaKey is the key of the sessions that offline makes.
var adaKey = spotipie.Key{ClientID: "id", Profile: "ada"}

// offline returns a session without a token for the app "id" and the profile
// "ada". The store may be nil.
func offline(t *testing.T, transport http.RoundTripper, store spotipie.Store, change func(*spotipie.Options)) *spotipie.AuthorizationCodeSession {
	t.Helper()
	opts := &spotipie.Options{Transport: transport, Store: store, Profile: "ada"}
	if change != nil {
		change(opts)
	}
	s, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{
		ClientID: "id", ClientSecret: "app-secret", RedirectURI: "http://127.0.0.1/callback",
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

// tokenOf makes a token.
func tokenOf(access, refresh string, lifetime time.Duration) *spotipie.Token {
	tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: access, RefreshToken: refresh, ExpiresIn: lifetime})
	if err != nil {
		panic(err)
	}
	return tok
}

// set makes a session hold the token A0 with the refresh token R0.
func set(t *testing.T, s spotipie.Session, lifetime time.Duration) *spotipie.Token {
	t.Helper()
	tok := tokenOf("A0", "R0", lifetime)
	if err := s.SetToken(t.Context(), tok); err != nil {
		t.Fatalf("SetToken: %v", err)
	}
	return s.CurrentToken()
}

// change changes the stored record as another process would.
func change(t *testing.T, store *hookedStore, edit func(*spotipie.Record)) {
	t.Helper()
	rec, _, err := store.MemoryStore.Load(t.Context(), adaKey)
	if err == nil {
		edit(&rec)
		_, err = store.MemoryStore.Swap(t.Context(), adaKey, rec.Version, rec)
	}
	if err != nil {
		t.Errorf("another process: %v", err)
	}
}

// expectTokens checks the access and refresh tokens in the session and the store.
func expectTokens(t *testing.T, s spotipie.Session, store *hookedStore, access, refresh string) {
	t.Helper()
	if tok := s.CurrentToken(); tok == nil || tok.AccessToken() != access || tok.RefreshToken() != refresh {
		t.Errorf("the session holds %s, want %s and %s", tokenNames(tok), access, refresh)
	}
	if store == nil {
		return
	}
	rec, _, err := store.MemoryStore.Load(t.Context(), adaKey)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Token == nil || rec.Token.AccessToken() != access || rec.Token.RefreshToken() != refresh {
		t.Errorf("the store has %s, want %s and %s", tokenNames(rec.Token), access, refresh)
	}
}

func tokenNames(tok *spotipie.Token) string {
	if tok == nil {
		return "nothing"
	}
	return tok.AccessToken() + " and " + tok.RefreshToken()
}

func expectRequests(t *testing.T, spotify *services, n int) {
	t.Helper()
	if got := spotify.requests(); got != n {
		t.Errorf("%d token requests, want %d", got, n)
	}
}

// clock is a wall clock that can be set while time passes.
type clock struct {
	offset atomic.Int64
	onRead atomic.Pointer[func()] // called by the next reading, once
}

func (c *clock) now() time.Time {
	if do := c.onRead.Swap(nil); do != nil {
		(*do)()
	}
	return time.Now().Add(time.Duration(c.offset.Load()))
}

func (c *clock) ahead(d time.Duration) { c.offset.Store(int64(d)) }

// atReading makes the n-th reading from now call do.
func (c *clock) atReading(n int, do func()) {
	next := func() { c.atReading(n-1, do) }
	if n == 1 {
		next = do
	}
	c.onRead.Store(&next)
}

// meanwhile runs do in another goroutine. It waits until do has returned, or until do
// waits for the caller.
func meanwhile(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	for range 200 {
		select {
		case <-done:
			return
		default:
			runtime.Gosched()
		}
	}
}
