package spotipie_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
)

// TestPlainHTTPNeedsAnOption checks that secrets and tokens are sent only over https,
// except to this machine.
func TestPlainHTTPNeedsAnOption(t *testing.T) {
	for url, plain := range map[string]bool{
		"https://accounts.example":       false,
		"HTTPS://accounts.example:8443":  false,
		"http://127.0.0.1:8080":          false,
		"http://127.1.2.3":               false,
		"http://[::1]:8080":              false,
		"http://localhost:8080":          false,
		"http://LOCALHOST.":              false,
		"http://app.localhost":           false,
		"http://accounts.example":        true,
		"HTTP://accounts.example":        true,
		"http://accounts":                true, // another container
		"http://10.0.0.1":                true,
		"http://192.168.0.1:8080":        true,
		"http://0.0.0.0":                 true,
		"http://[::]":                    true,
		"http://[fe80::1]":               true,
		"http://127.0.0.1.example":       true,
		"http://localhost.example":       true,
		"http://notlocalhost":            true,
		"http://host.docker.internal":    true,
		"http://2130706433":              true, // some programs read this as 127.0.0.1
		"http://accounts.spotify.com:80": true,
	} {
		for name, set := range map[string]func(*spotipie.Options){
			"AccountsURL":  func(o *spotipie.Options) { o.AccountsURL = url },
			"APIURL":       func(o *spotipie.Options) { o.APIURL = url },
			"TokenOrigins": func(o *spotipie.Options) { o.TokenOrigins = []string{"https://api.spotify.com", url} },
		} {
			t.Run(name+" "+url, func(t *testing.T) {
				for _, allowed := range []bool{false, true} {
					opts := &spotipie.Options{AllowPlainHTTP: allowed}
					set(opts)
					err := newWith(opts)
					switch {
					case !plain || allowed:
						if err != nil {
							t.Errorf("AllowPlainHTTP %t: %v", allowed, err)
						}
					case err == nil:
						t.Error("accepted without AllowPlainHTTP")
					case !strings.Contains(err.Error(), "Options.AllowPlainHTTP") || !strings.Contains(err.Error(), "Options."+name):
						t.Errorf("the error names neither what is wrong nor the option: %v", err)
					}
				}
			})
		}
	}
}

// newWith makes a session of each flow with the options and returns the error. All
// flows must accept the options, or none.
func newWith(opts *spotipie.Options) error {
	creds := spotipie.Credentials{ClientID: "id", ClientSecret: "app-secret", RedirectURI: "http://127.0.0.1/callback"}
	_, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	_, err2 := spotipie.NewClientCredentialsSession(creds, opts)
	_, err3 := spotipie.NewImplicitGrantSession(creds, opts)
	if (err == nil) != (err2 == nil) || (err == nil) != (err3 == nil) {
		return errors.New("the flows do not agree: " + errors.Join(err, err2, err3).Error())
	}
	return err
}

// TestURLsAreBare checks that a URL with more than an origin is refused, because the
// rest would be ignored. The error must not repeat the rest: it may be a password.
func TestURLsAreBare(t *testing.T) {
	for name, url := range map[string]string{
		"a user":                "https://ada@api.example",
		"a user and password":   "https://ada:hunter2@api.example",
		"an empty user":         "https://@api.example",
		"a query":               "https://api.example?token=hunter2",
		"an empty query":        "https://api.example?",
		"a query and path":      "https://api.example/v1?x=hunter2",
		"a fragment":            "https://api.example#hunter2",
		"an empty fragment":     "https://api.example#",
		"a password with a ?":   "https://ada:hunter2?x@api.example",
		"a password with a #":   "https://ada:hunter2#@api.example",
		"a password, no scheme": "ada:hunter2//x@api.example",
		"no scheme":             "api.example",
		"no host":               "https://",
		"no host but a port":    "https://:8080",
		"another scheme":        "ftp://api.example",
		"a scheme alone":        "https:api.example",
		"nothing":               " ",
		"a space":               "https://api.example /",
		"a port that is none":   "https://api.example:http",
		"control characters":    "https://api.example\r\nX: 1",
		"an address half there": "https://[::1",
	} {
		for option, opts := range map[string]*spotipie.Options{
			"AccountsURL":  {AccountsURL: url, AllowPlainHTTP: true},
			"APIURL":       {APIURL: url, AllowPlainHTTP: true},
			"TokenOrigins": {TokenOrigins: []string{"https://api.spotify.com", url}, AllowPlainHTTP: true},
		} {
			t.Run(option+" with "+name, func(t *testing.T) {
				err := newWith(opts)
				if err == nil || !strings.Contains(err.Error(), "Options."+option) {
					t.Fatalf("got error %v, want one that names the option", err)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error repeats a secret: %v", err)
				}
			})
		}
	}
	for _, address := range []string{"https://ada:hunter2@api.example:port/", "https://ada:hunter2#x@api.example/", "https://api.example:port/?hunter2", "ftp://ada:hunter2@api.example/"} {
		_, err := offline(t, nil, nil, nil).Request(t.Context(), http.MethodGet, address, nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Request: %v", err)
		}
	}
	for _, prefix := range []string{"https://ada:hunter2@api.example/", "https://api.example/?hunter2", "https://api.example/#hunter2"} {
		err := offline(t, nil, nil, nil).Mount(prefix, &services{})
		if !errors.Is(err, spotipie.ErrMountPrefix) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Mount: %v", err)
		}
	}
	for _, origin := range []string{"https://api.example/v1", "https://api.example//v1/"} {
		if err := newWith(&spotipie.Options{TokenOrigins: []string{origin}}); err == nil {
			t.Errorf("TokenOrigins accepted %s with its path: the token would go to other paths too", origin)
		}
	}
}

func TestURLsThatAreTaken(t *testing.T) {
	for _, opts := range []*spotipie.Options{
		{TokenOrigins: []string{"https://api.example"}},
		{TokenOrigins: []string{"https://api.example/"}},
		{TokenOrigins: []string{"https://api.example:8443", "https://[2001:db8::1]"}},
		{APIURL: "https://gateway.example/spotify"},
		{APIURL: "https://gateway.example/spotify/", AccountsURL: "https://gateway.example/accounts"},
	} {
		if err := newWith(opts); err != nil {
			t.Errorf("%+v: %v", opts, err)
		}
	}
}

// otherStore is a store that is not a pointer.
type otherStore struct{ spotipie.Store }

// TestStoreThatIsANilPointer checks that this mistake gives an error at once. It
// happens when a program passes on a pointer that it has not set.
func TestStoreThatIsANilPointer(t *testing.T) {
	for name, store := range map[string]spotipie.Store{
		"the memory store": (*spotipie.MemoryStore)(nil),
		"a file store":     (*filestore.Store)(nil),
		"one's own":        (*hookedStore)(nil),
	} {
		err := newWith(&spotipie.Options{Store: store, Profile: "ada"})
		if err == nil || !strings.Contains(err.Error(), "Options.Store") || !strings.Contains(err.Error(), "nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, store := range map[string]spotipie.Store{
		"none": nil, "a pointer": newHookedStore(), "a value": otherStore{newHookedStore()}, "the zero memory store": &spotipie.MemoryStore{},
	} {
		if err := newWith(&spotipie.Options{Store: store, Profile: "ada"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientCredentialsFromEnv(t *testing.T) {
	for name, test := range map[string]struct {
		prefix  string
		env     map[string]string
		want    spotipie.Credentials
		missing string
	}{
		"no redirect URI":   {"", map[string]string{"SPOTIPIE_CLIENT_ID": "i", "SPOTIPIE_CLIENT_SECRET": "s"}, spotipie.Credentials{ClientID: "i", ClientSecret: "s"}, ""},
		"one is passed by":  {"", map[string]string{"SPOTIPIE_CLIENT_ID": "i", "SPOTIPIE_CLIENT_SECRET": "s", "SPOTIPIE_REDIRECT_URI": "not one"}, spotipie.Credentials{ClientID: "i", ClientSecret: "s"}, ""},
		"another prefix":    {"MY", map[string]string{"MY_CLIENT_ID": "i", "MY_CLIENT_SECRET": "s"}, spotipie.Credentials{ClientID: "i", ClientSecret: "s"}, ""},
		"with line ends":    {"", map[string]string{"SPOTIPIE_CLIENT_ID": "i\r", "SPOTIPIE_CLIENT_SECRET": " s\n"}, spotipie.Credentials{ClientID: "i", ClientSecret: "s"}, ""},
		"no id":             {"", map[string]string{"SPOTIPIE_CLIENT_SECRET": "s"}, spotipie.Credentials{}, "SPOTIPIE_CLIENT_ID"},
		"a blank id":        {"", map[string]string{"SPOTIPIE_CLIENT_ID": " ", "SPOTIPIE_CLIENT_SECRET": "s"}, spotipie.Credentials{}, "SPOTIPIE_CLIENT_ID"},
		"a blank secret":    {"", map[string]string{"SPOTIPIE_CLIENT_ID": "i", "SPOTIPIE_CLIENT_SECRET": "\n"}, spotipie.Credentials{}, "SPOTIPIE_CLIENT_SECRET"},
		"no secret":         {"MY", map[string]string{"MY_CLIENT_ID": "i"}, spotipie.Credentials{}, "MY_CLIENT_SECRET"},
		"an empty secret":   {"", map[string]string{"SPOTIPIE_CLIENT_ID": "i", "SPOTIPIE_CLIENT_SECRET": ""}, spotipie.Credentials{}, "SPOTIPIE_CLIENT_SECRET"},
		"nothing, a prefix": {"MY", nil, spotipie.Credentials{}, "MY_CLIENT_ID"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"} {
				t.Setenv("SPOTIPIE_"+variable, "")
				t.Setenv("MY_"+variable, "")
			}
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			creds, err := spotipie.ClientCredentialsFromEnv(test.prefix)
			var missing *spotipie.MissingVariableError
			if creds != test.want || (err == nil) != (test.missing == "") || err != nil && (!errors.As(err, &missing) || missing.Name != test.missing) {
				t.Errorf("got %v, %v", creds, err)
			}
			if err == nil {
				if _, err := spotipie.NewClientCredentialsSession(creds, nil); err != nil {
					t.Errorf("a session of it: %v", err)
				}
			}
		})
	}
}

// TestClientSecretInAFile: as containers get secrets.
func TestClientSecretInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for name, test := range map[string]struct{ variable, content, want, says string }{
		"a line":         {"", "hush\n", "hush", ""},
		"a secret only":  {"", "hush", "hush", ""},
		"of Windows":     {"", "hush\r\n", "hush", ""},
		"from Notepad":   {"", "\xef\xbb\xbfhush\r\n", "hush", ""},
		"UTF-16":         {"", "\xff\xfeh\x00u\x00s\x00h\x00", "", "must have the secret in one line"},
		"both":           {"whisper", "hush\n", "", "MY_CLIENT_SECRET and MY_CLIENT_SECRET_FILE are both set: unset one of them"},
		"an empty file":  {"", "\n", "", "must have the secret in one line"},
		"two lines":      {"", "hush\nwhisper\n", "", "must have the secret in one line"},
		"a large file":   {"", strings.Repeat("hush", 1025), "", "of at most 4096 bytes"},
		"no such file":   {"", "", "", "MY_CLIENT_SECRET_FILE: open "},
		"nothing at all": {"", "unset", "", "MY_CLIENT_SECRET is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("MY_CLIENT_ID", "i")
			t.Setenv("MY_REDIRECT_URI", "http://127.0.0.1/callback")
			t.Setenv("MY_CLIENT_SECRET", test.variable)
			t.Setenv("MY_CLIENT_SECRET_FILE", path)
			switch test.content {
			case "unset":
				t.Setenv("MY_CLIENT_SECRET_FILE", "")
			case "":
				t.Setenv("MY_CLIENT_SECRET_FILE", path+"-missing")
			default:
				if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			app, err := spotipie.ClientCredentialsFromEnv("MY")
			if app.ClientSecret != test.want || (err == nil) != (test.says == "") ||
				err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hush")) {
				t.Errorf("got %v, %v; want an error with %q", app, err, test.says)
			}
			user, err := spotipie.CredentialsFromEnv("MY")
			if user.ClientSecret != test.want || (err == nil) != (test.says == "" || test.content == "unset") {
				t.Errorf("got %v, %v", user, err)
			}
		})
	}
}

func TestOptionsFromEnv(t *testing.T) {
	for name, test := range map[string]struct {
		prefix        string
		env           map[string]string
		accounts, api string // where the requests go
	}{
		"nothing set":    {"", nil, "https://accounts.spotify.com", "https://api.spotify.com"},
		"both":           {"", map[string]string{"SPOTIPIE_ACCOUNTS_URL": "https://a.example", "SPOTIPIE_API_URL": "https://b.example/"}, "https://a.example", "https://b.example"},
		"one":            {"", map[string]string{"SPOTIPIE_API_URL": "http://127.0.0.1:1"}, "https://accounts.spotify.com", "http://127.0.0.1:1"},
		"with line ends": {"", map[string]string{"SPOTIPIE_ACCOUNTS_URL": "https://a.example\r\n", "SPOTIPIE_API_URL": " \r"}, "https://a.example", "https://api.spotify.com"},
		"another prefix": {"MY", map[string]string{"MY_ACCOUNTS_URL": "https://a.example", "SPOTIPIE_API_URL": "https://b.example"}, "https://a.example", "https://api.spotify.com"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"SPOTIPIE_ACCOUNTS_URL", "SPOTIPIE_API_URL", "MY_ACCOUNTS_URL", "MY_API_URL"} {
				t.Setenv(variable, test.env[variable])
			}
			opts := spotipie.OptionsFromEnv(test.prefix)
			rec := &recorder{next: &services{}}
			opts.Transport = rec
			s, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{ClientID: "id", ClientSecret: "s"}, opts)
			if err != nil {
				t.Fatal(err)
			}
			get(t, s, "/v1/me", nil)
			for i, want := range []string{test.accounts + "/api/token", test.api + "/v1/me"} {
				if got := rec.requests[i].URL.String(); got != want {
					t.Errorf("request %d went to %s, want %s", i+1, got, want)
				}
			}
			if rec.requests[1].Header.Get("Authorization") == "" {
				t.Error("no token was sent to the API")
			}
		})
	}
	t.Setenv("SPOTIPIE_API_URL", "http://api.example")
	if err := newWith(spotipie.OptionsFromEnv("")); err == nil || !strings.Contains(err.Error(), "AllowPlainHTTP") {
		t.Errorf("plain http from the environment: %v", err)
	}
}

// TestNilTransports checks that typed nil pointers are refused: they would panic at the
// first request.
func TestNilTransports(t *testing.T) {
	for _, rt := range []http.RoundTripper{(*http.Transport)(nil), answer(nil)} {
		creds := spotipie.Credentials{ClientID: "id", RedirectURI: "http://127.0.0.1/callback"}
		_, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{Transport: rt})
		if err == nil || !strings.Contains(err.Error(), "Options.Transport is a nil") {
			t.Errorf("Options.Transport as a nil %T: %v", rt, err)
		}
		if err := offline(t, nil, nil, nil).Mount("https://", rt); err == nil || !strings.Contains(err.Error(), "is a nil") {
			t.Errorf("Mount of a nil %T: %v", rt, err)
		}
	}
}
