package accounts_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

// An app logs a user in, and nobody has to click.
func Example() {
	service, err := accounts.New(&accounts.Options{AutoApprove: true})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(service)
	defer server.Close()
	app := service.Apps()[0]
	const redirectURI = "http://127.0.0.1:8080/callback" // the generated app takes any port

	// The browser goes to the authorization endpoint and comes back with a code.
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Get(server.URL + "/authorize?" + url.Values{
		"client_id": {app.ClientID}, "response_type": {"code"}, "redirect_uri": {redirectURI},
		"scope": {"user-read-private"}, "state": {"xyz"},
	}.Encode())
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	callback, err := resp.Location()
	if err != nil {
		log.Fatal(err)
	}

	// The app exchanges the code for tokens.
	req, err := http.NewRequest("POST", server.URL+"/api/token", strings.NewReader(url.Values{
		"grant_type": {"authorization_code"}, "code": {callback.Query().Get("code")}, "redirect_uri": {redirectURI},
	}.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(app.ClientID, app.ClientSecret)
	var token struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Scope       string `json:"scope"`
	}
	if resp, err = client.Do(req); err != nil {
		log.Fatal(err)
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(token.Scope, token.ExpiresIn)

	// An hour later the access token has expired.
	service.Advance(time.Hour)
	if req, err = http.NewRequest("GET", server.URL+"/v1/me", nil); err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if resp, err = client.Do(req); err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(string(body))
	// Output:
	// user-read-private 3600
	// {"error":{"status":401,"message":"Missing/invalid/expired access token"}}
}

// The next token request gets a 429, and the one after it succeeds.
func ExampleService_QueueFault() {
	service, err := accounts.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	err = service.QueueFault(accounts.Fault{
		Kind:       accounts.FaultRateLimited,
		Target:     accounts.TargetToken,
		RetryAfter: 11 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	app := service.Apps()[0]
	for range 2 {
		r := httptest.NewRequest("POST", "/api/token", strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(app.ClientID, app.ClientSecret)
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Retry-After"))
	}
	// Output:
	// 429 11
	// 200
}
