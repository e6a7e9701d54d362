package e2e

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// site starts a web server for the app, at its own origin.
func site(t *testing.T, handler http.Handler) (origin string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// singlePage serves the page of single_page.html at every address.
func singlePage(t *testing.T, server *spotifytest.Server) (origin string) {
	t.Helper()
	page, err := template.ParseFiles("single_page.html")
	if err != nil {
		t.Fatal(err)
	}
	return site(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = page.Execute(w, map[string]string{"Service": server.URL, "ClientID": server.Credentials().ClientID})
	}))
}

// TestSinglePage opens a page of another origin that follows Spotify's tutorial
// for PKCE. The page signs in, asks the Web API, and reads why it is refused.
func TestSinglePage(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{})
	b.visit(singlePage(t, server))
	b.heading("Signed out")
	b.click("#sign-in")
	b.heading(appName + " asks for access")
	b.click("input[value=grace]")
	b.click(agree)
	b.heading("Hello, Grace")

	server.Advance(time.Hour)
	b.click("#ask")
	b.heading("401 ")
	b.click("#renew")
	b.heading("Renewed")
	b.click("#ask")
	b.heading("Hello, Grace")

	server.RevokeUser(server.Credentials().ClientID, "grace")
	b.click("#renew")
	b.heading("invalid_grant: Refresh token revoked")
	for _, kind := range []accounts.FaultKind{accounts.FaultRateLimited, accounts.FaultServerError} {
		if err := server.QueueFault(accounts.Fault{Kind: kind, Target: accounts.TargetAPI}); err != nil {
			t.Fatal(err)
		}
	}
	b.click("#ask")
	b.heading("429 API rate limit exceeded")
	b.click("#ask")
	b.heading("503 Service Unavailable")
}

// TestFrontEndOnAnotherPort has the callback of a back end redirect to the front
// end, which has another origin. The browser must get there from the consent page.
func TestFrontEndOnAnotherPort(t *testing.T) {
	b, server := newTab(t), spotifytest.NewWith(t, nil)
	frontEnd := site(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!doctype html><title>Front end</title><h1>Hello, %s</h1>", template.HTMLEscapeString(r.FormValue("name")))
	}))
	var backEnd string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		query := url.Values{
			"response_type": {"code"}, "client_id": {server.Credentials().ClientID}, "redirect_uri": {backEnd + "/callback"},
		}
		http.Redirect(w, r, server.URL+"/authorize?"+query.Encode(), http.StatusFound)
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		name, err := nameOf(r, server, backEnd+"/callback")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, frontEnd+"/?name="+url.QueryEscape(name), http.StatusFound)
	})
	backEnd = site(t, mux)

	b.visit(backEnd + "/login")
	b.heading("asks for access")
	b.click(agree)
	b.heading("Hello, Ada")
	if got := server.Stats().TokenRequests.AuthorizationCode; got != 1 {
		t.Errorf("the code was exchanged %d times", got)
	}
}

// nameOf exchanges the code of a callback and returns the user's name.
func nameOf(r *http.Request, server *spotifytest.Server, redirectURI string) (string, error) {
	credentials, client := server.Credentials(), &http.Client{Transport: server.Transport()}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {r.FormValue("code")}, "redirect_uri": {redirectURI},
		"client_id": {credentials.ClientID}, "client_secret": {credentials.ClientSecret}}
	resp, err := client.PostForm(server.URL+"/api/token", form)
	if err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	defer resp.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, server.URL+"/v1/me", nil)
	if err != nil {
		return "", fmt.Errorf("asking for the profile: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	me, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for the profile: %w", err)
	}
	defer me.Body.Close()
	var profile struct {
		DisplayName string `json:"display_name"`
	}
	err = json.NewDecoder(me.Body).Decode(&profile)
	return profile.DisplayName, err
}

// TestHomePage checks the service's home page, and that its link leads to the
// consent page.
func TestHomePage(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{Control: true})
	b.visit(server.URL)
	b.heading("A Spotify to practise on")
	b.check("home")
	b.expectNothingFromElsewhere(server.URL)
	b.expectSafe()
	b.visit(server.URL)
	b.click("a[href^='/authorize']")
	b.heading(appName + " asks for access")
}

// TestControlFromAPage checks that no page can use the control endpoints, not
// even a page of the service's own origin.
func TestControlFromAPage(t *testing.T) {
	b, server := newTab(t), newServer(t, accounts.Options{Control: true})
	before := server.Now()
	const reset = `(async () => {
		const answers = [];
		for (const mode of ["cors", "no-cors"])
			for (const type of ["application/json", "text/plain"])
				answers.push(await fetch(%q + "/_service/advance", {
					method: "POST", mode, headers: {"Content-Type": type}, body: '{"seconds":3600}',
				}).then(r => r.ok, () => false));
		return answers.includes(true);
	})()`
	b.visit(singlePage(t, server))
	b.heading("Signed out")
	if run(b, chromedp.Evaluate[bool](fmt.Sprintf(reset, server.URL), chromedp.EvalAwaitPromise)) {
		t.Error("a control request of a page succeeded")
	}
	if moved := server.Now().Sub(before); moved > time.Minute {
		t.Errorf("the clock moved by %v", moved)
	}
}
