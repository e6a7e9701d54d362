package login_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// terminal returns a real terminal and the keyboard that types into it.
func terminal(t testing.TB) (tty, keyboard *os.File) {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Fatalf("a pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { _ = tty.Close(); _ = keyboard.Close() })
	return tty, keyboard
}

func typeLine(t testing.TB, keyboard io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(keyboard, text+"\n"); err != nil {
		t.Fatal(err)
	}
}

func TestPasteEndsTheLoginAsWellAsTheBrowser(t *testing.T) {
	for name, form := range map[string]func(callbackURL string) string{
		"the address":                  func(u string) string { return u },
		"with spaces and quotes":       func(u string) string { return ` "` + u + `"  ` },
		"without its scheme":           func(u string) string { return strings.TrimPrefix(u, "http://") },
		"from the question mark on":    func(u string) string { return u[strings.Index(u, "?"):] },
		"what follows it":              func(u string) string { return u[strings.Index(u, "?")+1:] },
		"with the fragment some add":   func(u string) string { return u + "#_=_" },
		"with the line end of Windows": func(u string) string { return u + "\r" },
		"the code alone":               func(u string) string { return parameter(t, u, "code") },
	} {
		t.Run(name, func(t *testing.T) {
			surroundings(t, nil)
			server := newServer(t, nil)
			tty, keyboard := terminal(t)
			r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
			typeLine(t, keyboard, form(server.Consent(t, r.address())))
			r.token()
			if !strings.HasSuffix(r.output.String(), "Signed in as Ada.\n") {
				t.Errorf("printed %q", r.output)
			}
		})
	}
}

func TestPasteOfTheImplicitGrant(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true})
	tty, keyboard := terminal(t)
	r := start(t, newImplicitSession(t, server), &login.Options{Input: tty})
	callbackURL := server.Consent(t, r.address())
	typeLine(t, keyboard, strings.Split(callbackURL, "#")[0])
	r.output.waitFor(t, "no token in it; copy the whole address", 1)
	typeLine(t, keyboard, "yes")
	r.output.waitFor(t, "no token in it; copy the whole address", 2)
	typeLine(t, keyboard, callbackURL)
	r.token()

	t.Run("what follows the hash", func(t *testing.T) {
		tty, keyboard := terminal(t)
		r := start(t, newImplicitSession(t, server), &login.Options{Input: tty})
		_, parameters, _ := strings.Cut(server.Consent(t, r.address()), "#")
		typeLine(t, keyboard, parameters)
		r.token()
	})
}

// TestAGreetingThatIsNotToBeHadDoesNotFailTheLogin protects from losing a login because the
// Web API fails.
func TestAGreetingThatIsNotToBeHadDoesNotFailTheLogin(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	if err := server.QueueFault(accounts.Fault{Target: accounts.TargetAPI, Kind: accounts.FaultServerError}); err != nil {
		t.Fatal(err)
	}
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	typeLine(t, keyboard, server.Consent(t, r.address()))
	r.token()
	if !strings.HasSuffix(r.output.String(), "Signed in.\n") {
		t.Errorf("printed %q", r.output)
	}
}

func TestPasteOfADenial(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	server.DenyNext(1)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	typeLine(t, keyboard, server.Consent(t, r.address()))
	if err := r.wait().err; !errors.Is(err, spotipie.ErrAccessDenied) {
		t.Errorf("error %v", err)
	}
}

func TestPastedRubbishIsSaidAndAskedAgain(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	address := r.address()
	other := server.Consent(t, mustURL(t, newSession(t, server, nil)))
	answer := server.Consent(t, address)
	for i, rubbish := range []struct{ pasted, said string }{
		{"yes", "neither a code nor an error"},
		{"https://open.spotify.com/", "neither a code nor an error"},
		{"http://127.0.0.1/callback?code=%zz", "neither a code nor an error"},
		{address, "shows only an error there"},
		{other, "it belongs to another login"},
		{answer[:strings.Index(answer, "state=")], "its state is missing"},
		{"code=" + parameter(t, answer, "code"), "its state is missing"},
		{strings.TrimPrefix(mustParse(t, other).RawQuery, "?"), "it belongs to another login"},
		{answer + "&code=again", "neither a code nor an error"},
	} {
		typeLine(t, keyboard, rubbish.pasted)
		text := r.output.waitFor(t, "Paste the address again:", i+1)
		if !strings.Contains(text[strings.LastIndex(text, "That is no answer"):], rubbish.said) {
			t.Errorf("after %q: %q", rubbish.pasted, text)
		}
	}
	typeLine(t, keyboard, "")
	r.running()
	typeLine(t, keyboard, answer)
	r.token()
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

func mustURL(t testing.TB, session *spotipie.AuthorizationCodeSession) string {
	t.Helper()
	address, _, err := session.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestACodeThatSpotifyRefusesBeginsAnew(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	first := r.address()
	typeLine(t, keyboard, "AQnot-a-code-of-Spotify")
	second := r.output.authorizationURL(t, 2)
	r.output.waitFor(t, "does not accept this code (Invalid authorization code)", 1)
	if parameter(t, first, "state") == parameter(t, second, "state") {
		t.Error("the used state is still in use")
	}
	typeLine(t, keyboard, server.Consent(t, first))
	r.output.waitFor(t, "the address printed before the last one", 1)

	// The open tab continues with the new attempt by itself.
	if err := b.open(first); err != nil {
		t.Fatal(err)
	}
	r.token()
	if p := b.shown(); !strings.Contains(p.body, "Hello") {
		t.Errorf("the page says %s", p.body)
	}
}

func TestAPasteThatCannotBeExchangedEndsTheLogin(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	answer := server.Consent(t, r.address())
	if err := server.QueueFault(accounts.Fault{Target: accounts.TargetToken, Kind: accounts.FaultHTML}); err != nil {
		t.Fatal(err)
	}
	typeLine(t, keyboard, answer)
	if e := expectError[*spotipie.TokenEndpointError](t, r.wait().err); e.Temporary() {
		t.Errorf("%v", e)
	}
}

func TestALoginThatEndsInTheBrowserLeavesTheKeyboardAlone(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty, Browser: b.open})
	r.token()
	typeLine(t, keyboard, "for the program")
	if got, err := bufio.NewReader(tty).ReadString('\n'); got != "for the program\n" {
		t.Errorf("the program reads %q, %v", got, err)
	}
}

func TestWhatFollowsThePastedLineIsLeftToTheProgram(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	typeLine(t, keyboard, server.Consent(t, r.address())+"\nfor the program")
	r.token()
	if got, err := bufio.NewReader(tty).ReadString('\n'); got != "for the program\n" {
		t.Errorf("the program reads %q, %v", got, err)
	}
}

func TestTheEndOfTheInputIsNotTheEndOfTheLogin(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: strings.NewReader("")})
	r.output.waitFor(t, "still waiting for the browser", 1)
	if err := b.open(r.address()); err != nil {
		t.Fatal(err)
	}
	r.token()
}

func TestAnInputThatIsNoFile(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	in, keyboard := io.Pipe()
	defer keyboard.Close()
	r := start(t, newSession(t, server, nil), &login.Options{Input: in})
	answer := server.Consent(t, r.address())
	typeLine(t, keyboard, strings.Repeat("x", 70<<10))
	r.output.waitFor(t, "longer than 64 KiB", 1)
	typeLine(t, keyboard, answer)
	r.token()
}

func TestPrompt(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, &accounts.Options{AutoApprove: true, Apps: []accounts.App{{
		ClientID: "app", RedirectURIs: []string{"https://example.com/callback"},
	}}})
	prompt := func(session spotipie.Session, in io.Reader, out *output, timeout time.Duration) <-chan outcome {
		done := make(chan outcome, 1)
		go func() {
			token, err := login.Prompt(t.Context(), session, &login.Options{Input: in, Output: out, Timeout: timeout})
			done <- outcome{token, err}
		}()
		return done
	}
	t.Run("any redirect URI", func(t *testing.T) {
		tty, keyboard := terminal(t)
		out := newOutput()
		done := prompt(newSession(t, server, nil), tty, out, 0)
		typeLine(t, keyboard, server.Consent(t, out.authorizationURL(t, 1)))
		if o := <-done; o.err != nil || o.token == nil {
			t.Errorf("token %v, error %v", o.token, o.err)
		}
	})
	t.Run("a pipe", func(t *testing.T) {
		in, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		out := newOutput()
		done := prompt(newSession(t, server, nil), in, out, 0)
		typeLine(t, writer, server.Consent(t, out.authorizationURL(t, 1))+"\nfor the program")
		if o := <-done; o.err != nil || o.token == nil {
			t.Errorf("token %v, error %v", o.token, o.err)
		}
		if !strings.Contains(out.String(), "in one line on the") || strings.Contains(out.String(), "press Enter") {
			t.Errorf("printed %q", out)
		}
		_ = writer.Close()
		if rest, err := io.ReadAll(in); string(rest) != "for the program\n" {
			t.Errorf("left for the program: %q, %v", rest, err)
		}
	})
	for name, test := range map[string]struct{ text, want string }{
		"a pipe with other lines":           {"yes\n", "the first 20 lines of the input have no answer"},
		"a pipe with empty lines":           {"\n", "the first 20 lines of the input have no answer"},
		"a pipe with a line without an end": {"yes", "a line is longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			in, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			var written sync.WaitGroup
			written.Go(func() {
				for err := error(nil); err == nil; {
					_, err = io.WriteString(writer, strings.Repeat(test.text, 1000))
				}
			})
			out := newOutput()
			o := <-prompt(newSession(t, server, nil), in, out, time.Minute)
			if o.token != nil || o.err == nil || !strings.Contains(o.err.Error(), test.want) {
				t.Errorf("token %v, error %v, want one with %q", o.token, o.err, test.want)
			}
			if printed := len(out.String()); printed > 10_000 {
				t.Errorf("printed %d bytes", printed)
			}
			_ = in.Close()
			written.Wait()
			_ = writer.Close()
		})
	}
	t.Run("a pipe that ends", func(t *testing.T) {
		in, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		_ = writer.Close()
		o := <-prompt(newSession(t, server, nil), in, newOutput(), 0)
		if !errors.Is(o.err, io.EOF) || !strings.Contains(o.err.Error(), "keep the pipe open") {
			t.Errorf("error %v", o.err)
		}
	})
	t.Run("the end of the input", func(t *testing.T) {
		o := <-prompt(newSession(t, server, nil), strings.NewReader(""), newOutput(), 0)
		const want = "login: the input has ended before an answer, and nobody is signed in: start the login again"
		if !errors.Is(o.err, io.EOF) || o.err.Error() != want {
			t.Errorf("error %v, want one that wraps io.EOF: %s", o.err, want)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		tty, _ := terminal(t)
		o := <-prompt(newSession(t, server, nil), tty, newOutput(), 20*time.Millisecond)
		expectError[*login.TimeoutError](t, o.err)
	})
}

// TestHeadlessHostIsToldAtOnce protects services and cron jobs from an EOF or from waiting
// without any message.
func TestHeadlessHostIsToldAtOnce(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	t.Run("by Prompt", func(t *testing.T) {
		_, err := login.Prompt(context.Background(), newSession(t, server, nil), &login.Options{Input: noTerminal(t), Output: newOutput()})
		if !errors.Is(err, login.ErrNoTerminal) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("by Authorize, which goes on and times out", func(t *testing.T) {
		out := newOutput()
		_, err := login.Authorize(t.Context(), newSession(t, server, nil), &login.Options{
			Input: noTerminal(t), Output: out, Timeout: 50 * time.Millisecond,
		})
		expectError[*login.TimeoutError](t, err)
		for _, text := range []string{server.URL + "/authorize?", "no display here", "no terminal to paste an answer into"} {
			if !strings.Contains(out.String(), text) {
				t.Errorf("not printed: %q, but %s", text, out)
			}
		}
	})
	t.Run("and a browser that can reach it still answers", func(t *testing.T) {
		r, b := start(t, newSession(t, server, nil), &login.Options{NoBrowser: true}), newBrowser(t)
		if err := b.open(r.output.authorizationURL(t, 1)); err != nil {
			t.Fatal(err)
		}
		r.token()
	})
}

func TestABrowserThatCannotBeOpenedIsNotTheEnd(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	r := start(t, newSession(t, server, nil), &login.Options{
		Browser: func(string) error { return errors.New("no browser\x1b[2J here") },
	})
	text := r.output.waitFor(t, "No browser could be opened (no browser[2J here)", 1)
	if strings.Index(text, "/authorize?") > strings.Index(text, "No browser") {
		t.Error("the address is printed too late")
	}
	if err := b.open(r.output.authorizationURL(t, 1)); err != nil {
		t.Fatal(err)
	}
	r.token()
}

// TestPanicsOfTheProgramAreNotTheEnd uses a browser and an input that panic, in
// goroutines of the login where the program could not recover.
func TestPanicsOfTheProgramAreNotTheEnd(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	r := start(t, newSession(t, server, nil), &login.Options{
		Browser: func(string) error { panic("no browser") },
		Input:   readerFunc(func([]byte) (int, error) { panic("no input") }),
	})
	r.output.waitFor(t, "No browser could be opened (it panicked: no browser)", 1)
	r.output.waitFor(t, "The input has ended", 1)
	if err := b.open(r.output.authorizationURL(t, 1)); err != nil {
		t.Fatal(err)
	}
	r.token()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestWSLPasteWinsWhenTheCallbackNeverArrives protects users whose browser is
// on the other side of a virtual machine's network.
func TestWSLPasteWinsWhenTheCallbackNeverArrives(t *testing.T) {
	surroundings(t, map[string]string{"WSL_DISTRO_NAME": "Debian"})
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	answer := server.Consent(t, r.address()) // the browser cannot reach this address
	r.output.waitFor(t, "This is WSL. If the browser cannot reach 127.0.0.1:", 1)
	typeLine(t, keyboard, answer)
	r.token()
}

func TestPageAndPasteTogetherGiveOneToken(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	answer := server.Consent(t, r.address())
	page := make(chan error, 1)
	go func() {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(answer)
		if err == nil {
			_ = resp.Body.Close()
		}
		page <- err
	}()
	typeLine(t, keyboard, answer)
	r.token()
	<-page // refused if the paste came first and the login has ended
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}
