package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestBadInput lists bad input from outside and its result: a typed error, or
// nothing at all. A comment names the tests of input that needs more than a row.
func TestBadInput(t *testing.T) {
	as := func(target any) func(error) bool {
		return func(err error) bool { return errors.As(err, target) }
	}
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	fine := func(err error) bool { return err == nil }
	callback := func(build func(state string) string) func(*testing.T, *spotifytest.Server) error {
		return func(t *testing.T, server *spotifytest.Server) error {
			s := newSession(t, server, nil)
			_, state, err := s.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.FetchToken(t.Context(), build(state))
			return err
		}
	}
	fragment := func(build func(state string) string) func(*testing.T, *spotifytest.Server) error {
		return func(t *testing.T, server *spotifytest.Server) error {
			s := newImplicit(t, server)
			_, state, err := s.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.ReadTokenFromCallbackURL(t.Context(), build(state))
			return err
		}
	}
	tokenAnswer := func(status int, body string) func(*testing.T, *spotifytest.Server) error {
		return func(t *testing.T, server *spotifytest.Server) error {
			s := signedIn(t, server, nil)
			old := s.CurrentToken()
			queue(t, server, accounts.Fault{Kind: accounts.FaultRespond, Target: accounts.TargetToken, Status: status, Body: body})
			_, err := s.RefreshToken(t.Context())
			if err != nil && s.CurrentToken() != old {
				t.Error("the old token is lost")
			}
			return err
		}
	}
	closed := func(use func(context.Context, *spotipie.AuthorizationCodeSession) error) func(*testing.T, *spotifytest.Server) error {
		return func(t *testing.T, server *spotifytest.Server) error {
			s := signedIn(t, server, nil)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			return use(t.Context(), s)
		}
	}
	const base = "http://127.0.0.1/callback"
	var (
		callbackErr *spotipie.CallbackError
		refused     *spotipie.AuthorizationError
		endpoint    *spotipie.TokenEndpointError
		format      *spotipie.TokenFormatError
		redirect    *spotipie.RedirectURIError
		missing     *spotipie.MissingVariableError
	)
	for name, test := range map[string]struct {
		do   func(*testing.T, *spotifytest.Server) error
		want func(error) bool
	}{
		// Environment and credentials: also TestCredentialsFromEnv, TestConstructorsRefuse, TestValidateRedirectURI.
		"missing variable": {func(t *testing.T, _ *spotifytest.Server) error {
			_, err := spotipie.CredentialsFromEnv("NOBODY_SETS_THIS")
			return err
		}, as(&missing)},
		"malformed redirect URI": {func(*testing.T, *spotifytest.Server) error {
			_, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{ClientID: "id", RedirectURI: "http://[::1"}, nil)
			return err
		}, as(&redirect)},

		// Callback URLs: also TestCallbackErrorsShowNoCode, FuzzCallbackURL.
		"empty callback":             {callback(func(string) string { return "" }), as(&callbackErr)},
		"callback that is no URL":    {callback(func(string) string { return "http://[" }), as(&callbackErr)},
		"callback of another flow":   {callback(func(state string) string { return base + "#access_token=x&state=" + state }), as(&callbackErr)},
		"without state":              {callback(func(string) string { return base + "?code=x" }), is(spotipie.ErrStateMismatch)},
		"foreign state":              {callback(func(string) string { return base + "?code=x&state=AAAA" }), is(spotipie.ErrStateMismatch)},
		"denial with foreign state":  {callback(func(string) string { return base + "?error=access_denied&state=AAAA" }), is(spotipie.ErrStateMismatch)},
		"denial":                     {callback(func(state string) string { return base + "?error=access_denied&state=" + state }), is(spotipie.ErrAccessDenied)},
		"another error":              {callback(func(state string) string { return base + "?error=server_error&state=" + state }), as(&refused)},
		"hostile error":              {callback(func(state string) string { return base + "?error=%00%1b[31m%ff<script>&state=" + state }), as(&refused)},
		"without code":               {callback(func(state string) string { return base + "?state=" + state }), as(&callbackErr)},
		"repeated code":              {callback(func(state string) string { return base + "?code=a&code=b&state=" + state }), as(&callbackErr)},
		"repeated state":             {callback(func(state string) string { return base + "?code=a&state=" + state + "&state=" + state }), as(&callbackErr)},
		"code and error":             {callback(func(state string) string { return base + "?code=a&error=access_denied&state=" + state }), is(spotipie.ErrAccessDenied)},
		"made-up code":               {callback(func(state string) string { return base + "?code=a%00%0d%0a&state=" + state }), as(&endpoint)},
		"huge callback":              {callback(func(state string) string { return base + "?state=" + state + "&code=" + strings.Repeat("a", 1<<20) }), as(&callbackErr)},
		"malformed query":            {callback(func(state string) string { return base + "?code=%zz&state=" + state }), as(&callbackErr)},
		"replayed state":             {replayedState, is(spotipie.ErrStateMismatch)},
		"implicit: of another flow":  {fragment(func(state string) string { return base + "?code=x&state=" + state }), as(&callbackErr)},
		"implicit: foreign state":    {fragment(func(string) string { return base + "#access_token=x&state=AAAA" }), is(spotipie.ErrStateMismatch)},
		"implicit: token in query":   {fragment(func(state string) string { return base + "?access_token=x&state=" + state }), as(&callbackErr)},
		"implicit: no token":         {fragment(func(state string) string { return base + "#state=" + state }), as(&callbackErr)},
		"implicit: hostile token":    {fragment(func(state string) string { return base + "#access_token=a%0d%0aX:%20y&state=" + state }), as(&format)},
		"implicit: lifetime a word":  {fragment(func(state string) string { return base + "#access_token=x&expires_in=soon&state=" + state }), as(&format)},
		"implicit: lifetime absurd":  {fragment(func(state string) string { return base + "#access_token=x&expires_in=99999999999999&state=" + state }), as(&format)},
		"implicit: lifetime missing": {fragment(func(state string) string { return base + "#access_token=x&state=" + state }), fine},

		// Answers of the token endpoint: also FuzzTokenAnswer, TestServerTroubleNeverCostsAToken.
		"huge answer":           {tokenAnswer(200, `{"access_token":"`+strings.Repeat("a", 2<<20)+`"}`), as(&endpoint)},
		"HTML answer":           {tokenAnswer(200, "<html><body>Sign in to the Wi-Fi</body></html>"), as(&endpoint)},
		"not UTF-8":             {tokenAnswer(200, "{\"access_token\":\"\xff\xfe\",\"expires_in\":3600}"), as(&endpoint)},
		"truncated answer":      {tokenAnswer(200, `{"access_token":"abc","expires_i`), as(&endpoint)},
		"empty answer":          {tokenAnswer(200, ""), as(&endpoint)},
		"list":                  {tokenAnswer(200, "[]"), as(&endpoint)},
		"null":                  {tokenAnswer(200, "null"), as(&endpoint)},
		"no access token":       {tokenAnswer(200, `{"token_type":"Bearer","expires_in":3600}`), as(&format)},
		"access token a number": {tokenAnswer(200, `{"access_token":1,"expires_in":3600}`), as(&format)},
		"lifetime negative":     {tokenAnswer(200, `{"access_token":"a","expires_in":-1}`), as(&format)},
		"lifetime absurd":       {tokenAnswer(200, `{"access_token":"a","expires_in":1e18}`), as(&format)},
		"lifetime text":         {tokenAnswer(200, `{"access_token":"a","expires_in":"3600"}`), fine},
		"lifetime a word":       {tokenAnswer(200, `{"access_token":"a","expires_in":"soon"}`), as(&format)},
		"created":               {tokenAnswer(201, `{"access_token":"a","expires_in":3600}`), fine},
		"lifetime missing":      {tokenAnswer(200, `{"access_token":"a"}`), fine},
		"other token type":      {tokenAnswer(200, `{"access_token":"a","token_type":"mac","expires_in":1}`), as(&format)},
		"scope a list":          {tokenAnswer(200, `{"access_token":"a","expires_in":3600,"scope":["x"]}`), fine},
		"unknown keys":          {tokenAnswer(200, `{"access_token":"a","expires_in":3600,"id_token":{}}`), fine},
		"success with an error": {tokenAnswer(200, `{"error":"invalid_request","error_description":"no"}`), as(&endpoint)},
		"error of a wrong type": {tokenAnswer(400, `{"error":{"status":400}}`), as(&endpoint)},
		"no content":            {tokenAnswer(204, ""), as(&endpoint)},
		"error in HTML":         {tokenAnswer(500, "<html>internal error</html>"), as(&endpoint)},

		// Tokens and listeners: also TestTokenFromMap, TestTokenFileThatIsNone, TestListenersThatMisbehave,
		// TestSetTokenDuringARefreshWins, TestRotatedTokenSurvivesSetTokenOfTheOldOne.
		"nil map": {func(*testing.T, *spotifytest.Server) error {
			_, err := spotipie.TokenFromMap(nil, true)
			return err
		}, as(&format)},
		"nil token": {func(t *testing.T, server *spotifytest.Server) error {
			return newSession(t, server, nil).SetToken(t.Context(), nil)
		}, as(&format)},
		"zero token": {func(t *testing.T, server *spotifytest.Server) error {
			return newSession(t, server, nil).SetToken(t.Context(), &spotipie.Token{})
		}, as(&format)},

		// A session without a token, or closed.
		"no token": {func(t *testing.T, server *spotifytest.Server) error {
			_, err := newSession(t, server, nil).Token(t.Context())
			return err
		}, is(spotipie.ErrNotAuthorized)},
		"refresh without a token": {func(t *testing.T, server *spotifytest.Server) error {
			_, err := newSession(t, server, nil).RefreshToken(t.Context())
			return err
		}, is(spotipie.ErrNotAuthorized)},
		"refresh without a refresh token": {func(t *testing.T, server *spotifytest.Server) error {
			s := newSession(t, server, nil)
			tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetToken(t.Context(), tok); err != nil {
				t.Fatal(err)
			}
			_, err = s.RefreshToken(t.Context())
			return err
		}, is(spotipie.ErrNoRefreshToken)},
		"closed: Token": {closed(func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Token(ctx)
			return err
		}), is(spotipie.ErrClosed)},
		"closed: RefreshToken": {closed(func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.RefreshToken(ctx)
			return err
		}), is(spotipie.ErrClosed)},
		"closed: SetToken": {closed(func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(ctx, s.CurrentToken())
		}), is(spotipie.ErrClosed)},
		"closed: Load": {closed(func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Load(ctx)
			return err
		}), is(spotipie.ErrClosed)},
		"closed: Request": {closed(func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, err := s.Request(ctx, http.MethodGet, "/v1/me", nil)
			return err
		}), is(spotipie.ErrClosed)},
		"closed: AuthorizationURL": {closed(func(_ context.Context, s *spotipie.AuthorizationCodeSession) error {
			_, _, err := s.AuthorizationURL(nil)
			return err
		}), is(spotipie.ErrClosed)},

		// Requests.
		"a relative path":     {requestTo("v1/me", nil), isOwn},
		"another scheme":      {requestTo("file:///etc/passwd", nil), isOwn},
		"control characters":  {requestTo("/v1/\x7f", nil), isOwn},
		"two bodies":          {requestTo("/v1/me", &spotipie.RequestOptions{JSON: 1, Body: strings.NewReader("")}), isOwn},
		"JSON that is none":   {requestTo("/v1/me", &spotipie.RequestOptions{JSON: func() {}}), isOwn},
		"a host with no port": {requestTo("http://127.0.0.1:0/", nil), func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Legacy: true})
			if err := test.do(t, server); !test.want(err) {
				t.Errorf("got %T: %v", err, err)
			}
		})
	}
}

// isOwn reports whether an error comes from this package. Its text says so.
func isOwn(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "spotipie: ") }

func replayedState(t *testing.T, server *spotifytest.Server) error {
	s := newSession(t, server, nil)
	raw, _, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	callback := server.Consent(t, raw)
	if _, err := s.FetchToken(t.Context(), callback); err != nil {
		t.Fatal(err)
	}
	_, err = s.FetchToken(t.Context(), callback)
	return err
}

func requestTo(url string, opts *spotipie.RequestOptions) func(*testing.T, *spotifytest.Server) error {
	return func(t *testing.T, server *spotifytest.Server) error {
		resp, err := signedIn(t, server, nil).Request(t.Context(), http.MethodGet, url, opts)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
}
