package spotipie_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// badBody is the body of an answer that misbehaves when it is read.
type badBody struct{ read func() (int, error) }

func (b badBody) Read([]byte) (int, error) { return b.read() }
func (b badBody) Close() error             { return nil }

func withBody(status int, read func() (int, error)) answer {
	return func(req *http.Request) (*http.Response, error) {
		resp := respond(req, status, "")
		resp.Body = badBody{read}
		return resp, nil
	}
}

// badRoundTrippers break the rules of http.RoundTripper.
var badRoundTrippers = map[string]struct {
	rt   answer
	says string
}{
	"panics":                     {func(*http.Request) (*http.Response, error) { panic("ouch") }, "panicked: ouch at "},
	"panics with an error":       {func(*http.Request) (*http.Response, error) { panic(errors.New("ouch")) }, "panicked: ouch at "},
	"dereferences nil":           {func(*http.Request) (*http.Response, error) { var u *http.Request; return nil, u.Context().Err() }, "nil pointer"},
	"ends its goroutine":         {func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }, "ended its goroutine"},
	"returns nothing":            {func(*http.Request) (*http.Response, error) { return nil, nil }, "nil"},
	"ignores its context":        {func(*http.Request) (*http.Response, error) { time.Sleep(time.Minute); return nil, errStore }, "no answer in 15s"},
	"panics in the body":         {withBody(200, func() (int, error) { panic("ouch") }), "panicked: ouch at "},
	"ends its goroutine in it":   {withBody(200, func() (int, error) { runtime.Goexit(); return 0, nil }), "ended its goroutine"},
	"never ends the body":        {withBody(200, func() (int, error) { time.Sleep(time.Minute); return 0, io.EOF }), "no answer in 15s"},
	"fails in the body":          {withBody(200, func() (int, error) { return 0, errStore }), errStore.Error()},
	"never ends an error's body": {withBody(503, func() (int, error) { time.Sleep(time.Minute); return 0, io.EOF }), "no answer in 15s"},
	"panics in an error's body":  {withBody(400, func() (int, error) { panic("ouch") }), "panicked: ouch at "},
	"answers without a body": {func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Request: req}, nil
	}, "JSON"},
	"answers without a status":    {func(req *http.Request) (*http.Response, error) { return &http.Response{Request: req}, nil }, "answered 0"},
	"answers with a wild status":  {func(req *http.Request) (*http.Response, error) { return respond(req, -7, ""), nil }, "answered -7"},
	"answers to nobody's request": {func(*http.Request) (*http.Response, error) { return respond(nil, 200, "{}"), nil }, "access_token"},
}

// TestRoundTripperThatMisbehavesAtTheTokenEndpoint checks that the program goes on and
// the session can renew again.
func TestRoundTripperThatMisbehavesAtTheTokenEndpoint(t *testing.T) {
	for name, bad := range badRoundTrippers {
		for who, ask := range map[string]func(*testing.T, *services) (spotipie.Session, error){
			"Token": func(t *testing.T, spotify *services) (spotipie.Session, error) {
				s := offline(t, spotify, newHookedStore(), nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				_, err := s.Token(context.Background())
				return s, err
			},
			"RefreshToken": func(t *testing.T, spotify *services) (spotipie.Session, error) {
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				_, err := s.RefreshToken(context.Background())
				time.Sleep(2 * time.Hour)
				return s, err
			},
			"a login": func(t *testing.T, spotify *services) (spotipie.Session, error) {
				s := offline(t, spotify, nil, nil)
				_, err := login(t, s)
				set(t, s, time.Second)
				return s, err
			},
			"an app": func(t *testing.T, spotify *services) (spotipie.Session, error) {
				s := app(t, spotify, nil)
				_, err := s.FetchToken(context.Background())
				return s, err
			},
		} {
			t.Run(name+", "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var healthy atomic.Bool
					spotify := &services{}
					spotify.token = func(n int, req *http.Request) (*http.Response, error) {
						if healthy.Load() {
							return respond(req, http.StatusOK, renewed(n)), nil
						}
						return bad.rt(req)
					}
					s, err := ask(t, spotify)
					if err == nil || !strings.Contains(err.Error(), bad.says) {
						t.Errorf("got error %v, want one that says %q", err, bad.says)
					}
					time.Sleep(2 * time.Minute)
					healthy.Store(true)
					if _, err := s.Token(t.Context()); err != nil {
						t.Errorf("Token when the RoundTripper is well again: %v", err)
					}
					if err := s.Close(t.Context()); err != nil {
						t.Errorf("Close: %v", err)
					}
				})
			})
		}
	}
}

// TestRoundTripperThatMisbehavesInTheBackground checks that OnError gets the error, and
// that the session returns the token as long as it is valid.
func TestRoundTripperThatMisbehavesInTheBackground(t *testing.T) {
	for name, bad := range badRoundTrippers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reported errorLog
				spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) { return bad.rt(req) }}
				s := offline(t, spotify, nil, func(o *spotipie.Options) { o.OnError = reported.add })
				set(t, s, time.Hour)
				time.Sleep(56 * time.Minute)
				token(t, s)
				time.Sleep(30 * time.Second)
				if tok := token(t, s); tok.AccessToken() != "A0" {
					t.Errorf("got %s", tokenNames(tok))
				}
				time.Sleep(time.Minute)
				if heard := reported.all(); len(heard) == 0 || !strings.Contains(heard[0].Error(), bad.says) {
					t.Errorf("OnError heard of %v, want %q", heard, bad.says)
				}
			})
		})
	}
}

// TestRequestsFailWithAURLError checks that a panic at the token endpoint does not change
// the type of the error of Request.
func TestRequestsFailWithAURLError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{token: func(int, *http.Request) (*http.Response, error) { panic("ouch") }}, nil, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		_, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
		var failed *url.Error
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "panicked: ouch") {
			t.Errorf("got %T: %v", err, err)
		}
	})
}

// TestRoundTripperThatMisbehavesAtTheAuthorizationEndpoint checks that CheckAuthorization
// returns in time, with an error that does not show the state.
func TestRoundTripperThatMisbehavesAtTheAuthorizationEndpoint(t *testing.T) {
	for name, bad := range map[string]answer{
		"panics":              badRoundTrippers["panics"].rt,
		"ignores its context": badRoundTrippers["ignores its context"].rt,
		"never ends an error's body": withBody(400, func() (int, error) {
			time.Sleep(time.Minute)
			return 0, io.EOF
		}),
		"shows the request": func(req *http.Request) (*http.Response, error) { return nil, errors.New(req.URL.RawQuery) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				states := make(chan string, 1)
				s := offline(t, answer(func(req *http.Request) (*http.Response, error) {
					states <- req.URL.Query().Get("state")
					return bad(req)
				}), nil, nil)
				start := time.Now()
				err := s.CheckAuthorization(t.Context(), nil)
				if err == nil || strings.Contains(err.Error(), <-states) || time.Since(start) > 16*time.Second {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestRoundTripperThatMisbehavesAtTheAPI checks that the caller gets an error or the
// panic, and that the session still works.
func TestRoundTripperThatMisbehavesAtTheAPI(t *testing.T) {
	for name, test := range map[string]struct {
		rt     answer
		panics bool
		status int // 0: an error
	}{
		"panics":          {func(*http.Request) (*http.Response, error) { panic("ouch") }, true, 0},
		"returns nothing": {func(*http.Request) (*http.Response, error) { return nil, nil }, false, 0},
		"401 without a body": {func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Request: req}, nil
		}, false, 401},
		"401 to nobody": {func(*http.Request) (*http.Response, error) { return respond(nil, 401, ""), nil }, false, 401},
		"200 without a body": {func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req}, nil
		}, false, 200},
		"an answer and error": {func(req *http.Request) (*http.Response, error) { return respond(req, 200, ""), errStore }, false, 0},
	} {
		for how, call := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession) (*http.Response, error){
			"Request": func(t *testing.T, s *spotipie.AuthorizationCodeSession) (*http.Response, error) {
				return s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
			},
			"without the token": func(t *testing.T, s *spotipie.AuthorizationCodeSession) (*http.Response, error) {
				return s.Request(t.Context(), http.MethodGet, "/v1/me", &spotipie.RequestOptions{WithholdToken: true})
			},
			"by the client": func(_ *testing.T, s *spotipie.AuthorizationCodeSession) (*http.Response, error) {
				return s.Client().Get("https://api.spotify.com/v1/me")
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				spotify := &services{api: test.rt}
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				resp, panicked, err := caught(func() (*http.Response, error) { return call(t, s) })
				if (panicked != nil) != test.panics {
					t.Fatalf("panic: %v, want one: %t", panicked, test.panics)
				}
				switch {
				case test.status == 0 && !test.panics && err == nil:
					t.Errorf("got %v, want an error", resp)
				case test.status != 0 && err != nil:
					t.Errorf("got error %v, want status %d", err, test.status)
				case test.status != 0:
					if resp.StatusCode != test.status || resp.Body == nil {
						t.Errorf("got %d with the body %v, want %d", resp.StatusCode, resp.Body, test.status)
					}
					_ = resp.Body.Close()
				}
				spotify.api = nil
				if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK {
					t.Errorf("status %d when the RoundTripper works again", resp.StatusCode)
				}
			})
		}
	}
}

func caught(call func() (*http.Response, error)) (resp *http.Response, panicked any, err error) {
	defer func() { panicked = recover() }()
	resp, err = call()
	return resp, nil, err
}
