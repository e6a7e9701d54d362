package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// profile is a user whose name must not appear anywhere.
const profile = "profile-5d41402a"

// unsteadyStore is a MemoryStore that can fail and lose its records.
type unsteadyStore struct {
	mu     sync.Mutex
	memory *spotipie.MemoryStore
	err    error
}

func newUnsteadyStore() *unsteadyStore { return &unsteadyStore{memory: spotipie.NewMemoryStore()} }

// fail makes all calls fail from now on, or none if err is nil.
func (u *unsteadyStore) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
}

// lose makes the store forget everything, deletions too.
func (u *unsteadyStore) lose() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.memory = spotipie.NewMemoryStore()
}

func (u *unsteadyStore) now() (*spotipie.MemoryStore, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.memory, u.err
}

func (u *unsteadyStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	memory, err := u.now()
	if err != nil {
		return spotipie.Record{}, false, err
	}
	return memory.Load(ctx, key)
}

func (u *unsteadyStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	memory, err := u.now()
	if err != nil {
		return 0, err
	}
	return memory.Swap(ctx, key, version, rec)
}

func (u *unsteadyStore) Delete(ctx context.Context, key spotipie.Key) error {
	memory, err := u.now()
	if err != nil {
		return err
	}
	return memory.Delete(ctx, key)
}

func (u *unsteadyStore) List(ctx context.Context) ([]spotipie.Key, error) {
	memory, err := u.now()
	if err != nil {
		return nil, err
	}
	return memory.List(ctx)
}

func (u *unsteadyStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	memory, err := u.now()
	if err != nil {
		return nil, err
	}
	return memory.Lock(ctx, key)
}

func (u *unsteadyStore) Check(context.Context, spotipie.Key) error {
	_, err := u.now()
	return err
}

func (u *unsteadyStore) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	memory, err := u.now()
	if err != nil {
		return nil, err
	}
	return memory.Watch(ctx, key)
}

// observedSession is a session of a signed-in user, with its accounts service.
type observedSession struct {
	*recorder
	*spotipie.AuthorizationCodeSession
	server *spotifytest.Server
	store  *unsteadyStore
}

// signIn returns a session in the synctest bubble of a test. The exported data includes the
// login.
func signIn(t *testing.T, r *recorder) *observedSession {
	t.Helper()
	s := &observedSession{recorder: r, server: spotifytest.NewInMemory(t, nil), store: newUnsteadyStore()}
	opts := s.server.Options()
	opts.Store, opts.Profile, opts.Observe = s.store, profile, r.Observe
	session, err := spotipie.NewAuthorizationCodeSession(s.server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	s.AuthorizationCodeSession = session
	spotifytest.CloseAtEnd(t, session)
	s.server.Login(t, session)
	return s
}

// fault makes the token endpoint answer with a fault for a while.
func (s *observedSession) fault(t *testing.T, f accounts.Fault) {
	t.Helper()
	f.Target, f.Every = accounts.TargetToken, 1
	if err := s.server.QueueFault(f); err != nil {
		t.Fatal(err)
	}
}

// TestSessions checks what real sessions export, each with one problem.
func TestSessions(t *testing.T) {
	const user = "spotipie.flow=authorization_code"
	for name, test := range map[string]struct {
		act     func(*testing.T, *observedSession)
		metrics []string // must be there, among others
		spans   []string
	}{
		"login": {
			act: func(*testing.T, *observedSession) {},
			metrics: []string{
				"spotipie.token_request.duration{" + user + " spotipie.grant_type=authorization_code} 1",
				"spotipie.store.operation.duration{" + user + " spotipie.store.operation=save} 1",
			},
			spans: []string{"spotipie.token_request authorization_code client Unset {" + user + " spotipie.grant_type=authorization_code}"},
		},
		"renewal": {
			act: func(t *testing.T, s *observedSession) {
				time.Sleep(2 * time.Hour)
				if _, err := s.Token(t.Context()); err != nil {
					t.Error(err)
				}
			},
			metrics: []string{
				"spotipie.token_request.duration{" + user + " spotipie.grant_type=refresh_token} 1",
				"spotipie.renewal.duration{" + user + "} 1",
				"spotipie.token_wait.duration{" + user + "} 1",
				"spotipie.store.operation.duration{" + user + " spotipie.store.operation=lock} 1",
				"spotipie.store.operation.duration{" + user + " spotipie.store.operation=unlock} 1",
				"spotipie.store.operation.duration{" + user + " spotipie.store.operation=check} 1",
			},
			spans: []string{
				"spotipie.token_request refresh_token client Unset {" + user + " spotipie.grant_type=refresh_token}",
				"spotipie.renewal internal Unset {" + user + "}",
				"spotipie.wait internal Unset {" + user + "}",
			},
		},
		"app's own token": {
			act: func(t *testing.T, s *observedSession) {
				opts := s.server.Options()
				opts.Observe = s.Observe
				own, err := spotipie.NewClientCredentialsSession(s.server.Credentials(), opts)
				if err != nil {
					t.Fatal(err)
				}
				spotifytest.CloseAtEnd(t, own)
				if _, err := own.Token(t.Context()); err != nil {
					t.Error(err)
				}
			},
			metrics: []string{"spotipie.token_request.duration{spotipie.flow=client_credentials spotipie.grant_type=client_credentials} 1"},
		},
		"refusal": {
			act: func(t *testing.T, s *observedSession) {
				s.server.RevokeUser(s.ClientID(), "ada")
				time.Sleep(2 * time.Hour)
				if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
					t.Errorf("got error %v", err)
				}
			},
			metrics: []string{
				"spotipie.token_request.duration{error.type=invalid_grant http.response.status_code=400 " + user + " spotipie.grant_type=refresh_token} 1",
				"spotipie.renewal.duration{error.type=reauthorization_required " + user + "} 1",
				"spotipie.token_wait.duration{error.type=reauthorization_required " + user + "} 1",
				"spotipie.refusals{error.type=reauthorization_required " + user + "} 1",
			},
			spans: []string{"spotipie.refusal internal Error {error.type=reauthorization_required " + user + "}"},
		},
		"accounts service in trouble": {
			act: func(t *testing.T, s *observedSession) {
				s.fault(t, accounts.Fault{Kind: accounts.FaultServerError, Status: http.StatusInternalServerError})
				_, _ = s.RefreshToken(t.Context())
			},
			metrics: []string{
				"spotipie.token_request.duration{error.type=500 http.response.status_code=500 " + user + " spotipie.grant_type=refresh_token} 1",
				"spotipie.renewal.duration{error.type=500 " + user + "} 1",
			},
		},
		"store that fails": {
			act: func(t *testing.T, s *observedSession) {
				s.store.fail(errors.New("no route to " + profile))
				_, _ = s.RefreshToken(t.Context())
			},
			metrics: []string{
				"spotipie.store.operation.duration{error.type=_OTHER " + user + " spotipie.store.operation=lock} 1",
				"spotipie.renewal.duration{error.type=store_lock " + user + "} 1",
			},
		},
		"saved late": {
			act: func(t *testing.T, s *observedSession) {
				token := s.CurrentToken()
				s.store.fail(context.DeadlineExceeded)
				if err := s.SetToken(t.Context(), token); err == nil {
					t.Error("saved")
				}
				time.Sleep(time.Minute)
				s.store.fail(nil)
				time.Sleep(time.Minute)
			},
			metrics: []string{"spotipie.saved_late.duration{" + user + "} 1"},
			spans:   []string{"spotipie.saved_late internal Unset {" + user + "}"},
		},
		"store that has lost the record": {
			act: func(t *testing.T, s *observedSession) {
				s.store.lose()
				if _, err := s.Load(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute)
			},
			metrics: []string{"spotipie.store.fallbacks{" + user + "} 1"},
			spans:   []string{"spotipie.store_fallback internal Unset {" + user + "}"},
		},
		"caller that gives up": {
			act: func(t *testing.T, s *observedSession) {
				s.fault(t, accounts.Fault{Kind: accounts.FaultServerError, Delay: 2 * time.Second})
				time.Sleep(2 * time.Hour)
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("the page of "+profile+" took too long"))
				defer cancel()
				if _, err := s.Token(ctx); err == nil {
					t.Error("no error")
				}
			},
			metrics: []string{"spotipie.token_wait.duration{error.type=timeout " + user + "} 1"},
		},
		"logout": {
			act: func(t *testing.T, s *observedSession) {
				if err := s.Logout(t.Context()); err != nil {
					t.Error(err)
				}
			},
			metrics: []string{"spotipie.store.operation.duration{" + user + " spotipie.store.operation=delete} 1"},
		},
		"watch": {
			act: func(t *testing.T, s *observedSession) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = s.Watch(ctx)
			},
			metrics: []string{"spotipie.store.operation.duration{" + user + " spotipie.store.operation=watch} 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := signIn(t, record(t))
				test.act(t, s)
				synctest.Wait()
				got := s.recorder.metrics(t)
				for _, want := range test.metrics {
					if !slices.Contains(got, want) {
						t.Errorf("no %s among\n%s", want, strings.Join(got, "\n"))
					}
				}
				spans := s.spanLines()
				for _, want := range test.spans {
					if !slices.Contains(spans, want) {
						t.Errorf("no span %s among\n%s", want, strings.Join(spans, "\n"))
					}
				}
				for _, span := range spans {
					if strings.HasPrefix(span, "spotipie.store_call") {
						t.Errorf("a span without a parent: %s", span)
					}
				}
			})
		})
	}
}

// TestSpansBelongToTheRequest checks that spans belong to the request that they were made for,
// and have the right times.
func TestSpansBelongToTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signIn(t, record(t))
		s.fault(t, accounts.Fault{Kind: accounts.FaultServerError, Status: http.StatusInternalServerError, Delay: time.Second})
		time.Sleep(2 * time.Hour)
		begun := time.Now()
		ctx, end := s.request(t.Context())
		_, _ = s.Token(ctx)
		_, _ = s.Load(ctx)
		end()
		synctest.Wait()
		ended := s.recorder.spans.Ended()
		request := ended[len(ended)-1]
		if request.Name() != "request" {
			t.Fatalf("the last span is %s", request.Name())
		}
		took := map[string]time.Duration{"spotipie.wait": time.Second, "spotipie.renewal": time.Second, "spotipie.token_request refresh_token": time.Second}
		found := map[string]bool{}
		for _, span := range ended[:len(ended)-1] {
			if span.StartTime().Before(begun) { // of the login
				continue
			}
			found[span.Name()] = true
			if span.Parent().SpanID() != request.SpanContext().SpanID() || span.SpanContext().TraceID() != request.SpanContext().TraceID() {
				t.Errorf("%s is not a child of the request", span.Name())
			}
			want, isLong := took[span.Name()]
			if got := span.EndTime().Sub(span.StartTime()); isLong && (got != want || !span.StartTime().Equal(begun)) {
				t.Errorf("%s began %s after the request and took %s, want %s", span.Name(), span.StartTime().Sub(begun), got, want)
			}
		}
		for _, name := range []string{
			"spotipie.wait", "spotipie.renewal", "spotipie.token_request refresh_token", "spotipie.store_call lock", "spotipie.store_call load",
		} {
			if !found[name] {
				t.Errorf("there is no span %s", name)
			}
		}
	})
}

// A renewal that a request has started without waiting for it ends after the
// request, and still belongs to its trace.
func TestSpanOfARenewalInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signIn(t, record(t))
		s.fault(t, accounts.Fault{Kind: accounts.FaultServerError, Status: http.StatusInternalServerError, Delay: time.Second})
		time.Sleep(time.Hour - 30*time.Second) // the token is valid, but not for long
		ctx, end := s.request(t.Context())
		if _, err := s.Token(ctx); err != nil {
			t.Error(err)
		}
		end()
		time.Sleep(time.Minute)
		var request, renewal sdktrace.ReadOnlySpan
		for _, span := range s.recorder.spans.Ended() {
			switch span.Name() {
			case "request":
				request = span
			case "spotipie.renewal":
				renewal = span
			}
		}
		if request == nil || renewal == nil || renewal.Parent().SpanID() != request.SpanContext().SpanID() || !renewal.EndTime().After(request.EndTime()) {
			t.Errorf("the request is %v, and the renewal %v is not its child, or ends before it", request, renewal)
		}
	})
}

// TestAttributesOfTheProgram checks that all metrics and spans have them.
func TestAttributesOfTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := []attribute.KeyValue{attribute.String("app", "player")}
		r := record(t, given...)
		given[0] = attribute.String("app", "changed later")
		s := signIn(t, r)
		if _, err := r.ObservePool(poolOf(spotipie.PoolStats{Sessions: 1, Loaded: 2})); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ObserveConsents(func(context.Context) (int64, error) { return 1, nil }); err != nil {
			t.Fatal(err)
		}
		lines := append(s.recorder.metrics(t), s.spanLines()...)
		if len(lines) < 8 {
			t.Fatalf("only %q", lines)
		}
		for _, line := range lines {
			if !strings.Contains(line, "{app=player") {
				t.Errorf("not on %s", line)
			}
		}
	})
}

// TestManyGoroutinesObserve checks that no goroutine's observation gets an attribute of
// another.
func TestManyGoroutinesObserve(t *testing.T) {
	r := record(t, attribute.String("app", "player"))
	const each = 200
	operations := []string{"load", "lock", "save", "unlock"}
	var group sync.WaitGroup
	for _, op := range operations {
		group.Go(func() {
			for range each {
				r.Observe(t.Context(), spotipie.Observation{Kind: spotipie.ObservedStoreCall, Op: op, Flow: spotipie.FlowAuthorizationCode})
			}
		})
	}
	group.Wait()
	var want []string
	for _, op := range operations {
		want = append(want, fmt.Sprintf("spotipie.store.operation.duration{app=player spotipie.flow=authorization_code spotipie.store.operation=%s} %d", op, each))
	}
	if got := r.metrics(t); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
