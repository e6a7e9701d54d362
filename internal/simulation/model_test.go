package simulation

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/storetest"
)

// TestModelOfTheAccountsServiceAgreesWithPackageAccounts makes the same random
// requests to the model and to the real service, and compares the answers. The
// requests are logins, renewals with new, used and dead refresh tokens, token requests
// of the app itself, and requests to the Web API.
func TestModelOfTheAccountsServiceAgreesWithPackageAccounts(t *testing.T) {
	for _, rotation := range []Rotation{RotateAlways, RotateNever} {
		t.Run(fmt.Sprint("refresh tokens replaced ", rotation), func(t *testing.T) {
			for seed := range uint64(20) {
				synctest.Test(t, func(t *testing.T) { newComparison(t, seed, rotation).play(t) })
			}
		})
	}
}

// comparison holds the model and the service, and the names that codes and tokens
// have in each.
type comparison struct {
	*rand.Rand
	model   *endpoint
	service *accounts.Service
	codes   [][2]string
	tokens  [][2]string // access tokens
	refresh [][2]string
}

func newComparison(t *testing.T, seed uint64, rotation Rotation) *comparison {
	t.Helper()
	w := newWorld(Plan{Seed: seed, Lifetime: time.Hour, Rotation: rotation, Processes: []Setup{{}}}, Collaborators{})
	service, err := accounts.New(&accounts.Options{
		Apps: []accounts.App{
			{ClientID: clientID, RedirectURIs: []string{redirectURI}},
			{ClientID: "robot", ClientSecret: clientSecret},
		},
		AutoApprove: true, RotateAllRefreshTokens: rotation == RotateAlways,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &comparison{Rand: rand.New(rand.NewPCG(seed, 2)), model: &endpoint{w.processes[0], w.spotify}, service: service}
}

func (c *comparison) play(t *testing.T) {
	c.authorize(t)
	for range 60 {
		switch c.IntN(9) {
		case 8:
			c.ask(t, [2]string{}, func(string) url.Values {
				return url.Values{"grant_type": {"client_credentials"}, "client_id": {"robot"}, "client_secret": {clientSecret}}
			})
		case 0:
			c.authorize(t)
		case 1, 2:
			c.exchange(t, c.codes[c.IntN(len(c.codes))], c.IntN(8) == 0)
		case 3, 4:
			if len(c.refresh) > 0 {
				c.renew(t, c.refresh[max(0, len(c.refresh)-1-c.IntN(4))])
			}
		case 5:
			if len(c.tokens) > 0 {
				c.api(t, c.tokens[c.IntN(len(c.tokens))])
			}
		case 6:
			time.Sleep(time.Duration(c.IntN(50)) * time.Minute / 10)
		case 7:
			if c.IntN(8) == 0 {
				c.model.spotify.revokeAll()
				c.service.RevokeUser(clientID, "ada")
			}
		}
	}
	c.renew(t, [2]string{"R99.99", "unknown"})
}

const verifier = "a-verifier-of-at-least-forty-three-characters"

func (c *comparison) authorize(t *testing.T) {
	t.Helper()
	sum := sha256.Sum256([]byte(verifier))
	request := spotipie.DefaultAccountsURL + "/authorize?" + url.Values{
		"client_id": {clientID}, "response_type": {"code"}, "redirect_uri": {redirectURI}, "scope": {scope}, "state": {"xyz"},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}.Encode()
	_, callback, err := c.model.spotify.authorize(request)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	c.service.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, request, nil))
	code := func(callback string) string {
		u, err := url.Parse(callback)
		if err != nil || u.Query().Get("state") != "xyz" || u.Query().Get("code") == "" {
			t.Fatalf("callback URL %q: %v", callback, err)
		}
		return u.Query().Get("code")
	}
	c.codes = append(c.codes, [2]string{code(callback), code(recorder.Header().Get("Location"))})
}

func (c *comparison) exchange(t *testing.T, code [2]string, wrong bool) {
	t.Helper()
	v := verifier
	if wrong {
		v = strings.Repeat("wrong", 10)
	}
	c.ask(t, code, func(name string) url.Values {
		return url.Values{
			"grant_type": {"authorization_code"}, "client_id": {clientID}, "code": {name},
			"redirect_uri": {redirectURI}, "code_verifier": {v},
		}
	})
}

func (c *comparison) renew(t *testing.T, token [2]string) {
	t.Helper()
	c.ask(t, token, func(name string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {name}}
	})
}

// answer is what a token endpoint answers.
type answer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
}

// ask sends both the same token request and compares the answers, except for the
// names.
func (c *comparison) ask(t *testing.T, names [2]string, form func(name string) url.Values) {
	t.Helper()
	status, body := c.model.answer(form(names[0]), &tokenRequest{})
	model := parse(t, body)
	req := httptest.NewRequest(http.MethodPost, "/api/token", strings.NewReader(form(names[1]).Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	c.service.ServeHTTP(recorder, req)
	service := parse(t, recorder.Body.String())
	if model.AccessToken != "" && service.AccessToken != "" {
		c.tokens = append(c.tokens, [2]string{model.AccessToken, service.AccessToken})
	}
	if model.RefreshToken != "" && service.RefreshToken != "" {
		c.refresh = append(c.refresh, [2]string{model.RefreshToken, service.RefreshToken})
	}
	if status != recorder.Code || blank(model) != blank(service) {
		t.Fatalf("%v is answered by\nthe model   %d %+v\nthe service %d %+v", form(names[0]), status, model, recorder.Code, service)
	}
}

func parse(t *testing.T, body string) (a answer) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return a
}

// blank replaces each name by a mark that it is there.
func blank(a answer) answer {
	for _, name := range []*string{&a.AccessToken, &a.RefreshToken} {
		if *name != "" {
			*name = "there"
		}
	}
	return a
}

func (c *comparison) api(t *testing.T, token [2]string) {
	t.Helper()
	path := Setup{App: strings.HasPrefix(token[0], "App")}.path()
	request := func(name string) *http.Request {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Header.Set("Authorization", "Bearer "+name)
		return req
	}
	resp, err := c.model.api(request(token[0]))
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	c.service.ServeHTTP(recorder, request(token[1]))
	model := fmt.Sprint(resp.StatusCode, resp.Header["Www-Authenticate"])
	service := fmt.Sprint(recorder.Code, recorder.Header()["Www-Authenticate"])
	if model != service {
		body, _ := io.ReadAll(recorder.Body)
		t.Fatalf("%s at the Web API: the model says %s, the service %s %s", token[0], model, service, body)
	}
}

// TestSimulatedStoreFulfilsTheContract runs package storetest on the simulated
// store, with each kind of lock.
func TestSimulatedStoreFulfilsTheContract(t *testing.T) {
	for name, lease := range map[string]time.Duration{"leases": time.Second, "locks of the kernel": 0} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(*testing.T) spotipie.Store {
				w := newWorld(Plan{Lifetime: time.Hour, Lease: lease, Processes: []Setup{{}}}, Collaborators{})
				return w.processes[0].client
			})
		})
	}
}
