package login_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// TestAnAddressWrappedIntoLinesIsPutTogether protects from reading the rest of an address as
// a code, which would use up the login.
func TestAnAddressWrappedIntoLinesIsPutTogether(t *testing.T) {
	surroundings(t, nil)
	at := func(answer, name string, n int) int { return strings.Index(answer, name+"=") + len(name) + 1 + n }
	for name, cuts := range map[string]func(answer string) []int{
		"in the state":               func(a string) []int { return []int{at(a, "state", 4)} },
		"before the state":           func(a string) []int { return []int{at(a, "state", 0)} },
		"in the code":                func(a string) []int { return []int{at(a, "code", 5)} },
		"in a name":                  func(a string) []int { return []int{at(a, "state", -3)} },
		"behind the question mark":   func(a string) []int { return []int{strings.Index(a, "?") + 1} },
		"before the question mark":   func(a string) []int { return []int{strings.Index(a, "?")} },
		"in the port":                func(a string) []int { return []int{strings.Index(a, "/callback") - 2} },
		"into three, in code":        func(a string) []int { return []int{at(a, "code", 2), at(a, "code", 20)} },
		"into three, code and state": func(a string) []int { return []int{at(a, "code", 2), at(a, "state", 2)} },
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, nil)
			tty, keyboard := terminal(t)
			r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
			answer := server.Consent(t, r.address())
			from := 0
			for i, to := range cuts(answer) {
				typeLine(t, keyboard, answer[from:to])
				r.output.waitFor(t, "That is no answer", i+1)
				from = to
			}
			typeLine(t, keyboard, answer[from:])
			r.token()
			server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
		})
	}
	t.Run("what follows the question mark", func(t *testing.T) {
		server := newServer(t, nil)
		tty, keyboard := terminal(t)
		r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
		query := mustParse(t, server.Consent(t, r.address())).RawQuery
		middle := at(query, "code", 5)
		typeLine(t, keyboard, query[:middle])
		r.output.waitFor(t, "That is no answer", 1)
		typeLine(t, keyboard, query[middle:])
		r.token()
	})
	t.Run("implicit", func(t *testing.T) {
		server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true})
		tty, keyboard := terminal(t)
		r := start(t, newImplicitSession(t, server), &login.Options{Input: tty})
		answer := server.Consent(t, r.address())
		middle := at(answer, "access_token", 10)
		typeLine(t, keyboard, answer[:middle])
		r.output.waitFor(t, "That is no answer", 1)
		typeLine(t, keyboard, answer[middle:])
		r.token()
	})
}

func TestTheRestOfAnAddressIsNoCode(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
	address := r.address()
	answer, state := server.Consent(t, address), parameter(t, address, "state")
	typeLine(t, keyboard, state[len(state)-20:])
	r.output.waitFor(t, "looks like the rest of an address", 1)
	r.running()
	typeLine(t, keyboard, answer[:strings.Index(answer, "&state")])
	r.output.waitFor(t, "its state is missing", 1)
	code := parameter(t, answer, "code")
	typeLine(t, keyboard, code)
	r.output.waitFor(t, "looks like the rest of an address", 2)
	typeLine(t, keyboard, "") // an empty line says that it is the code
	typeLine(t, keyboard, code)
	r.token()
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

func TestCodesThatAreRefusedAgainAndAgainEndTheLogin(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	in, keyboard := io.Pipe()
	defer keyboard.Close()
	r := start(t, newSession(t, server, nil), &login.Options{Input: in})
	r.address()
	const attempts = 20
	for i := range attempts {
		r.output.authorizationURL(t, i+1)
		r.running()
		typeLine(t, keyboard, "AQnot-a-code-of-Spotify")
	}
	if e := expectError[*spotipie.TokenEndpointError](t, r.wait().err); e.Code != "invalid_grant" {
		t.Error(e)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: attempts})
}

// TestTheLastByteMayComeWithTheEnd protects users of readers that return data and io.EOF
// together, as io.Reader allows.
func TestTheLastByteMayComeWithTheEnd(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	in, keyboard := io.Pipe()
	r := start(t, newSession(t, server, nil), &login.Options{Input: iotest.DataErrReader(in)})
	answer := server.Consent(t, r.address())
	go func() {
		_, _ = io.WriteString(keyboard, answer)
		_ = keyboard.Close()
	}()
	r.token()
}
