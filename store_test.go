package spotipie_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/spotipie/spotipie/storetest"
)

func TestMemoryStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) spotipie.Store { return spotipie.NewMemoryStore() })
}

func TestMemoryStoreLockIsFreedWhenNobodyWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		key := spotipie.Key{ClientID: "c", Profile: "p"}
		unlock, err := store.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := store.Lock(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v while the lock is held", err)
		}
		if err := unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// faultyStore is a store whose methods fail while told to.
type faultyStore struct {
	spotipie.Store
	mu   sync.Mutex
	fail map[string]bool
}

var errStore = errors.New("the disk is full")

func (f *faultyStore) set(method string, fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		f.fail = make(map[string]bool)
	}
	f.fail[method] = fails
}

func (f *faultyStore) failing(method string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail[method]
}

func (f *faultyStore) Load(ctx context.Context, k spotipie.Key) (spotipie.Record, bool, error) {
	if f.failing("load") {
		return spotipie.Record{}, false, errStore
	}
	return f.Store.Load(ctx, k)
}

func (f *faultyStore) Swap(ctx context.Context, k spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if f.failing("swap") {
		return 0, errStore
	}
	return f.Store.Swap(ctx, k, version, rec)
}

func (f *faultyStore) Lock(ctx context.Context, k spotipie.Key) (func(context.Context) error, error) {
	if f.failing("lock") {
		return nil, errStore
	}
	return f.Store.Lock(ctx, k)
}

func stored(store spotipie.Store) func(*spotipie.Options) {
	return func(o *spotipie.Options) { o.Store, o.Profile = store, "ada" }
}

func load(t *testing.T, s spotipie.Session, store spotipie.Store) spotipie.Record {
	t.Helper()
	rec, found, err := store.Load(t.Context(), spotipie.Key{ClientID: s.ClientID(), Profile: "ada"})
	if err != nil || !found {
		t.Fatalf("Load: found %t, error %v", found, err)
	}
	return rec
}

func TestStoreNeedsAProfile(t *testing.T) {
	server := spotifytest.New(t)
	opts := server.Options()
	opts.Store = spotipie.NewMemoryStore()
	if _, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts); err == nil || !strings.Contains(err.Error(), "Profile") {
		t.Errorf("got error %v, want one about the profile", err)
	}
}

func TestSessionFindsItsTokenInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		store := spotipie.NewMemoryStore()
		first := signedIn(t, server, stored(store))
		consent := time.Now()
		time.Sleep(time.Minute)

		second := newSession(t, server, stored(store))
		if tok := token(t, second); !tok.Equal(token(t, first)) {
			t.Error("the second session has another token")
		}
		if !second.AuthorizedAt().Equal(consent) {
			t.Errorf("AuthorizedAt is %s, want %s", second.AuthorizedAt(), consent)
		}
		server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})

		stranger := newSession(t, server, func(o *spotipie.Options) { o.Store, o.Profile = store, "grace" })
		if _, err := stranger.Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
			t.Errorf("another profile: %v, want ErrNotAuthorized", err)
		}
		if tok, err := stranger.Load(t.Context()); tok != nil || err != nil {
			t.Errorf("Load: %v, %v", tok, err)
		}
	})
}

func TestFleetMakesOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := spotipie.NewMemoryStore()
		sessions := []*spotipie.AuthorizationCodeSession{signedIn(t, server, stored(store))}
		for range 7 {
			s := newSession(t, server, stored(store))
			token(t, s)
			sessions = append(sessions, s)
		}
		for round := 1; round <= 3; round++ {
			time.Sleep(2 * time.Hour)
			queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: 100 * time.Millisecond})
			var wg sync.WaitGroup
			for _, s := range sessions {
				for range 50 {
					wg.Go(func() { token(t, s) })
				}
			}
			wg.Wait()
			expectRefreshes(t, server, round)
			for _, s := range sessions {
				if !token(t, s).Equal(token(t, sessions[0])) {
					t.Fatal("the sessions have different tokens")
				}
			}
		}
	})
}

func TestSessionLearnsOfTheOthersToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := spotipie.NewMemoryStore()
		a, b := signedIn(t, server, stored(store)), newSession(t, server, stored(store))
		token(t, b)
		events := 0
		b.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { events++; return nil })
		fresh, err := a.RefreshToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tok, err := b.Load(t.Context()); err != nil || !tok.Equal(fresh) || events != 1 {
			t.Errorf("Load: %v; %d events", err, events)
		}
		newest, err := a.RefreshToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// b's RefreshToken finds that the work is done.
		if tok, err := b.RefreshToken(t.Context()); err != nil || !tok.Equal(newest) {
			t.Errorf("RefreshToken: %v", err)
		}
		expectRefreshes(t, server, 2)
	})
}

func TestSavingThatFailsIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := &faultyStore{Store: spotipie.NewMemoryStore()}
		var reported errorLog
		s := signedIn(t, server, func(o *spotipie.Options) {
			stored(store)(o)
			o.OnError = reported.add
		})
		old := token(t, s)
		store.set("swap", true)

		time.Sleep(2 * time.Hour)
		tok, err := s.RefreshToken(t.Context())
		var storeErr *spotipie.StoreError
		if !errors.As(err, &storeErr) || storeErr.Op != "save" || !errors.Is(err, errStore) || tok == nil || tok.Equal(old) {
			t.Fatalf("RefreshToken: %v, %v; want the new token and a StoreError", tok, err)
		}
		if token(t, s) != tok {
			t.Error("the token is not used")
		}
		synctest.Wait()
		if len(reported.all()) == 0 {
			t.Error("OnError did not get the error")
		}
		time.Sleep(time.Minute)
		token(t, s) // tries to save again, without success
		synctest.Wait()
		store.set("swap", false)
		time.Sleep(time.Minute)
		token(t, s)
		synctest.Wait()
		if !load(t, s, store).Token.Equal(tok) {
			t.Error("the token was not saved when the store worked again")
		}
		expectRefreshes(t, server, 1)
	})
}

func TestCloseSavesWhatCouldNotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := &faultyStore{Store: spotipie.NewMemoryStore()}
		s := signedIn(t, server, stored(store))
		store.set("swap", true)
		tok, err := s.RefreshToken(t.Context())
		if err == nil {
			t.Fatal("no error")
		}
		if err := s.Close(t.Context()); !errors.Is(err, errStore) {
			t.Errorf("Close: %v, want the store's error", err)
		}
		s.EnableAutoRefresh()
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("Token after a Close that could not save: %v, want ErrClosed", err)
		}
		store.set("swap", false)
		if err := s.Close(t.Context()); err != nil || !load(t, s, store).Token.Equal(tok) {
			t.Errorf("Close with the store back: %v", err)
		}
	})
}

func TestLoginIsSavedLaterIfTheStoreIsDown(t *testing.T) {
	for _, method := range []string{"load", "swap"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, nil)
				store := &faultyStore{Store: spotipie.NewMemoryStore()}
				signedIn(t, server, stored(store)) // an older login in the store
				s := newSession(t, server, stored(store))
				store.set(method, true)
				url, _, err := s.AuthorizationURL(nil)
				if err != nil {
					t.Fatal(err)
				}
				tok, err := s.FetchToken(t.Context(), server.Consent(t, url))
				if !errors.Is(err, errStore) || tok == nil {
					t.Fatalf("FetchToken: %v, %v; want the token and the store's error", tok, err)
				}
				store.set(method, false)
				time.Sleep(time.Minute)
				token(t, s)
				synctest.Wait()
				if !load(t, s, store).Token.Equal(tok) {
					t.Error("the newer login was not saved")
				}
			})
		})
	}
}

func TestStoreThatIsDownDoesNotKeepAValidTokenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := &faultyStore{Store: spotipie.NewMemoryStore()}
		s := signedIn(t, server, stored(store))
		store.set("lock", true)
		time.Sleep(57 * time.Minute)
		token(t, s)
		synctest.Wait()
		time.Sleep(time.Hour)
		_, err := s.Token(t.Context())
		var storeErr *spotipie.StoreError
		if !errors.As(err, &storeErr) || storeErr.Op != "lock" {
			t.Errorf("got error %v, want a StoreError that names the lock", err)
		}
		expectRefreshes(t, server, 0) // a refresh without the lock could cost the others their token
		store.set("lock", false)
		time.Sleep(time.Second)
		token(t, s)
	})
}

func TestLoggedOutElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		store := spotipie.NewMemoryStore()
		s := signedIn(t, server, stored(store))
		if err := store.Delete(t.Context(), spotipie.Key{ClientID: s.ClientID(), Profile: "ada"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
			t.Errorf("got error %v, want ErrNotAuthorized", err)
		}
		if s.IsAuthorized() {
			t.Error("still authorized")
		}
	})
}

func TestRejectionOfAnOldTokenDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		store := spotipie.NewMemoryStore()
		s := signedIn(t, server, stored(store))
		old := token(t, s)
		time.Sleep(2 * time.Hour)
		// While s learns that its token is revoked, somebody logs in without taking the
		// lock.
		queue(t, server, accounts.Fault{Kind: accounts.FaultRevoked, Target: accounts.TargetToken, Delay: time.Second})
		other := newSession(t, server, stored(store))
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(500 * time.Millisecond)
			server.Login(t, other)
		}()
		tok, err := s.Token(t.Context())
		if err != nil || tok.Equal(old) {
			t.Errorf("got %v, %v; want the token of the new login", tok, err)
		}
		<-done
		if rec := load(t, s, store); rec.Rejected != "" || !rec.Token.Equal(tok) {
			t.Errorf("the store has %v", rec)
		}
	})
}

func TestRecordsThatAreNotThisSessions(t *testing.T) {
	server := spotifytest.New(t)
	good := signedIn(t, server, func(o *spotipie.Options) { o.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail} }).CurrentToken()
	for name, test := range map[string]struct {
		rec  spotipie.Record
		says string
	}{
		"another app":    {spotipie.Record{Token: good, ClientID: "other"}, `belongs to client id "other"`},
		"too few scopes": {spotipie.Record{Token: good, ClientID: server.Credentials().ClientID}, "lacks the scope"},
		"no token":       {spotipie.Record{ClientID: server.Credentials().ClientID}, "holds no token"},
	} {
		t.Run(name, func(t *testing.T) {
			store := spotipie.NewMemoryStore()
			s := newSession(t, server, stored(store))
			if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: s.ClientID(), Profile: "ada"}, 0, test.rec); err != nil {
				t.Fatal(err)
			}
			_, err := s.Token(t.Context())
			var mismatch *spotipie.RecordMismatchError
			if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), test.says) || s.IsAuthorized() {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
			server.Login(t, s) // a new login works
			token(t, s)
		})
	}
}

func TestWatchLearnsOfTheOthersTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, rotating())
		store := spotipie.NewMemoryStore()
		a, b := signedIn(t, server, stored(store)), newSession(t, server, stored(store))
		events := make(chan *spotipie.Token, 10)
		b.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error { events <- e.NewToken; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Watch(ctx) }()
		if tok := <-events; !tok.Equal(token(t, a)) {
			t.Error("not the token in the store")
		}
		for range 3 {
			fresh, err := a.RefreshToken(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tok := <-events; !tok.Equal(fresh) || !token(t, b).Equal(fresh) {
				t.Error("not the new token")
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v, want context.Canceled", err)
		}
	})
}

func TestWatchNeedsAStoreThatCan(t *testing.T) {
	server := spotifytest.New(t)
	for name, change := range map[string]func(*spotipie.Options){
		"no store":      nil,
		"another store": stored(&faultyStore{Store: spotipie.NewMemoryStore()}),
	} {
		var storeErr *spotipie.StoreError
		if err := newSession(t, server, change).Watch(t.Context()); !errors.As(err, &storeErr) || storeErr.Op != "watch" {
			t.Errorf("%s: %v, want a StoreError", name, err)
		}
	}
}
