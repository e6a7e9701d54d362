//go:build unix

package tool

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/redisstore"
)

var authorizationAddress = regexp.MustCompile(`http://\S+/authorize\?\S+`)

// service ARGS... runs spotipie serve --json ARGS... on a free port until the
// script ends. It sets URL, ID and SECRET, and the variables of the tool that
// name the services.
func service(ts *testscript.TestScript, _ bool, args []string) {
	cmd := command(ts, append([]string{"serve", "--addr", "127.0.0.1:0", "--json"}, args...))
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		ts.Check(cmd.Wait())
	})
	var reach struct {
		URL          string `json:"url"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	ts.Check(json.NewDecoder(stdout).Decode(&reach))
	ts.Setenv("URL", reach.URL)
	ts.Setenv("ID", reach.ClientID)
	ts.Setenv("SECRET", reach.ClientSecret)
	ts.Setenv("SPOTIPIE_ACCOUNTS_URL", reach.URL)
	ts.Setenv("SPOTIPIE_API_URL", reach.URL)
}

// command is the tool with the script's environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	cmd := exec.Command("spotipie", args...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environment(ts)
	return cmd
}

// signin [-exit CODE] [-cancel] [-grant SCOPE] ARGS... runs spotipie login
// --no-browser ARGS... and checks that its exit code is CODE (default: 0). A
// browser follows the printed address. With -cancel it denies the request on the
// page, and with -grant it grants only SCOPE. The messages of login become stdout.
func signin(ts *testscript.TestScript, _ bool, args []string) {
	want, cancel := "0", false
	if len(args) > 1 && args[0] == "-exit" {
		want, args = args[1], args[2:]
	}
	if len(args) > 0 && args[0] == "-cancel" {
		cancel, args = true, args[1:]
	}
	grant := ""
	if len(args) > 1 && args[0] == "-grant" {
		grant, args = args[1], args[2:]
	}
	if !slices.Contains(args, string(spotipie.FlowClientCredentials)) {
		args = append([]string{"--no-browser"}, args...)
	}
	cmd := command(ts, append([]string{"login"}, args...))
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		_, _ = io.WriteString(ts.Stdout(), lines.Text()+"\n")
		if address := authorizationAddress.FindString(lines.Text()); address != "" {
			ts.Check(browse(withScope(address, grant), cancel))
		}
	}
	_ = cmd.Wait() // the exit code is checked below
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != want {
		ts.Fatalf("exit code: got %s, want %s", got, want)
	}
}

// withScope replaces the scopes that an address asks for, unless scope is empty.
func withScope(address, scope string) string {
	u, err := url.Parse(address)
	if err != nil || scope == "" {
		return address
	}
	query := u.Query()
	query.Set("scope", scope)
	u.RawQuery = query.Encode()
	return u.String()
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// browse opens an address like a browser and follows redirects. With cancel it
// denies the request on the last page.
func browse(address string, cancel bool) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Get(address)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !cancel {
		return err
	}
	found := formToken.FindSubmatch(page)
	if found == nil {
		return errors.New("there is no form on the page")
	}
	form := url.Values{"form_token": {string(found[1])}, "user": {"ada"}, "decision": {"cancel"}}
	resp, err = client.PostForm(address, form)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return err
}

// environment returns the variables of the script that the tool and the system read.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GORACE", "GOCOVERDIR",
		"SPOTIPIE_CLIENT_ID", "SPOTIPIE_CLIENT_SECRET", "SPOTIPIE_CLIENT_SECRET_FILE", "SPOTIPIE_REDIRECT_URI", "SPOTIPIE_PROFILE",
		"SPOTIPIE_STORE", "SPOTIPIE_STORE_FILE", "SPOTIPIE_ACCOUNTS_URL", "SPOTIPIE_API_URL", "SPOTIPIE_ALLOW_EXPOSED_STORE", "SPOTIPIE_ALLOW_PLAIN_HTTP",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// expire STORE CLIENT_ID PROFILE makes a stored access token expire.
func expire(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args, func(rec *spotipie.Record) {
		fields := rec.Token.Fields()
		fields.ExpiresAt = time.Now().Add(-time.Minute)
		token, err := spotipie.NewToken(fields)
		ts.Check(err)
		rec.Token = token
	})
}

// stale STORE CLIENT_ID PROFILE changes the end of a stored access token so that it
// is valid, but due for renewal.
func stale(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args, func(rec *spotipie.Record) {
		fields := rec.Token.Fields()
		fields.ExpiresIn, fields.ExpiresAt = time.Hour, time.Now().Add(time.Minute)
		token, err := spotipie.NewToken(fields)
		ts.Check(err)
		rec.Token = token
	})
}

// implicit STORE CLIENT_ID PROFILE removes the refresh token from a stored login,
// so that it is like a login by the implicit grant.
func implicit(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args, func(rec *spotipie.Record) {
		fields := rec.Token.Fields()
		fields.RefreshToken = ""
		token, err := spotipie.NewToken(fields)
		ts.Check(err)
		rec.Token, rec.Flow = token, spotipie.FlowImplicitGrant
	})
}

// storedrefresh VAR STORE CLIENT_ID PROFILE sets a variable to the stored
// refresh token.
func storedrefresh(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args[1:], func(rec *spotipie.Record) { ts.Setenv(args[0], rec.Token.RefreshToken()) })
}

// consented STORE CLIENT_ID PROFILE DURATION moves the user's consent into the past.
func consented(ts *testscript.TestScript, _ bool, args []string) {
	ago, err := time.ParseDuration(args[3])
	ts.Check(err)
	change(ts, args, func(rec *spotipie.Record) { rec.AuthorizedAt = time.Now().Add(-ago) })
}

// change alters a record in a store.
func change(ts *testscript.TestScript, args []string, alter func(*spotipie.Record)) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	store := openScriptStore(ts, args[0])
	key := spotipie.Key{ClientID: args[1], Profile: args[2]}
	rec, found, err := store.Load(ctx, key)
	ts.Check(err)
	if !found {
		ts.Fatalf("no record %s", key)
	}
	alter(&rec)
	_, err = store.Swap(ctx, key, rec.Version, rec)
	ts.Check(err)
}

func openScriptStore(ts *testscript.TestScript, where string) spotipie.Store {
	if dir, ok := strings.CutPrefix(where, "file:"); ok {
		store, err := filestore.Open(ts.MkAbs(dir), nil)
		ts.Check(err)
		return store
	}
	opts, err := redis.ParseURL(where)
	ts.Check(err)
	client := redis.NewClient(opts)
	ts.Defer(func() { _ = client.Close() })
	store, err := redisstore.New(client, nil)
	ts.Check(err)
	return store
}

// same COUNT FILE checks that a file (or stdout) has that many lines, all equal
// and not empty.
func same(ts *testscript.TestScript, _ bool, args []string) {
	lines(ts, false, args)
	all := strings.Split(strings.TrimSuffix(ts.ReadFile(args[1]), "\n"), "\n")
	slices.Sort(all)
	if different := slices.Compact(all); len(different) != 1 || different[0] == "" {
		ts.Fatalf("%s has %d different lines", args[1], len(different))
	}
}
