package spotipie_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// TestZeroValuesDoNotPanic calls every exported method of every type whose zero value a
// program may have, once with arguments and once with nil ones.
func TestZeroValuesDoNotPanic(t *testing.T) {
	t.Chdir(t.TempDir()) // some methods write a file
	for _, value := range []any{
		&spotipie.AuthorizationCodeSession{}, &spotipie.ClientCredentialsSession{}, &spotipie.ImplicitGrantSession{},
		&spotipie.Pool{}, spotipie.Login{}, spotipie.SignIn{}, &spotipie.Token{}, &spotipie.MemoryStore{},
		spotipie.Record{}, &spotipie.Record{}, spotipie.User{}, spotipie.Key{}, spotipie.Credentials{}, spotipie.TokenFields{},
		spotipie.TokenUpdated{}, spotipie.TokenExpired{}, spotipie.LoggedOut{}, spotipie.Scope(""), spotipie.Scopes(nil), spotipie.Scopes{""},
		&spotipie.TokenEndpointError{}, &spotipie.StoreError{}, &spotipie.RecordMismatchError{}, &spotipie.ListenerError{},
		&spotipie.InsufficientScopeError{}, &spotipie.BackgroundError{}, &spotipie.APIError{}, &spotipie.RateLimitError{},
		&spotipie.TokenFormatError{}, &spotipie.RedirectURIError{}, &spotipie.CallbackError{}, &spotipie.AuthorizationError{},
		&spotipie.MissingVariableError{},
	} {
		methods := reflect.TypeOf(value)
		for i := range methods.NumMethod() {
			for _, withNil := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s.%s, nil arguments: %t", methods, methods.Method(i).Name, withNil), func(t *testing.T) {
					callMethod(t, fresh(value), i, withNil)
				})
			}
		}
	}
}

// fresh returns a new zero value, because a method may change it.
func fresh(value any) reflect.Value {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		return reflect.New(v.Type().Elem())
	}
	return v
}

func callMethod(t *testing.T, receiver reflect.Value, i int, withNil bool) {
	t.Helper()
	method := receiver.Method(i)
	var args []reflect.Value
	for p := range method.Type().NumIn() {
		if method.Type().IsVariadic() && p == method.Type().NumIn()-1 {
			break
		}
		args = append(args, argument(t, method.Type().In(p), withNil))
	}
	for _, result := range method.Call(args) {
		if f, ok := result.Interface().(func()); ok {
			f() // removes a listener
		}
		if f, ok := result.Interface().(func(context.Context) error); ok && f != nil {
			_ = f(t.Context()) // unlocks
		}
	}
}

func argument(t *testing.T, typ reflect.Type, withNil bool) reflect.Value {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that Watch and Lock return
	state := &fmtState{}
	for _, value := range []any{ctx, fmt.State(state), http.RoundTripper(&services{})} {
		if typ.Kind() == reflect.Interface && reflect.TypeOf(value).Implements(typ) && (!withNil || typ.Name() != "RoundTripper") {
			return reflect.ValueOf(value)
		}
	}
	if req := httpRequest(t); typ == reflect.TypeOf(req) {
		return reflect.ValueOf(req) // a nil request panics in net/http too
	}
	if withNil {
		return reflect.Zero(typ)
	}
	switch typ.Kind() {
	case reflect.Func:
		return reflect.MakeFunc(typ, func([]reflect.Value) []reflect.Value {
			var results []reflect.Value
			for i := range typ.NumOut() {
				results = append(results, reflect.Zero(typ.Out(i)))
			}
			return results
		})
	case reflect.Pointer:
		return reflect.New(typ.Elem())
	case reflect.String:
		return reflect.ValueOf("https://api.spotify.com/?code=c&state=s#access_token=a&state=s").Convert(typ)
	case reflect.Slice:
		return reflect.MakeSlice(typ, 1, 1)
	}
	return reflect.Zero(typ)
}

func httpRequest(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.spotify.com/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// fmtState is an [fmt.State].
type fmtState struct{ strings.Builder }

func (*fmtState) Width() (int, bool)     { return 0, false }
func (*fmtState) Precision() (int, bool) { return 0, false }
func (*fmtState) Flag(int) bool          { return false }

// TestZeroSessionsSayWhatIsWrong checks that all methods that return an error say how to
// make a session.
func TestZeroSessionsSayWhatIsWrong(t *testing.T) {
	for _, make := range []func() spotipie.Session{
		func() spotipie.Session { return &spotipie.AuthorizationCodeSession{} },
		func() spotipie.Session { return &spotipie.ClientCredentialsSession{} },
		func() spotipie.Session { return &spotipie.ImplicitGrantSession{} },
	} {
		s := make()
		ctx, rec := t.Context(), spotipie.Record{Token: tokenOf("A", "R", time.Hour)}
		calls := map[string]error{
			"SetToken": s.SetToken(ctx, rec.Token), "SetRecord": s.SetRecord(ctx, rec), "Logout": s.Logout(ctx),
			"Watch": s.Watch(ctx), "Mount": s.Mount("https://", &services{}), "RequireScope": spotipie.RequireScope(s, "streaming"),
		}
		_, calls["Token"] = s.Token(ctx)
		_, calls["Load"] = s.Load(ctx)
		_, calls["Request"] = s.Request(ctx, http.MethodGet, "/v1/me", nil)
		_, calls["Do"] = s.Do(httpRequest(t))
		_, calls["Client"] = s.Client().Get("https://api.spotify.com/v1/me")
		_, calls["TokenSource"] = s.TokenSource(ctx).Token()
		_, calls["CurrentUser"] = spotipie.CurrentUser(ctx, s)
		switch s := s.(type) {
		case *spotipie.AuthorizationCodeSession:
			_, calls["RefreshToken"] = s.RefreshToken(ctx)
			_, _, calls["AuthorizationURL"] = s.AuthorizationURL(nil)
			_, calls["FetchToken"] = s.FetchToken(ctx, "http://127.0.0.1/?code=c&state=s")
			_, calls["FetchToken after a denial"] = s.FetchToken(ctx, "http://127.0.0.1/?error=access_denied&state=s")
			_, calls["FetchTokenGivenCode"] = s.FetchTokenGivenCode(ctx, "c", "s")
			calls["CheckAuthorization"] = s.CheckAuthorization(ctx, nil)
		case *spotipie.ClientCredentialsSession:
			_, calls["RefreshToken"] = s.RefreshToken(ctx)
			_, calls["FetchToken"] = s.FetchToken(ctx)
		case *spotipie.ImplicitGrantSession:
			_, _, calls["AuthorizationURL"] = s.AuthorizationURL(nil)
			_, calls["ReadTokenFromCallbackURL"] = s.ReadTokenFromCallbackURL(ctx, "http://127.0.0.1/#access_token=a&state=s")
			calls["CheckAuthorization"] = s.CheckAuthorization(ctx, nil)
		}
		for name, err := range calls {
			if err == nil || !strings.Contains(err.Error(), "make it with its New function") {
				t.Errorf("%T.%s: %v", s, name, err)
			}
		}
		if err := s.Close(ctx); err != nil {
			t.Errorf("%T.Close: %v", s, err)
		}
		if s.IsAuthorized() || s.CurrentToken() != nil || s.ClientID() != "" || len(s.Scope()) != 0 {
			t.Errorf("%T is authorized", s)
		}
	}
}

// TestZeroValuesAreNotTaken checks this where a token is needed.
func TestZeroValuesAreNotTaken(t *testing.T) {
	store := newHookedStore()
	s := offline(t, &services{}, store, nil)
	set(t, s, time.Hour)
	var format *spotipie.TokenFormatError
	for name, err := range map[string]error{
		"SetToken(nil)":                 s.SetToken(t.Context(), nil),
		"SetToken of a zero Token":      s.SetToken(t.Context(), &spotipie.Token{}),
		"SetRecord of a zero Record":    s.SetRecord(t.Context(), spotipie.Record{}),
		"SetRecord with a zero Token":   s.SetRecord(t.Context(), spotipie.Record{Token: &spotipie.Token{}}),
		"NewToken of zero TokenFields":  second(spotipie.NewToken(spotipie.TokenFields{})),
		"the JSON of an object of none": json.Unmarshal([]byte("{}"), &spotipie.Token{}),
	} {
		if !errors.As(err, &format) {
			t.Errorf("%s: %v, want a TokenFormatError", name, err)
		}
	}
	expectTokens(t, s, store, "A0", "R0")

	change(t, store, func(rec *spotipie.Record) { rec.Token = &spotipie.Token{} })
	var mismatch *spotipie.RecordMismatchError
	if _, err := offline(t, &services{}, store, nil).Token(t.Context()); !errors.As(err, &mismatch) {
		t.Errorf("Token with a zero Token in the store: %v", err)
	}
	if _, err := offline(t, &services{}, nil, nil).Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
		t.Errorf("Token: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestZeroValuesPrint prints zero values with every verb, with slog and as JSON.
func TestZeroValuesPrint(t *testing.T) {
	for _, value := range []any{
		&spotipie.AuthorizationCodeSession{}, &spotipie.ClientCredentialsSession{}, &spotipie.ImplicitGrantSession{},
		&spotipie.Token{}, spotipie.Record{}, spotipie.User{}, spotipie.Credentials{}, spotipie.TokenFields{},
		spotipie.TokenUpdated{}, spotipie.TokenExpired{}, spotipie.LoggedOut{}, spotipie.Observation{}, &spotipie.BackgroundError{},
	} {
		var b strings.Builder
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "value", value)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&b, verb, value)
		}
		if text := b.String(); strings.Contains(strings.ToLower(text), "panic") {
			t.Errorf("%T is printed as %s", value, text)
		}
	}
}
