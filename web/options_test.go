package web_test

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

func newPool(t *testing.T, redirectURI string) (*spotipie.Pool, error) {
	t.Helper()
	return spotipie.NewPool(spotipie.Credentials{ClientID: "id", RedirectURI: redirectURI}, &spotipie.PoolOptions{
		Options: spotipie.Options{Store: spotipie.NewMemoryStore(), SkipRedirectURICheck: true},
	})
}

func TestOptionsThatCannotWork(t *testing.T) {
	const good = "https://example.com/auth/callback"
	for _, test := range []struct {
		name, redirectURI string
		opts              *web.Options
		words             string
	}{
		{"no options", good, nil, "Options.Keys has no key: make one with `openssl rand -base64 32`"},
		{"no keys", good, &web.Options{}, "Options.Keys has no key"},
		{"nil sessions", good, &web.Options{Keys: parseKeys(t, keyText), Sessions: (*countingSessions)(nil)}, "Options.Sessions is a nil *web_test.countingSessions"},
		{"home elsewhere", good, &web.Options{Keys: parseKeys(t, keyText), Home: "https://example.com/"}, "Options.Home"},
		{"colour", good, &web.Options{Keys: parseKeys(t, keyText), AccentColor: "red;}"}, "Options.AccentColor"},
		{"pages", good, &web.Options{Keys: parseKeys(t, keyText), Pages: template.Must(template.New("x").Parse(""))}, "Options.Pages: none of its templates"},
		{"pages named like their files", good, &web.Options{Keys: parseKeys(t, keyText), Pages: template.Must(template.Must(template.New("denied").Parse("x")).New("consent.html").Parse("y"))},
			`write {{define "consent"}} at the beginning of the file and {{end}} at its end`},
		{"pages that fail", good, &web.Options{Keys: parseKeys(t, keyText), Pages: template.Must(template.New("denied").Parse("{{.No}}"))}, "Options.Pages"},
		{"http", "http://example.com/auth/callback", nil, "need https, except on a loopback address: register and use https://example.com/auth/callback instead"},
		{"http in a private network", "http://192.0.2.1:8080/auth/callback", nil, "need https"},
		{"app scheme", "com.example.app://callback", nil, "a web app needs https"},
		{"no path", "https://example.com", nil, "register and use https://example.com/auth/callback instead"},
		{"root", "https://example.com/", nil, "it needs a path"},
		{"slash at the end", "https://example.com/callback/", nil, "it needs a path"},
		{"query", good + "?a=b", nil, "it has a query"},
		{"login", "https://example.com/auth/login", nil, "register and use https://example.com/auth/callback instead"},
		{"logout", "https://example.com/logout", nil, "register and use https://example.com/callback instead"},
		{"escapes", "https://example.com/a%2fb/callback", nil, "it needs a path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool, err := newPool(t, test.redirectURI)
			if err != nil {
				t.Fatal(err)
			}
			opts := test.opts
			if test.redirectURI != good {
				opts = &web.Options{Keys: parseKeys(t, keyText)}
			}
			auth, err := web.New(pool, opts)
			if auth != nil || err == nil || !strings.HasPrefix(err.Error(), "web: ") || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got error %v, want %q", err, test.words)
			}
			var refused *spotipie.RedirectURIError
			if test.redirectURI != good && !errors.As(err, &refused) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
	if _, err := web.New(nil, nil); err == nil {
		t.Error("a nil pool is taken")
	}
	pool, err := newPool(t, good)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := web.New(pool, nil); !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("a closed pool: %v", err)
	}
}

// TestNoStore checks that NewPool returns the error.
func TestNoStore(t *testing.T) {
	_, err := spotipie.NewPool(spotipie.Credentials{ClientID: "id", RedirectURI: "https://example.com/callback"}, nil)
	if err == nil || !strings.Contains(err.Error(), "Store is nil") {
		t.Errorf("got %v", err)
	}
}

func TestKeysThatCannotWork(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "white space": " \n\t", "password": "correct horse battery staple", "short": "QUJD",
		"31 bytes": strings.Repeat("QUJD", 10) + "QQ==", "33 bytes": strings.Repeat("QUJD", 11), "hex": strings.Repeat("0f", 32),
		"second one short": keyText + " QUJD", "URL alphabet": strings.Repeat("-_-_", 10) + "-_w=",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := web.ParseKeys(text)
			if err == nil || !strings.HasPrefix(err.Error(), "web: ") || !strings.Contains(err.Error(), "openssl rand -base64 32") {
				t.Errorf("got %v", err)
			}
			for _, word := range strings.Fields(text) {
				if err != nil && strings.Contains(err.Error(), word) {
					t.Errorf("the error quotes the key: %v", err)
				}
			}
			if none := strings.TrimSpace(text) == ""; errors.Is(err, web.ErrNoKey) != none {
				t.Errorf("ErrNoKey: %v", err)
			}
		})
	}
}

func TestKeysFromEnv(t *testing.T) {
	t.Setenv("WEB_TEST_KEYS", web.GenerateKey()+"\n"+web.GenerateKey())
	keys, err := web.KeysFromEnv("WEB_TEST_KEYS")
	if err != nil || keys.String() != "Keys(2)" {
		t.Errorf("got %v, %v", keys, err)
	}
	if _, err := web.KeysFromEnv("WEB_TEST_NO_KEYS"); !errors.Is(err, web.ErrNoKey) || !strings.Contains(err.Error(), "WEB_TEST_NO_KEYS") {
		t.Errorf("got %v", err)
	}
}

// TestKeysAreNotPrinted prints keys in many ways.
func TestKeysAreNotPrinted(t *testing.T) {
	keys := parseKeys(t, keyText)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", keys, "options", web.Options{Keys: keys})
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d", keys, keys, keys, keys, keys, keys, keys) +
		fmt.Sprintf("%+v %#v", web.Options{Keys: keys}, &web.Options{Keys: keys}) + log.String()
	for _, secret := range []string{"QUJD", "ABCABC", "414243", "65 66 67"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	if fmt.Sprint(web.Keys{}) != "Keys(none)" {
		t.Error(web.Keys{})
	}
}

// TestHandlerElsewhere checks that OnError is called if the handler is not at the
// path of the redirect URI, and that it is not called if a router removes the
// beginning of the path.
func TestHandlerElsewhere(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	auth := a.replicas[0].auth
	a.replicas[0].handler = auth
	b := a.browser("ada")
	for _, path := range []string{"/login", "/auth/login"} { // http.StripPrefix
		b.begin(path)
	}
	for _, path := range []string{"/spotify/login", "/spotify/callback", "/authlogout"} {
		b.expect(b.visit(path), http.StatusNotFound, "There is nothing here")
		if path != "/authlogout" {
			a.expectError("not-found", http.StatusNotFound, "it answers /auth/callback, /auth/login and /auth/logout")
		}
	}
	for _, path := range []string{"/", "/auth/", "/auth/x", "/auth/login/x", "/ogin"} {
		b.expect(b.visit(path), http.StatusNotFound, "There is nothing here")
		if err := a.lastError(); err != nil {
			t.Errorf("%s: OnError heard %v", path, err)
		}
	}
}

func TestMethods(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("ada")
	for path, allow := range map[string]string{"/auth/login": "GET, POST", "/auth/callback": "GET", "/auth/logout": "GET, POST"} {
		for _, method := range []string{"HEAD", "PUT", "DELETE", "OPTIONS", "POST"} {
			if strings.Contains(allow, method) {
				continue
			}
			req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p := b.do(req, ownPage); p.status != http.StatusMethodNotAllowed || p.header.Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %s", method, path, p.status, p.header.Get("Allow"))
			}
		}
	}
	large := b.post("/auth/logout", ownPage, a.url, "x", strings.Repeat("x", 70_000))
	if large.status != http.StatusBadRequest {
		t.Errorf("a form of 70,000 bytes: %d", large.status)
	}
}

func TestURLs(t *testing.T) {
	a := newApp(t, appOptions{})
	auth := a.replicas[0].auth
	for returnTo, want := range map[string]string{"": "/auth/login", "/": "/auth/login", "/me": "/auth/login?return_to=%2Fme", "//x": "/auth/login"} {
		if got := auth.LoginURL(returnTo); got != want {
			t.Errorf("LoginURL(%q) is %s", returnTo, got)
		}
	}
	if auth.LogoutURL() != "/auth/logout" {
		t.Error(auth.LogoutURL())
	}
	if !regexp.MustCompile(`^/auth/login\?ask=[\w-]+&return_to=%2Fme$`).MatchString(auth.LoginURL("/me", "a", "b")) {
		t.Error(auth.LoginURL("/me", "a", "b"))
	}
}

func TestContextOfNoMiddleware(t *testing.T) {
	if web.SessionFrom(t.Context()) != nil || web.UserFrom(t.Context()) != "" {
		t.Error("somebody is signed in")
	}
}
