package spotipie_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestNothingPrintsASecret prints a value of every exported type of the package in every
// way, alone and inside other values. No text may contain a secret.
func TestNothingPrintsASecret(t *testing.T) {
	const access, refreshSecret, clientSecret, state = "ACCESS-s3cret", "REFRESH-s3cret", "CLIENT-s3cret", "STATE-s3cret"
	fields := spotipie.TokenFields{AccessToken: access, RefreshToken: refreshSecret, State: state, ExpiresIn: time.Hour}
	tok, err := spotipie.NewToken(fields)
	if err != nil {
		t.Fatal(err)
	}
	creds := spotipie.Credentials{ClientID: "id", ClientSecret: clientSecret, RedirectURI: "http://127.0.0.1/callback"}
	rec := spotipie.Record{Token: tok, ClientID: "id"}
	key := spotipie.Key{ClientID: "id", Profile: "ada"}
	store := spotipie.NewMemoryStore()
	if _, err := store.Swap(t.Context(), key, 0, rec); err != nil {
		t.Fatal(err)
	}
	opts := &spotipie.Options{Store: store, Profile: "ada", SkipRedirectURICheck: true}
	code, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := code.AuthorizationURL(nil); err != nil { // gives the session a state and a verifier
		t.Fatal(err)
	}
	client, err := spotipie.NewClientCredentialsSession(creds, nil)
	if err != nil {
		t.Fatal(err)
	}
	implicit, err := spotipie.NewImplicitGrantSession(creds, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []spotipie.Session{code, client, implicit} {
		if err := s.SetToken(t.Context(), tok); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Session(t.Context(), key.Profile); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{
		"Token": tok, "TokenFields": fields, "Credentials": creds, "Record": rec, "Key": key, "MemoryStore": store, "Options": opts,
		"AuthorizationCodeSession": code, "ClientCredentialsSession": client, "ImplicitGrantSession": implicit,
		"TokenUpdated": spotipie.TokenUpdated{Session: code, OldToken: tok, NewToken: tok},
		"TokenExpired": spotipie.TokenExpired{Session: code, ExpiredToken: tok},
		"User":         spotipie.User{ID: "ada"},
		"LoggedOut":    spotipie.LoggedOut{Session: code, OldToken: tok},
		"Observation":  spotipie.Observation{Kind: spotipie.ObservedRenewal, Key: key, Err: errors.New("x")}, "ObservationKind": spotipie.ObservedRenewal,
		"Session": spotipie.Session(code), "RefreshableSession": spotipie.RefreshableSession(client), "Store": spotipie.Store(store), "Watcher": spotipie.Watcher(store), "Checker": spotipie.Checker(nil),
		"Change": spotipie.Change{Key: key}, "ChangeWatcher": spotipie.ChangeWatcher(store), "VersionDeleter": spotipie.VersionDeleter(store), "Summarizer": spotipie.Summarizer(store),
		"Summary": rec.Summary(key), "SummaryPage": spotipie.SummaryPage{Summaries: []spotipie.Summary{rec.Summary(key)}}, "SummaryQuery": spotipie.SummaryQuery{},
		"Pool": pool, "PoolOptions": spotipie.PoolOptions{Options: *opts}, "PoolStats": pool.Stats(),
		"ReminderOptions": spotipie.ReminderOptions{}, "RetryReport": spotipie.RetryReport{},
		"Login": spotipie.Login{State: state, Verifier: clientSecret}, "SignIn": spotipie.SignIn{Session: code},
		"SealedRecord": spotipie.SealedRecord{Key: "k"},
		"CopyCounts":   spotipie.CopyCounts{Copied: 1}, "CopyOptions": &spotipie.CopyOptions{Parallel: 1},
		"AuthorizationURLOptions": spotipie.AuthorizationURLOptions{RedirectURI: "x"},
		"RequestOptions":          &spotipie.RequestOptions{}, // its contents come from the caller
		"Flow":                    spotipie.FlowAuthorizationCode, "Scope": spotipie.ScopeStreaming, "Scopes": spotipie.AllScopes(),
	}
	for name, err := range errorValues() {
		values[name] = err
	}
	for _, name := range exportedTypes(t) {
		if _, there := values[name]; !there {
			t.Errorf("type %s is missing from this test", name)
		}
	}
	for name, value := range values {
		for how, text := range printed(value) {
			for _, secret := range []string{access, refreshSecret, clientSecret, state} {
				if strings.Contains(text, secret) {
					t.Errorf("%s printed with %s shows %s", name, how, secret)
				}
			}
		}
	}
	for how, text := range printed(struct {
		hidden any
		token  spotipie.Token
		ptr    *spotipie.Token
	}{code, *tok, tok}) {
		if strings.Contains(text, "s3cret") {
			t.Errorf("in unexported fields: printed with %s: %s", how, text)
		}
	}
}

// printed returns the texts that fmt and slog make of a value. The keys say how.
func printed(value any) map[string]string {
	texts := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts[verb] = fmt.Sprintf(verb, value)
		texts[verb+" in a slice"] = fmt.Sprintf(verb, []any{value})
		texts[verb+" in a struct"] = fmt.Sprintf(verb, struct{ Value any }{value})
		texts[verb+" in an error"] = fmt.Errorf("wrapped: "+verb, value).Error()
	}
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("x", "value", value)
	texts["slog text"], texts["slog JSON"] = text.String(), js.String()
	return texts
}

// errorValues has one of each of the package's error types.
func errorValues() map[string]error {
	return map[string]error{
		"MissingVariableError":   &spotipie.MissingVariableError{Name: "X"},
		"RedirectURIError":       &spotipie.RedirectURIError{URI: "x", Reason: "y"},
		"AuthorizationError":     &spotipie.AuthorizationError{Code: "x", Description: "y"},
		"CallbackError":          &spotipie.CallbackError{Reason: "x"},
		"TokenFormatError":       &spotipie.TokenFormatError{Key: "x", Reason: "y"},
		"TokenEndpointError":     &spotipie.TokenEndpointError{StatusCode: 400},
		"StoreError":             &spotipie.StoreError{Op: "load", Err: errors.New("x")},
		"RecordMismatchError":    &spotipie.RecordMismatchError{Reason: "x"},
		"ListenerError":          &spotipie.ListenerError{Event: "token_updated", Err: errors.New("x")},
		"InsufficientScopeError": &spotipie.InsufficientScopeError{},
		"RateLimitError":         &spotipie.RateLimitError{},
		"BackgroundError":        &spotipie.BackgroundError{Err: errors.New("x")},
		"MassRefusalError":       &spotipie.MassRefusalError{Words: "x"},
		"APIError":               &spotipie.APIError{StatusCode: 400},
	}
}

// exportedTypes lists the package's exported types from its source.
func exportedTypes(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			general, isGeneral := decl.(*ast.GenDecl)
			if !isGeneral || general.Tok != gotoken.TYPE {
				continue
			}
			for _, spec := range general.Specs {
				if name := spec.(*ast.TypeSpec).Name; name.IsExported() {
					names[name.Name] = true
				}
			}
		}
	}
	if len(names) < 25 {
		t.Fatalf("found only the types %v", names)
	}
	return slices.Sorted(maps.Keys(names))
}

// TestErrorsOfRealFailuresShowNoSecret makes the accounts service repeat the secrets
// that it was sent. The errors must not contain them.
func TestErrorsOfRealFailuresShowNoSecret(t *testing.T) {
	server := spotifytest.New(t)
	var sent []string
	echo := answer(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path != "/api/token" {
			return server.Transport().RoundTrip(req)
		}
		form := formOf(t, req)
		_, password, _ := req.BasicAuth()
		sent = append(sent, form.Get("code"), form.Get("code_verifier"), form.Get("refresh_token"), password)
		body, _ := json.Marshal(map[string]string{
			"error":             "invalid_request " + form.Get("code"),
			"error_description": fmt.Sprint("no use for ", form, " of ", password),
		})
		return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: req}, nil
	})
	var reported errorLog
	s := newSession(t, server, func(o *spotipie.Options) {
		o.Transport = echo
		o.OnError = reported.add
	})
	raw, _, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, fetchErr := s.FetchToken(t.Context(), server.Consent(t, raw))
	if err := s.SetToken(t.Context(), newToken(t, "s3cret-token")); err != nil {
		t.Fatal(err)
	}
	_, refreshErr := s.RefreshToken(t.Context())
	for _, err := range append(reported.all(), fetchErr, refreshErr) {
		if err == nil {
			t.Fatal("no error")
		}
		for how, text := range printed(err) {
			for _, secret := range sent {
				if secret != "" && strings.Contains(text, secret) {
					t.Errorf("printed with %s: %s", how, text)
				}
			}
		}
	}
	if len(sent) != 8 {
		t.Errorf("%d secrets were sent, want 8", len(sent))
	}
}

// TestAPIErrorsShowNoToken makes the Web API, or a proxy before it, repeat what it was
// sent.
func TestAPIErrorsShowNoToken(t *testing.T) {
	for name, body := range map[string]string{
		"message":     `{"error":{"status":403,"message":"Bad token: %s"}}`,
		"reason":      `{"error":{"status":403,"message":"No","reason":"%s"}}`,
		"description": `{"error":"no","error_description":"%s"}`,
		"plain text":  `no %s`,
	} {
		t.Run(name, func(t *testing.T) {
			s := offline(t, &services{api: func(req *http.Request) (*http.Response, error) {
				return respond(req, http.StatusForbidden, fmt.Sprintf(body, req.Header.Get("Authorization"))), nil
			}}, nil, nil)
			if err := s.SetToken(t.Context(), newToken(t, "s3cret-token")); err != nil {
				t.Fatal(err)
			}
			for call, get := range apiCalls(s) {
				resp, err := get(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				err = spotipie.CheckResponse(resp)
				if err == nil {
					t.Fatal("no error")
				}
				for how, text := range printed(err) {
					if strings.Contains(text, "s3cret") {
						t.Errorf("%s, printed with %s: %s", call, how, text)
					}
				}
			}
		})
	}
}

// apiCalls returns the ways to ask the Web API for the current user.
func apiCalls(s spotipie.Session) map[string]func(context.Context) (*http.Response, error) {
	const address = "https://api.spotify.com/v1/me"
	return map[string]func(context.Context) (*http.Response, error){
		"Request": func(ctx context.Context) (*http.Response, error) {
			return s.Request(ctx, http.MethodGet, address, nil)
		},
		"the client": func(context.Context) (*http.Response, error) { return s.Client().Get(address) },
	}
}

// TestAPIRequestErrorsShowNoToken uses RoundTrippers and servers that put the token into
// an error without an answer.
func TestAPIRequestErrorsShowNoToken(t *testing.T) {
	for name, send := range map[string]answer{
		"an answer with a line of the request": func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("malformed MIME header line: Authorization %s", req.Header.Get("Authorization"))
		},
		"the limit of an adapter": func(req *http.Request) (*http.Response, error) {
			return nil, &spotipie.RateLimitError{StatusCode: http.StatusTooManyRequests, Message: "not for " + req.Header.Get("Authorization")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := offline(t, &services{api: send}, nil, nil)
			if err := s.SetToken(t.Context(), newToken(t, "s3cret-token")); err != nil {
				t.Fatal(err)
			}
			for call, get := range apiCalls(s) {
				_, err := get(t.Context())
				if err == nil {
					t.Fatal("no error")
				}
				for how, text := range printed(err) {
					if strings.Contains(text, "s3cret") {
						t.Errorf("%s, printed with %s: %s", call, how, text)
					}
				}
			}
		})
	}
}

// TestRedirectErrorsShowNoToken makes the Web API redirect to an address with the token
// in it that cannot be used.
func TestRedirectErrorsShowNoToken(t *testing.T) {
	for _, location := range []string{"http://[::1?", "ftp://elsewhere.example/"} {
		s := offline(t, &services{api: func(req *http.Request) (*http.Response, error) {
			if req.URL.Scheme == "ftp" {
				return nil, errStore
			}
			return respond(req, http.StatusFound, "", "Location", location+"s3cret-token"), nil
		}}, nil, nil)
		if err := s.SetToken(t.Context(), newToken(t, "s3cret-token")); err != nil {
			t.Fatal(err)
		}
		_, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("a redirect to %s: error %v", location, err)
		}
	}
}

// TestCallbackErrorsShowNoCode checks that no error about a callback URL repeats the
// code or token in it.
func TestCallbackErrorsShowNoCode(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Legacy: true})
	code, implicit := newSession(t, server, nil), newImplicit(t, server)
	for _, callback := range []string{
		"http://127.0.0.1/callback?code=s3cret", "http://127.0.0.1/callback?code=s3cret&state=s3cret",
		"http://127.0.0.1/callback?code=s3cret&code=s3cret", "http://127.0.0.1/callback#access_token=s3cret",
		"http://127.0.0.1/callback?code=s3cret&%zz", "http://s3cret:port/?code=s3cret", "s3cret\x00://",
		"http://127.0.0.1/callback#access_token=s3cret&%zz", "http://127.0.0.1/callback?error=x&state=s3cret",
	} {
		_, codeErr := code.FetchToken(context.Background(), callback)
		_, implicitErr := implicit.ReadTokenFromCallbackURL(context.Background(), callback)
		for _, err := range []error{codeErr, implicitErr} {
			if err == nil || strings.Contains(fmt.Sprintf("%+v", err), "s3cret") {
				t.Errorf("callback %q: error %v", callback, err)
			}
		}
	}
}

// TestTokenRequestErrorsShowNoSecret uses transports and servers that put what they were
// sent into an error or a panic, also at the place where the text is cut.
func TestTokenRequestErrorsShowNoSecret(t *testing.T) {
	for name, send := range map[string]func(req *http.Request, form string) (*http.Response, error){
		"panic with the form":     func(_ *http.Request, form string) (*http.Response, error) { panic(form) },
		"panic with a cut secret": func(_ *http.Request, form string) (*http.Response, error) { panic(strings.Repeat("x", 140) + form) },
		"panic with the request":  func(req *http.Request, _ string) (*http.Response, error) { panic(req) },
		"error":                   func(_ *http.Request, form string) (*http.Response, error) { return nil, errors.New(form) },
		"redirect that is no URL": func(req *http.Request, form string) (*http.Response, error) {
			return respond(req, http.StatusTemporaryRedirect, "", "Location", "http://[::1?"+form), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var observed errorLog
			transport := answer(func(req *http.Request) (*http.Response, error) { return send(req, formOf(t, req).Encode()) })
			s := offline(t, transport, nil, func(o *spotipie.Options) {
				o.Observe = func(_ context.Context, o spotipie.Observation) { observed.add(o.Err) }
			})
			if err := s.SetToken(t.Context(), tokenOf("A0", "R-s3cret-s3cret-s3cret", time.Hour)); err != nil {
				t.Fatal(err)
			}
			_, err := s.RefreshToken(t.Context())
			for _, err := range append(observed.all(), err) {
				if err == nil {
					t.Fatal("no error")
				}
				for how, text := range printed(err) {
					if strings.Contains(text, "R-s3") || strings.Contains(text, "aWQ6") { // Basic authentication of id:
						t.Errorf("printed with %s: %s", how, text)
					}
				}
			}
		})
	}
}
