package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// observations collects the observations that Observe gets.
type observations struct {
	mu   sync.Mutex
	list []spotipie.Observation
	ctxs []context.Context
}

func (o *observations) add(ctx context.Context, observation spotipie.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, observation)
	o.ctxs = append(o.ctxs, ctx)
}

// take returns the observations of a kind, or all if kind is empty. It then forgets
// all observations.
func (o *observations) take(kind spotipie.ObservationKind) []spotipie.Observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := slices.DeleteFunc(o.list, func(other spotipie.Observation) bool { return kind != "" && other.Kind != kind })
	o.list, o.ctxs = nil, nil
	return list
}

// summary lists observations as "kind op: outcome".
func summary(list []spotipie.Observation) []string {
	var lines []string
	for _, o := range list {
		outcome := "ok"
		if o.Err != nil {
			outcome = "failed"
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprint(o.Kind, " ", o.Op))+": "+outcome)
	}
	return lines
}

// observedCase is an observed session and its store.
type observedCase struct {
	*spotipie.AuthorizationCodeSession
	store   *hookedStore
	spotify *services
	seen    *observations
}

// observed returns a signed-in session. Each token request takes a second, and each
// save 20 ms.
func observed(t *testing.T) *observedCase {
	t.Helper()
	c := &observedCase{store: newHookedStore(), spotify: &services{}, seen: &observations{}}
	c.spotify.before = func(int) { time.Sleep(time.Second) }
	c.store.swap.set(func(context.Context) error { time.Sleep(20 * time.Millisecond); return nil })
	c.AuthorizationCodeSession = offline(t, c.spotify, &observedStore{hookedStore: c.store}, func(o *spotipie.Options) { o.Observe = c.seen.add })
	set(t, c, time.Hour)
	synctest.Wait()
	c.seen.take("")
	return c
}

// observedStore is a store with a Check method.
type observedStore struct {
	*hookedStore
	err error
}

func (c *observedStore) Check(context.Context, spotipie.Key) error { return c.err }

// TestObserveARenewal checks that each step is observed with its duration.
func TestObserveARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := observed(t)
		time.Sleep(2 * time.Hour)
		begun := time.Now()
		token(t, c)
		time.Sleep(time.Second) // until the lock is unlocked
		all := c.seen.take("")
		want := []string{
			"store_call lock: ok", "store_call load: ok", "store_call check: ok", "token_request refresh_token: ok",
			"store_call save: ok", "renewal: ok", "wait: ok", "store_call unlock: ok",
		}
		got := summary(all)
		slices.Sort(want)
		sorted := slices.Sorted(slices.Values(got))
		if !slices.Equal(sorted, want) {
			t.Errorf("observed %q, want %q", got, want)
		}
		took := map[spotipie.ObservationKind]time.Duration{
			spotipie.ObservedTokenRequest: time.Second, spotipie.ObservedRenewal: 1020 * time.Millisecond, spotipie.ObservedWait: 1020 * time.Millisecond,
		}
		for _, o := range all {
			if o.Key != adaKey || o.Flow != spotipie.FlowAuthorizationCode || o.Start.Before(begun) {
				t.Errorf("observed %+v", o)
			}
			if want, known := took[o.Kind]; known && o.Duration != want {
				t.Errorf("%s took %s, want %s", o.Kind, o.Duration, want)
			}
			if o.Op == "save" && o.Duration != 20*time.Millisecond {
				t.Errorf("saving took %s", o.Duration)
			}
		}
	})
}

// TestObserveEachKind checks the observations of each kind and their outcomes.
func TestObserveEachKind(t *testing.T) {
	for name, test := range map[string]struct {
		kind spotipie.ObservationKind
		act  func(*testing.T, *observedCase)
		want []string
		err  func(error) bool // checks the error of the last observation
	}{
		"a fresh token": {"", func(t *testing.T, c *observedCase) { token(t, c) }, nil, nil},
		"a login": {spotipie.ObservedTokenRequest, func(t *testing.T, c *observedCase) {
			_, _ = login(t, c.AuthorizationCodeSession)
		}, []string{"token_request authorization_code: ok"}, nil},
		"a login that fails": {spotipie.ObservedTokenRequest, func(t *testing.T, c *observedCase) {
			c.spotify.token = status(500)
			_, _ = login(t, c.AuthorizationCodeSession)
		}, []string{"token_request authorization_code: failed"}, func(err error) bool { return isStatus(err, 500) }},
		"an app's token": {spotipie.ObservedTokenRequest, func(t *testing.T, c *observedCase) {
			own := app(t, c.spotify, func(o *spotipie.Options) { o.Observe = c.seen.add })
			token(t, own)
		}, []string{"token_request client_credentials: ok"}, nil},
		"a hiccup": {spotipie.ObservedTokenRequest, func(t *testing.T, c *observedCase) {
			c.spotify.token = func(n int, req *http.Request) (*http.Response, error) {
				return respond(req, map[bool]int{true: 503, false: 200}[n == 1], renewed(n)), nil
			}
			time.Sleep(2 * time.Hour)
			token(t, c)
		}, []string{"token_request refresh_token: failed", "token_request refresh_token: ok"}, nil},
		"a wait": {spotipie.ObservedWait, func(t *testing.T, c *observedCase) {
			c.spotify.token = status(500)
			time.Sleep(2 * time.Hour)
			_, _ = c.Token(t.Context())
		}, []string{"wait: failed"}, func(err error) bool { return isStatus(err, 500) }},
		"a wait that is given up": {spotipie.ObservedWait, func(t *testing.T, c *observedCase) {
			time.Sleep(2 * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _ = c.Token(ctx)
		}, []string{"wait: failed"}, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"a renewal that fails": {spotipie.ObservedRenewal, func(t *testing.T, c *observedCase) {
			c.store.lock.set(fails)
			_, _ = c.RefreshToken(t.Context())
		}, []string{"renewal: failed"}, func(err error) bool { return errors.Is(err, errStore) }},
		"nothing to renew": {spotipie.ObservedRenewal, func(t *testing.T, c *observedCase) {
			if err := c.Logout(t.Context()); err != nil {
				t.Error(err)
			}
			_, _ = c.Token(t.Context())
		}, nil, nil},
		"a renewal that another process has made": {spotipie.ObservedRenewal, func(t *testing.T, c *observedCase) {
			time.Sleep(2 * time.Hour)
			change(t, c.store, func(rec *spotipie.Record) { rec.Token = tokenOf("B", "RB", time.Hour) })
			token(t, c)
		}, []string{"renewal: ok"}, nil},
		"a refusal": {spotipie.ObservedRefusal, func(t *testing.T, c *observedCase) {
			c.spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
				return respond(req, 400, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
			}
			time.Sleep(2 * time.Hour)
			for range 3 { // observed only once
				_, _ = c.Token(t.Context())
				time.Sleep(2 * time.Second)
			}
		}, []string{"refusal: failed"}, func(err error) bool { return errors.Is(err, spotipie.ErrReauthorizationRequired) }},
		"a save that fails and comes late": {spotipie.ObservedSavedLate, func(t *testing.T, c *observedCase) {
			c.store.swap.set(fails)
			_, _ = c.RefreshToken(t.Context())
			time.Sleep(time.Minute)
			c.store.swap.set(nil)
			time.Sleep(time.Minute)
		}, []string{"saved_late: ok"}, nil},
		"a save that fails": {spotipie.ObservedStoreCall, func(t *testing.T, c *observedCase) {
			c.store.swap.set(failsTwice())
			_ = c.SetToken(t.Context(), tokenOf("B", "RB", time.Hour))
		}, []string{"store_call load: ok", "store_call save: failed", "store_call load: ok", "store_call save: failed", "store_call load: ok", "store_call save: ok"}, nil},
		"a logout": {spotipie.ObservedStoreCall, func(t *testing.T, c *observedCase) {
			if err := c.Logout(t.Context()); err != nil {
				t.Error(err)
			}
		}, []string{"store_call load: ok", "store_call delete: ok", "store_call load: ok"}, nil},
		"a watch": {spotipie.ObservedStoreCall, func(t *testing.T, c *observedCase) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_ = c.Watch(ctx)
		}, []string{"store_call watch: ok", "store_call load: ok"}, nil},
		"a store that has fallen back": {spotipie.ObservedFallback, func(t *testing.T, c *observedCase) {
			c.store.MemoryStore = spotipie.NewMemoryStore() // restarted without persistence
			if _, err := c.Load(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			if _, found, _ := c.store.MemoryStore.Load(t.Context(), adaKey); !found {
				t.Error("the token was not saved again")
			}
		}, []string{"store_fallback: ok"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := observed(t)
				test.act(t, c)
				time.Sleep(time.Minute)
				list := c.seen.take(test.kind)
				if got := summary(list); !slices.Equal(got, test.want) {
					t.Fatalf("observed %q, want %q", got, test.want)
				}
				if test.err != nil && !test.err(list[len(list)-1].Err) {
					t.Errorf("observed %v", list[len(list)-1].Err)
				}
			})
		})
	}
}

// TestSavedLateLastsUntilItIsSaved checks that the duration is the time for which the
// token was not saved.
func TestSavedLateLastsUntilItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := observed(t)
		c.store.swap.set(fails)
		_ = c.SetToken(t.Context(), tokenOf("B", "RB", time.Hour))
		time.Sleep(2 * time.Minute)
		c.store.swap.set(nil)
		time.Sleep(time.Minute)
		late := c.seen.take(spotipie.ObservedSavedLate)
		if len(late) != 1 || late[0].Duration < 2*time.Minute || late[0].Duration > 2*time.Minute+15*time.Second {
			t.Errorf("observed %+v", late)
		}
	})
}

// TestObserveGetsTheContextOfTheCaller checks this for everything that a caller waits
// for, so that an observer knows whose request it was.
func TestObserveGetsTheContextOfTheCaller(t *testing.T) {
	type requestID struct{}
	synctest.Test(t, func(t *testing.T) {
		c := observed(t)
		time.Sleep(2 * time.Hour)
		for id := range 3 {
			go func() { _, _ = c.Token(context.WithValue(context.Background(), requestID{}, id)) }()
		}
		time.Sleep(time.Minute)
		c.seen.mu.Lock()
		defer c.seen.mu.Unlock()
		var ids []int
		for i, o := range c.seen.list {
			if o.Kind == spotipie.ObservedWait {
				id, _ := c.seen.ctxs[i].Value(requestID{}).(int)
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		if !slices.Equal(ids, []int{0, 1, 2}) {
			t.Errorf("the waits of %d were observed", ids)
		}
	})
}

// TestObserveGetsTheContextOfTheStarter checks that observations of a renewal have
// the values of the context of whoever started it, so that a trace shows why it was
// made. The store does not get them: one may be a transaction of the request.
func TestObserveGetsTheContextOfTheStarter(t *testing.T) {
	type requestID struct{}
	synctest.Test(t, func(t *testing.T) {
		c := observed(t)
		foreign := 0
		look := func(ctx context.Context) error {
			if ctx.Value(requestID{}) != nil {
				foreign++
			}
			return nil
		}
		c.store.lock.set(look)
		c.store.load.set(look)
		c.store.swap.set(look)
		c.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error {
			look(ctx)
			_, err := c.Load(context.WithValue(ctx, requestID{}, "listener"))
			foreign-- // the listener's own
			return err
		})
		time.Sleep(2 * time.Hour)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), requestID{}, "first"))
		for _, ctx := range []context.Context{ctx, context.WithValue(t.Context(), requestID{}, "second")} {
			go func() { _, _ = c.Token(ctx) }()
			synctest.Wait()
		}
		cancel() // the renewal goes on
		time.Sleep(time.Minute)
		c.seen.mu.Lock()
		defer c.seen.mu.Unlock()
		var got []string
		for i, o := range c.seen.list {
			if err := c.seen.ctxs[i].Err(); err != nil && o.Kind == spotipie.ObservedRenewal {
				t.Errorf("%s %s: the context has ended", o.Kind, o.Op)
			}
			got = append(got, strings.TrimSpace(fmt.Sprint(o.Kind, " ", o.Op))+fmt.Sprintf(": %v", c.seen.ctxs[i].Value(requestID{})))
		}
		for _, want := range []string{
			"wait: first", "wait: second", "renewal: first", "token_request refresh_token: first",
			"store_call lock: first", "store_call save: first", "store_call load: listener",
		} {
			if !slices.Contains(got, want) {
				t.Errorf("%s was not observed, but %q", want, got)
			}
		}
		if foreign != 0 {
			t.Errorf("%d calls of the store and the listener got values of a request", foreign)
		}
	})
}

// TestObservationsShowNoSecret checks observations of many errors.
func TestObservationsShowNoSecret(t *testing.T) {
	echo := func(code string) func(*services, *http.Request) (*http.Response, error) {
		return func(spotify *services, req *http.Request) (*http.Response, error) {
			form := spotify.forms[len(spotify.forms)-1]
			_, secret, _ := req.BasicAuth()
			return respond(req, 400, fmt.Sprintf(`{"error":%q,"error_description":"%s %s %s %s"}`,
				code, form.Get("refresh_token"), form.Get("code"), form.Get("code_verifier"), secret)), nil
		}
	}
	for name, trouble := range map[string]func(*services, *http.Request) (*http.Response, error){
		"none":          nil,
		"an echo":       echo("invalid_request"),
		"refused":       echo("invalid_grant"),
		"no connection": func(*services, *http.Request) (*http.Response, error) { return nil, errStore },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := observed(t)
				if trouble != nil {
					c.spotify.token = func(_ int, req *http.Request) (*http.Response, error) { return trouble(c.spotify, req) }
				}
				c.store.swap.set(failsTwice())
				time.Sleep(2 * time.Hour)
				_, _ = c.Token(t.Context())
				time.Sleep(time.Minute)
				_, state, _ := c.AuthorizationURL(nil)
				_, _ = c.FetchTokenGivenCode(t.Context(), "code-secret", state)
				_, _ = c.RefreshToken(t.Context())
				_ = c.Logout(t.Context())
				time.Sleep(time.Minute)
				var text strings.Builder
				for _, o := range c.seen.take("") {
					fmt.Fprintf(&text, "%v %+v %#v\n", o, o, o)
					if o.Err != nil {
						fmt.Fprintf(&text, "%v %+v\n", o.Err, o.Err)
					}
				}
				for _, secret := range []string{"R0", "A1", "R1", "A2", "app-secret", "code-secret", state} {
					if strings.Contains(text.String(), secret) {
						t.Errorf("an observation shows %q", secret)
					}
				}
				if !strings.Contains(text.String(), "token_request") {
					t.Error("nothing was observed")
				}
			})
		})
	}
}

// TestObserveCostsNothingUnset checks that without Observe a fresh token, a request and
// a wait need no allocations for it.
func TestObserveCostsNothingUnset(t *testing.T) {
	allocations := func(observe func(context.Context, spotipie.Observation)) (fresh, request, slow float64) {
		s := offline(t, ok(""), nil, func(o *spotipie.Options) { o.Observe = observe })
		set(t, s, time.Hour)
		ctx := t.Context()
		fresh = testing.AllocsPerRun(1000, func() { _, _ = s.Token(ctx) })
		transport, req := s.Client().Transport, httpRequest(t)
		request = testing.AllocsPerRun(1000, func() {
			resp, _ := transport.RoundTrip(req)
			_ = resp.Body.Close()
		})
		nobody := offline(t, ok(""), nil, func(o *spotipie.Options) { o.Observe = observe })
		slow = testing.AllocsPerRun(1000, func() { _, _ = nobody.Token(ctx) })
		return fresh, request, slow
	}
	fresh, request, slow := allocations(nil)
	withFresh, withRequest, withSlow := allocations(func(context.Context, spotipie.Observation) {})
	if fresh != 0 || withFresh != 0 {
		t.Errorf("a fresh token costs %v allocations, observed %v, want none", fresh, withFresh)
	}
	if request != withRequest {
		t.Errorf("a request costs %v allocations, observed %v: nothing is observed of it", request, withRequest)
	}
	if slow >= withSlow {
		t.Errorf("a token that nobody has costs %v allocations, observed %v: it should be cheaper", slow, withSlow)
	}
}

// TestObservationInALog checks that the error also appears in JSON, which would print
// an error in a struct as {}.
func TestObservationInALog(t *testing.T) {
	failed := spotipie.Observation{
		Kind: spotipie.ObservedTokenRequest, Op: "refresh_token", Key: spotipie.Key{ClientID: "app", Profile: "ada"},
		Flow: spotipie.FlowAuthorizationCode, Start: time.Now(), Duration: time.Second, Err: errors.New("no answer"),
	}
	for name, test := range map[string]struct {
		observation spotipie.Observation
		text, json  string
	}{
		"failed": {failed, `o.kind=token_request o.op=refresh_token o.client_id=app o.profile=ada o.flow=authorization_code o.duration=1s o.error="no answer"`,
			`"o":{"kind":"token_request","op":"refresh_token","client_id":"app","profile":"ada","flow":"authorization_code","duration":1000000000,"error":"no answer"}`},
		"without what is empty": {spotipie.Observation{Kind: spotipie.ObservedWait, Key: spotipie.Key{ClientID: "app"}, Flow: spotipie.FlowClientCredentials},
			`o.kind=wait o.client_id=app o.flow=client_credentials o.duration=0s`,
			`"o":{"kind":"wait","client_id":"app","flow":"client_credentials","duration":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			var text, json strings.Builder
			slog.New(slog.NewTextHandler(&text, nil)).Info("x", "o", test.observation)
			slog.New(slog.NewJSONHandler(&json, nil)).Info("x", "o", test.observation)
			if !strings.HasSuffix(text.String(), " "+test.text+"\n") || !strings.HasSuffix(json.String(), ","+test.json+"}\n") {
				t.Errorf("got %s%s", text.String(), json.String())
			}
		})
	}
}
