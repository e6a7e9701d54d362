package webapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/webapi"
)

// server starts a Web API with a handler, and returns it with a session that has a
// token for it.
func server(t *testing.T, handler http.HandlerFunc) (*httptest.Server, spotipie.Session) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, sessionFor(t, server.URL)
}

func sessionFor(t *testing.T, api string) spotipie.Session {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	session, err := spotipie.NewClientCredentialsSession(
		spotipie.Credentials{ClientID: "id", ClientSecret: "secret"},
		&spotipie.Options{APIURL: api, Transport: transport},
	)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "access-me", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.SetToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close(context.WithoutCancel(t.Context())) })
	return session
}

// do makes the call and returns what it wrote.
func do(t *testing.T, session webapi.Requester, call webapi.Call) (string, error) {
	t.Helper()
	var out strings.Builder
	if call.Out == nil {
		call.Out = &out
	}
	if call.Method == "" {
		call.Method = "GET"
	}
	if call.Target == "" {
		call.Target = "/v1/me"
	}
	err := call.Do(t.Context(), session)
	return out.String(), err
}

func filter(t *testing.T, expression string) *webapi.Filter {
	t.Helper()
	f, err := webapi.CompileFilter(expression)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func answering(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header()["Date"] = nil
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestCallSends(t *testing.T) {
	var got string
	_, session := server(t, func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s auth=%s type=%s x=%s body=%s", r.Method, r.URL, r.Header.Get("Authorization"),
			r.Header.Get("Content-Type"), r.Header.Get("X-Test"), data)
	})
	out, err := do(t, session, webapi.Call{
		Method: "PUT", Target: "/v1/me/player?a=1", Query: url.Values{"b": {"2"}}, Body: []byte(`{}`),
		Header: http.Header{"Content-Type": {"application/json"}, "X-Test": {"yes"}},
	})
	if out != "" || err != nil {
		t.Errorf("got %q, %v, want nothing", out, err)
	}
	want := "PUT /v1/me/player?a=1&b=2 auth=Bearer access-me type=application/json x=yes body={}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A token is sent only to the Web API.
func TestCallElsewhereHasNoToken(t *testing.T) {
	elsewhere, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "authorization: "+r.Header.Get("Authorization"))
	})
	_, session := server(t, http.NotFound)
	out, err := do(t, session, webapi.Call{Target: elsewhere.URL + "/x"})
	if out != "authorization: " || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestCallWrites(t *testing.T) {
	const js = "application/json; charset=utf-8"
	for name, test := range map[string]struct {
		contentType, body string
		call              webapi.Call
		want              string
	}{
		"JSON as it is":     {js, `{"b":1, "a":"<é>"}`, webapi.Call{}, `{"b":1, "a":"<é>"}`},
		"bytes as they are": {"image/jpeg", "\xff\xd8\x00\x1b", webapi.Call{}, "\xff\xd8\x00\x1b"},
		"indented":          {js, `{"b":1,"a":[]}`, webapi.Call{Terminal: true}, "{\n  \"b\": 1,\n  \"a\": []\n}\n"},
		"harmless": {
			js, "{\"name\":\"\u009b2J\u202e\"}", webapi.Call{Terminal: true}, "{\n  \"name\": \"\ufffd2J\ufffd\"\n}\n",
		},
		"harmless text": {"text/plain", "\x1b[2J\r\n", webapi.Call{Terminal: true}, "\ufffd[2J\n"},
		"nothing":       {js, "", webapi.Call{Terminal: true, Filter: filter(t, ".a")}, ""},
		"filtered":      {js, `{"a":[{"n":"x"},{"n":2}]}`, webapi.Call{Filter: filter(t, ".a[].n")}, "x\n2\n"},
		"filtered to JSON": {
			js, `{"a":{"z":1,"b":"<"}}`, webapi.Call{Filter: filter(t, ".a")}, "{\"b\":\"<\",\"z\":1}\n",
		},
		"filtered, indented": {
			js, `{"a":{"z":1}}`, webapi.Call{Filter: filter(t, ".a"), Terminal: true}, "{\n  \"z\": 1\n}\n",
		},
		"filtered, harmless": {
			js, `{"a":"\u001b]0;x\u0007"}`, webapi.Call{Filter: filter(t, ".a"), Terminal: true}, "\ufffd]0;x\ufffd\n",
		},
		"large numbers": {js, `{"a":12345678901234567890.5}`, webapi.Call{Filter: filter(t, ".a")}, "12345678901234567890.5\n"},
		"halted":        {js, `{"a":1}`, webapi.Call{Filter: filter(t, ".a, halt, .a")}, "1\n"},
		"with head": {
			"text/plain", "x", webapi.Call{Include: true}, "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Type: text/plain\n\nx",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, answering(200, test.contentType, test.body))
			out, err := do(t, session, test.call)
			if out != test.want || err != nil {
				t.Errorf("got  %q, %v\nwant %q", out, err, test.want)
			}
		})
	}
}

// A refusal is written to Out in full, whatever the filter is, and is in the error.
// It ends with a line break, so that the error can be printed below it.
func TestCallRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		body, want string
		out        string
	}{
		"JSON":  {404, `{"error":{"status":404,"message":"Not found."}}`, "Not found.", "{\"error\":{\"status\":404,\"message\":\"Not found.\"}}\n"},
		"plain": {403, "Active premium subscription required.", "Active premium", "Active premium subscription required.\n"},
		"line":  {403, "Active premium subscription required.\n", "Active premium", "Active premium subscription required.\n"},
		"empty": {502, "", "502", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, answering(test.status, "text/plain", test.body))
			out, err := do(t, session, webapi.Call{Filter: filter(t, ".items[]"), Paginate: true})
			var refusal *spotipie.APIError
			if !errors.As(err, &refusal) || refusal.StatusCode != test.status || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want status %d with %q", err, test.status, test.want)
			}
			if out != test.out {
				t.Errorf("got %q, want %q", out, test.out)
			}
		})
	}
}

// A refusal goes to Refusal if that is set, with its headers, and in the right form
// for it.
func TestCallRefusedElsewhere(t *testing.T) {
	const body = "{\"error\":{\"status\":404,\"message\":\"\u009bNot found.\"}}"
	for name, test := range map[string]struct {
		call webapi.Call
		want string
	}{
		"file": {webapi.Call{Terminal: true}, body + "\n"},
		"terminal": {
			webapi.Call{RefusalTerminal: true},
			"{\n  \"error\": {\n    \"status\": 404,\n    \"message\": \"\ufffdNot found.\"\n  }\n}\n",
		},
		"with head": {
			webapi.Call{Include: true},
			"HTTP/1.1 404 Not Found\nContent-Length: 49\nContent-Type: application/json\n\n" + body + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, answering(404, "application/json", body))
			var refusal strings.Builder
			test.call.Refusal = &refusal
			out, err := do(t, session, test.call)
			if out != "" || refusal.String() != test.want || err == nil {
				t.Errorf("got %q, %q (error %v), want %q", out, refusal.String(), err, test.want)
			}
		})
	}
}

func TestCallFails(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		call    webapi.Call
		want    string
	}{
		"not JSON, filtered": {
			answering(200, "text/html", "<html>"), webapi.Call{Filter: filter(t, ".")}, "--jq: the answer is not JSON",
		},
		"two values": {
			answering(200, "text/html", "{} {}"), webapi.Call{Filter: filter(t, ".")}, "--jq: the answer is not JSON",
		},
		"filter": {
			answering(200, "application/json", `{"a":1}`), webapi.Call{Filter: filter(t, ".a[]")}, "--jq: the expression failed on this answer: cannot iterate over: number (1)",
		},
		"filter's own words": {
			answering(200, "application/json", `{}`), webapi.Call{Filter: filter(t, `error("no good")`)}, "--jq: the expression failed on this answer: error: no good",
		},
		"filter's result too deep": {
			answering(200, "application/json", `{}`), webapi.Call{Filter: filter(t, `reduce range(300000) as $i (0; [.])`)}, "--jq: the result is nested too deeply",
		},
		"cut": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, "half")
			}, webapi.Call{}, "reading the answer: unexpected EOF",
		},
		"cut page": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, "half")
			}, webapi.Call{Paginate: true}, "reading the answer: unexpected EOF",
		},
		"full disk": {
			answering(200, "text/plain", "x"), webapi.Call{Out: failing{}}, "writing the answer: no space left",
		},
		"full disk, filtered": {
			answering(200, "text/plain", "1"), webapi.Call{Out: failing{}, Filter: filter(t, ".")}, "writing the answer: no space left",
		},
		"full disk, refused": {
			answering(400, "text/plain", "x"), webapi.Call{Out: failing{}}, "writing the answer: no space left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, session := server(t, test.handler)
			if _, err := do(t, session, test.call); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Ctrl-C ends a filter that would never end.
func TestCallInterruptedFilter(t *testing.T) {
	_, session := server(t, answering(200, "application/json", `{}`))
	ctx, cancel := context.WithCancelCause(t.Context())
	out := cancelling{cancel}
	call := webapi.Call{Method: "GET", Target: "/v1/me", Filter: filter(t, "repeat(1)"), Out: out}
	if err := call.Do(ctx, session); !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause", err)
	}
}

var errStop = errors.New("stop")

type cancelling struct{ cancel context.CancelCauseFunc }

func (c cancelling) Write(p []byte) (int, error) { c.cancel(errStop); return len(p), nil }

func TestCompileFilterRefuses(t *testing.T) {
	for expression, want := range map[string]string{
		".[":                    `the jq expression ".[" ends too early, after character 2; a right one is '.items[].name'`,
		".a |":                  `ends too early, after character 4`,
		".a .b )":               `the jq expression ".a .b )" has an unexpected ")" at character 7; a right one is`,
		".ä, )":                 `an unexpected "ä" at character 2`,
		`.a == "b`:              `has a string without its closing quote`,
		" ":                     `the jq expression " ": missing query`,
		"nosuch":                `the jq expression "nosuch": function not defined: nosuch/0; a right one is`,
		`import "a" as a;1`:     "module",
		"input":                 "input",
		strings.Repeat("[", 99): `the jq expression "` + strings.Repeat("[", 60) + `…" ends too early, after character 99`,
	} {
		if _, err := webapi.CompileFilter(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", expression, err, want)
		}
	}
	out, err := do(t, func() webapi.Requester {
		_, session := server(t, answering(200, "application/json", "{}"))
		return session
	}(), webapi.Call{Filter: filter(t, "env, $ENV")})
	if out != "{}\n{}\n" || err != nil {
		t.Errorf("the environment is open to filters: %q, %v", out, err)
	}
}
