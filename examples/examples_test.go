// Package examples_test builds the examples and runs them as a person would,
// against the accounts service on a real port.
package examples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExamples(t *testing.T) {
	programs := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", programs,
		"./script", "./otherlibraries", "./tokenfile", "./web")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	for _, test := range []struct {
		name, program string
		run           func(t *testing.T, program string)
	}{
		{"script", "script", script},
		{"other libraries", "otherlibraries", otherLibraries},
		{"token file", "tokenfile", tokenFile},
		{"token file denied", "tokenfile", tokenFileDenied},
		{"web", "web", web},
		{"web cookie", "web", webCookie},
		{"web at another's address", "web", webElsewhere},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, filepath.Join(programs, test.program)) })
	}
}

// process is a running example.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Scanner
	stderr strings.Builder
}

// start starts a program with the environment that reaches the server.
func start(t *testing.T, server *spotifytest.Server, program string, args ...string) *process {
	t.Helper()
	creds := server.Credentials()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Env = append(os.Environ(),
		"SPOTIPIE_CLIENT_ID="+creds.ClientID, "SPOTIPIE_CLIENT_SECRET="+creds.ClientSecret,
		"SPOTIPIE_REDIRECT_URI="+creds.RedirectURI,
		"SPOTIPIE_ACCOUNTS_URL="+server.URL, "SPOTIPIE_API_URL="+server.URL)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(stdout)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// line waits for the next line, which must start with prefix, and returns the rest.
func (p *process) line(prefix string) string {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the program ended (%v) without a line %q: %s", p.cmd.Wait(), prefix, p.stderr.String())
	}
	rest, ok := strings.CutPrefix(p.lines.Text(), prefix)
	if !ok {
		p.t.Fatalf("line %q, want one that starts with %q", p.lines.Text(), prefix)
	}
	return rest
}

// end waits for the end of the program. It returns the lines that were not read, the
// exit code and stderr.
func (p *process) end() (rest []string, code int, stderr string) {
	p.t.Helper()
	for p.lines.Scan() {
		rest = append(rest, p.lines.Text())
	}
	_ = p.cmd.Wait()
	return rest, p.cmd.ProcessState.ExitCode(), p.stderr.String()
}

func (p *process) endsWith(want ...string) {
	p.t.Helper()
	rest, code, stderr := p.end()
	if code != 0 || stderr != "" || strings.Join(rest, "\n") != strings.Join(want, "\n") {
		p.t.Errorf("exit code %d, output %q, want %q; stderr: %s", code, rest, want, stderr)
	}
}

func (p *process) fails(words string) {
	p.t.Helper()
	rest, code, stderr := p.end()
	if code != 1 || !strings.Contains(stderr, words) {
		p.t.Errorf("exit code %d, output %q, stderr: %s; want 1, and %q on stderr", code, rest, stderr, words)
	}
}

func script(t *testing.T, program string) {
	server := spotifytest.New(t)
	start(t, server, program, "moons").endsWith("Seven Small Moons")
	start(t, server, program, "the", "quiet").endsWith("The Quiet Harbour")
	start(t, server, program, "silence").endsWith("Nothing found.")
	start(t, server, program).fails("usage")
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 3})
}

func otherLibraries(t *testing.T, program string) {
	server := spotifytest.New(t)
	start(t, server, program).endsWith("http.Client: 200 OK", "oauth2.TokenSource: 200 OK")
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
}

func tokenFile(t *testing.T, program string) {
	server := spotifytest.New(t)
	path := filepath.Join(t.TempDir(), "folder", "token.json")

	p := start(t, server, program, path)
	callback := server.Consent(t, p.line("Open this in your browser: "))
	p.line("Then paste the address it was sent to:")
	if _, err := fmt.Fprintln(p.stdin, callback); err != nil {
		t.Fatal(err)
	}
	p.endsWith("Hello, Ada!")
	first := readToken(t, path)

	start(t, server, program, path).endsWith("Hello, Ada!") // does not ask again
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})

	server.ExpireAccessTokens()
	start(t, server, program, path).endsWith("Hello, Ada!")
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
	if second := readToken(t, path); second.Equal(first) || second.RefreshToken() != first.RefreshToken() {
		t.Errorf("the file has %v, want the renewed token", second)
	}

	server.ExpireAccessTokens()
	server.RevokeUser(server.Credentials().ClientID, "ada")
	start(t, server, program, path).fails("delete the token file and start again")
	start(t, server, program).fails("usage: tokenfile FILE")
}

func tokenFileDenied(t *testing.T, program string) {
	server := spotifytest.New(t)
	path := filepath.Join(t.TempDir(), "token.json")
	server.DenyNext(1)
	p := start(t, server, program, path)
	callback := server.Consent(t, p.line("Open this in your browser: "))
	if _, err := fmt.Fprintln(p.stdin, callback); err != nil {
		t.Fatal(err)
	}
	p.fails("the user did not agree")
	p = start(t, server, program, path)
	_ = p.stdin.Close()
	p.fails("no address was pasted")
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was made: %v", err)
	}
}

func readToken(t *testing.T, path string) *spotipie.Token {
	t.Helper()
	token, err := spotipie.ReadTokenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// browser is a user's browser with its cookies.
type browser struct {
	t    *testing.T
	base string
	http.Client
}

func openBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, base: strings.TrimSuffix(base, "/"), Client: http.Client{Jar: jar, Transport: transport}}
}

// do makes a request, follows redirects and returns the page.
func (b *browser) do(method, path string, headers ...string) (status int, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (b *browser) expect(wantStatus int, words string, method, path string, headers ...string) {
	b.t.Helper()
	if status, body := b.do(method, path, headers...); status != wantStatus || !strings.Contains(body, words) {
		b.t.Errorf("%s %s: %d, want %d and %q in: %s", method, path, status, wantStatus, words, body)
	}
}

// cookie returns the cookie whose name ends with part.
func (b *browser) cookie(part string) (name, value string) {
	b.t.Helper()
	u, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, part) {
			return c.Name, c.Value
		}
	}
	return "", ""
}

func web(t *testing.T, program string) {
	server := spotifytest.New(t)
	p := start(t, server, program)
	base := strings.TrimSuffix(p.line("Open "), " (Ctrl-C ends it)")
	ada, grace, stranger := openBrowser(t, base), openBrowser(t, base), openBrowser(t, base)

	ada.expect(200, "Nobody is signed in", "GET", "/")
	ada.expect(200, "Hello, Ada!", "GET", "/login")
	if err := server.AutoApproveAs("grace"); err != nil {
		t.Fatal(err)
	}
	grace.expect(200, "Hello, Grace!", "GET", "/login?return_to=/")
	ada.expect(200, "Hello, Ada!", "GET", "/") // each user sees their own name

	server.DenyNext(1)
	stranger.expect(403, "You did not agree", "GET", "/login")
	stranger.expect(200, "Nobody is signed in", "GET", "/")
	stranger.expect(400, "This sign-in is over", "GET", "/callback?code=AQx&state=forged")
	ada.expect(403, "Sign out", "POST", "/logout", "Sec-Fetch-Site", "cross-site")
	ada.expect(404, "", "GET", "/other")

	grace.expect(200, "You have ", "GET", "/library", "Sec-Fetch-Site", "same-origin")
	stranger.expect(200, "You have ", "GET", "/library") // signs in as Grace

	ada.expect(200, "Nobody is signed in", "POST", "/logout")
	ada.expect(200, "Nobody is signed in", "GET", "/")

	server.ExpireAccessTokens()
	server.RevokeUser(server.Credentials().ClientID, "grace")
	grace.expect(200, "Hello, Grace!", "GET", "/", "Sec-Fetch-Site", "none") // after a redirect to Spotify

	interrupt(t, p)
	p.endsWith()
}

// webCookie checks that only the whole session cookie signs a browser in.
func webCookie(t *testing.T, program string) {
	server := spotifytest.New(t)
	p := start(t, server, program)
	b := openBrowser(t, strings.TrimSuffix(p.line("Open "), " (Ctrl-C ends it)"))
	b.expect(200, "Hello", "GET", "/login")
	name, value := b.cookie("-session")
	if len(value) < 40 {
		t.Errorf("the cookie %s is short", name)
	}
	openBrowser(t, b.base).expect(200, "Nobody is signed in", "GET", "/", "Cookie", name+"="+value[:len(value)-1])
	openBrowser(t, b.base).expect(200, "Hello", "GET", "/", "Cookie", name+"="+value)
	interrupt(t, p)
	p.endsWith()
}

func interrupt(t *testing.T, p *process) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

func webElsewhere(t *testing.T, program string) {
	for uri, words := range map[string]string{
		"http://localhost:8080/callback":  "http://127.0.0.1:8080/callback",
		"http://192.0.2.1:8080/callback":  "redirect URI",
		"https://example.com/callback":    "must be like http://127.0.0.1",
		"http://127.0.0.1:8080/elsewhere": "must be like http://127.0.0.1",
	} {
		t.Run(uri, func(t *testing.T) {
			server := spotifytest.NewWith(t, &accounts.Options{Apps: []accounts.App{{ClientID: "id", RedirectURIs: []string{uri}}}})
			start(t, server, program).fails(words)
		})
	}
}
