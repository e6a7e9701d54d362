package accounts_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientID     = "0123456789abcdef0123456789abcdef"
	clientSecret = "fedcba9876543210fedcba9876543210"
	otherID      = "11111111111111111111111111111111"
	otherSecret  = "22222222222222222222222222222222"
	publicID     = "33333333333333333333333333333333"
	redirectURI  = "https://app.example/callback"

	// The pair of RFC 7636 appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// world is a service with three apps and the default users. It needs no network.
type world struct {
	*accounts.Service
	t testing.TB
}

func newWorld(t testing.TB, opts accounts.Options) *world {
	t.Helper()
	if opts.Apps == nil {
		opts.Apps = []accounts.App{
			{ClientID: clientID, ClientSecret: clientSecret, Name: "Mixtape", RedirectURIs: []string{
				redirectURI, "http://127.0.0.1/callback", "http://localhost:8080/callback", "http://app.example/callback",
			}},
			{ClientID: otherID, ClientSecret: otherSecret, Name: "Other", RedirectURIs: []string{redirectURI}},
			{ClientID: publicID, Name: "Public", RedirectURIs: []string{redirectURI}},
		}
	}
	s, err := accounts.New(&opts)
	if err != nil {
		t.Fatal(err)
	}
	return &world{s, t}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r.WithContext(w.t.Context()))
	body, err := io.ReadAll(recorder.Result().Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{recorder.Code, recorder.Header(), string(body)}
}

// values makes url.Values from name, value, name, value...
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// authorizeQuery returns a valid authorization request, changed by pairs. The value "-"
// removes the parameter.
func authorizeQuery(pairs ...string) url.Values {
	query := values("client_id", clientID, "response_type", "code", "redirect_uri", redirectURI, "state", "xyz")
	for i := 0; i+1 < len(pairs); i += 2 {
		if query.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			query.Del(pairs[i])
		}
	}
	return query
}

func (w *world) authorize(pairs ...string) answer {
	w.t.Helper()
	return w.do(httptest.NewRequest("GET", "/authorize?"+authorizeQuery(pairs...).Encode(), nil))
}

func (a answer) location(t testing.TB) *url.URL {
	t.Helper()
	if a.status != http.StatusFound && a.status != http.StatusSeeOther {
		t.Fatalf("status %d, want a redirect; body %q", a.status, a.body)
	}
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// code gets a code from /authorize. The service must agree automatically.
func (w *world) code(pairs ...string) string {
	w.t.Helper()
	code := w.authorize(pairs...).location(w.t).Query().Get("code")
	if code == "" {
		w.t.Fatal("the redirect has no code")
	}
	return code
}

func tokenRequest(form url.Values) *http.Request {
	r := httptest.NewRequest("POST", "/api/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// token sends a token request with the Basic credentials of the first app.
func (w *world) token(pairs ...string) answer {
	w.t.Helper()
	r := tokenRequest(values(pairs...))
	r.SetBasicAuth(clientID, clientSecret)
	return w.do(r)
}

// publicToken sends a token request without a secret.
func (w *world) publicToken(pairs ...string) answer {
	w.t.Helper()
	return w.do(tokenRequest(values(pairs...)))
}

type tokens struct {
	AccessToken  string  `json:"access_token"`
	TokenType    string  `json:"token_type"`
	ExpiresIn    int     `json:"expires_in"`
	RefreshToken string  `json:"refresh_token"`
	Scope        *string `json:"scope"`
}

func (a answer) tokens(t testing.TB) tokens {
	t.Helper()
	var got tokens
	if a.status != http.StatusOK {
		t.Fatalf("status %d, body %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// login gets a code with the given scopes and exchanges it.
func (w *world) login(scope string) tokens {
	w.t.Helper()
	code := w.code("scope", scope)
	return w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI).tokens(w.t)
}

func (w *world) appToken() string {
	w.t.Helper()
	return w.token("grant_type", "client_credentials").tokens(w.t).AccessToken
}

func (w *world) get(path, accessToken string) answer {
	w.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Bearer "+accessToken)
	return w.do(r)
}

func (w *world) queue(f accounts.Fault) {
	w.t.Helper()
	if err := w.QueueFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// expect compares the answer. An empty header value means that there is no such header.
func (a answer) expect(t *testing.T, status int, body string, headers ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	if a.body != body {
		t.Errorf("body\n %s\nwant\n %s", a.body, body)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if got := a.header.Get(headers[i]); got != headers[i+1] {
			t.Errorf("%s: %q, want %q", headers[i], got, headers[i+1])
		}
	}
}
