//go:build unix

package tool

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spotipie/spotipie/internal/tool/failure"
)

func TestPastedLogin(t *testing.T) {
	r := newPerson(t).starts("login", "--paste", "--scope", "user-read-private")
	address := r.sees(shownAddress)
	r.sees(`press\s+Enter: `)
	r.types("nonsense\n")
	r.sees("That is no answer")
	r.types(visit(t, address) + "\n")
	contains(t, r.ends(failure.ExitOK), "Signed in as Ada.\r\n", `Profile "default" has a token for 59m 5`)
}

func TestLoginAtTheEndOfTheInput(t *testing.T) {
	r := newPerson(t).startsIn(120, "login", "--paste", "--scope", "")
	r.sees(`press\s+Enter: `)
	r.types(ctrlD)
	contains(t, r.ends(failure.ExitFailure),
		"\r\nspotipie: login: the input has ended before an answer, and nobody is signed in: start the login again\r\n")
}

func TestWaitingLogin(t *testing.T) {
	r := newPerson(t).starts("login", "--no-browser", "--timeout", "75s", "--scope", "")
	r.sees(`Waiting, 1m \d+s left\. Ctrl-C gives up\.`)
	r.types(ctrlC)
	r.ends(failure.ExitInterrupted)
}

// TestCountdownLeavesNothingBehind protects from text that is written over the rest
// of a countdown.
func TestCountdownLeavesNothingBehind(t *testing.T) {
	const countdown = `left\. Ctrl-C gives up\.`
	for _, columns := range []int{60, 100} {
		for name, until := range map[string]string{"Enter at once": "state=", "Enter later": `state=(?s:.)*` + countdown} {
			t.Run(fmt.Sprintf("%d columns, %s", columns, name), func(t *testing.T) {
				r := newPerson(t).startsIn(uint16(columns), "login", "--paste", "--scope", "user-read-private")
				answer := visit(t, r.sees(shownAddress))
				r.sees(countdown)
				r.seen.Reset()
				r.types(answer)
				r.sees(until)
				r.types("\n")
				screen := shown(columns, r.ends(failure.ExitOK))
				if strings.Contains(screen, "left.") || strings.Contains(screen, "gives up") {
					t.Errorf("the countdown is still there:\n%s", screen)
				}
				contains(t, screen, "\nSigned in as Ada.\nProfile")
				contains(t, strings.ReplaceAll(screen, "\n", ""), answer[:len(answer)-1])
			})
		}
	}
}

// TestLoginFitsTheTerminal protects from words that the terminal cuts.
func TestLoginFitsTheTerminal(t *testing.T) {
	const columns = 60
	p := newPerson(t)
	p.env = append(p.env, "container=podman")
	r := p.startsIn(columns, "login", "--no-browser", "--profile", "a profile with a long name", "--scope", "user-read-email")
	address := r.sees(shownAddress)
	r.sees(`press\s+Enter: `)
	if err := browse(address, false); err != nil {
		t.Fatal(err)
	}
	screen := r.ends(failure.ExitOK)
	for line := range strings.Lines(shown(1000, screen)) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns && !strings.HasPrefix(line, "    ") {
			t.Errorf("wider than %d: %q", columns, line)
		}
	}
	contains(t, screen, "\r\n    "+address+"\r\n",
		"\r\n    docker run -p 127.0.0.1:8889:8889 …\r\n",
		"\r\n    spotipie login --no-browser --profile 'a profile with a long name' --scope user-read-email --bind 0.0.0.0 --port 8889\r\n")
	if strings.Contains(screen, "Options.") {
		t.Errorf("the screen has names of Go:\n%s", screen)
	}
}

func TestNoBrowserIsToldInALineOfItsOwn(t *testing.T) {
	p := newPerson(t)
	p.env = append(p.env, "BROWSER=/bin/false", "DISPLAY=:9")
	r := p.starts("login", "--force-dialog", "--scope", "")
	const question = "press Enter: "
	r.sees(question + `(?s:.)*` + question)
	r.types(ctrlC)
	screen := shown(100, r.ends(failure.ExitInterrupted))
	contains(t, screen, strings.TrimSpace(question)+"\nNo browser could be opened (exit status 1): open the address yourself.\nWaiting for the browser;")
}

func TestScopesAreOffered(t *testing.T) {
	for name, test := range map[string]struct{ answer, asks string }{
		"numbers":           {"10, 19\n", "scope=user-library-modify\\+user-top-read&"},
		"names":             {"user-top-read user-read-email\n", "scope=user-read-email\\+user-top-read&"},
		"all":               {"all\n", "scope=app-remote-control\\+"},
		"none":              {"\n", "response_type=code&show_dialog"},
		"wrong, then right": {"20\nusr-top-read\n19\n", "scope=user-top-read&"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newPerson(t).starts("login", "--paste")
			r.sees(`(?s)Without a scope an app sees.*  19  user-top-read .*Which\? Numbers or names, all, or Enter for none: `)
			for line := range strings.Lines(test.answer) {
				r.types(line)
				if name == "wrong, then right" && line != "19\n" {
					r.sees(`(?s)(there is no scope 20|did you mean user-top-read\?)\..*Which\?`)
				}
			}
			r.sees(test.asks)
			r.types(ctrlC)
			r.ends(failure.ExitInterrupted)
		})
	}
}

// TestNothingIsWaitedForAfterTheUserHasAgreed: the page may take a while to get
// to the browser, but whoever has signed in need not watch a countdown.
func TestNothingIsWaitedForAfterTheUserHasAgreed(t *testing.T) {
	r := newPerson(t).starts("login", "--no-browser", "--scope", "user-read-private")
	answer := visit(t, r.sees(shownAddress))
	r.sees(`left\. Ctrl-C gives up\.`)
	visit(t, answer) // a browser that does not fetch the page it is sent on to
	screen := r.ends(failure.ExitOK)
	if _, after, found := strings.Cut(screen, "Signed in as Ada."); !found || strings.Contains(after, "Waiting") {
		t.Errorf("the screen:\n%s", screen)
	}
}

// TestAnotherUserIsNoticed signs in as another user than before, by mistake or not.
func TestAnotherUserIsNoticed(t *testing.T) {
	p := newPerson(t)
	signIn := func(user string) (screen string) {
		r := p.starts("login", "--paste", "--scope", "user-read-private", "--force-dialog")
		address := r.sees(shownAddress)
		r.sees(`press\s+Enter: `)
		callback, err := p.service.ConsentAs(address, user)
		if err != nil {
			t.Fatal(err)
		}
		r.types(callback + "\n")
		return r.ends(failure.ExitOK)
	}
	const note = `Note: profile "default" was signed in as `
	for _, user := range []string{"ada", "ada"} {
		if screen := signIn(user); strings.Contains(screen, note) {
			t.Errorf("the user is the same, but the screen has %q:\n%s", note, screen)
		}
	}
	contains(t, signIn("grace"), note+"Ada before, and is Grace's now.")
	contains(t, signIn("mallory"), note+"Grace before, and is Mal[8mlory's now.") // not hidden
	contains(t, signIn("ada"), note+"Mal[8mlory before, and is Ada's now.")
}
