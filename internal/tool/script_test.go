//go:build unix

package tool

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spotipie/spotipie/internal/testservices"
)

// TestScript runs the scripts in testdata/script. Besides testscript's own
// commands they have those below.
func TestScript(t *testing.T) { runScripts(t, "testdata/script") }

// TestRedisScript, TestPostgresScript and TestMovingScript run the scripts that
// need servers.
func TestRedisScript(t *testing.T) {
	runScripts(t, "testdata/redis", "STORE="+startRedis(t))
}

func TestPostgresScript(t *testing.T) {
	runScripts(t, "testdata/postgres", "STORE="+startPostgres(t))
}

func TestMovingScript(t *testing.T) {
	runScripts(t, "testdata/moving", "REDIS="+startRedis(t), "POSTGRES="+startPostgres(t))
}

func startRedis(t *testing.T) (store string) {
	return "redis://" + testservices.StartRedis(t).Address + "/0"
}

func startPostgres(t *testing.T) (store string) {
	return testservices.PostgresDSN(testservices.StartPostgres(t).Address)
}

func runScripts(t *testing.T, dir string, variables ...string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			if name == "root" { // file modes do not apply to root
				return os.Getuid() == 0, nil
			}
			return false, fmt.Errorf("no condition %s", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"fifo":    fifo,
			"ready":   ready,
			"rest":    rest,
			"http":    request,
			"jsonenv": jsonenv,
			"capture": capture,
			"lines":   lines,
			"sigterm": sigterm,

			"service":   service,
			"signin":    signin,
			"expire":    expire,
			"stale":     stale,
			"implicit":  implicit,
			"consented": consented,
			"same":      same,
			"examples":  examples,
			"clockoff":  clockoff,
			"setback":   setback,

			"storedrefresh": storedrefresh,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[fifosKey{}] = map[string]*bufio.Reader{}
			env.Vars = append(env.Vars, variables...)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("GORACE", "atexit_sleep_ms=10") // otherwise each command takes a second to end
			return nil
		},
	})
}

// exits CODE COMMAND ARGS... runs a command and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code: got %d, want %s; stderr: %s", got, args[0], ts.ReadFile("stderr"))
	}
}

type fifosKey struct{}

func fifos(ts *testscript.TestScript) map[string]*bufio.Reader {
	return ts.Value(fifosKey{}).(map[string]*bufio.Reader)
}

// fifo NAME makes a named pipe. A script can read it to wait for a command in the
// background.
func fifo(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
}

// ready NAME PATTERN reads the lines of a pipe until one matches. The lines become
// stdout.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	file, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { _ = file.Close() })
	reader := bufio.NewReader(file)
	fifos(ts)[args[0]] = reader
	for {
		line, err := reader.ReadString('\n')
		_, _ = io.WriteString(ts.Stdout(), line)
		if err != nil {
			ts.Fatalf("waiting for %s: %v", args[1], err)
		}
		if pattern.MatchString(line) {
			return
		}
	}
}

// rest NAME makes the lines after the one that ready found stdout.
func rest(ts *testscript.TestScript, _ bool, args []string) {
	_, err := io.Copy(ts.Stdout(), fifos(ts)[args[0]])
	ts.Check(err)
}

// request is http [-u user:password] [-bearer token] [-d form] [-json body] [-L]
// METHOD URL. It follows redirects only with -L. The status, Location and the body
// become stdout.
func request(ts *testscript.TestScript, _ bool, args []string) {
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	user := flags.String("u", "", "")
	bearer := flags.String("bearer", "", "")
	form := flags.String("d", "", "")
	object := flags.String("json", "", "")
	followed := flags.Bool("L", false, "")
	ts.Check(flags.Parse(args))
	req, err := http.NewRequest(flags.Arg(0), flags.Arg(1), strings.NewReader(*form+*object))
	ts.Check(err)
	if *object != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if *form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if id, secret, ok := strings.Cut(*user, ":"); ok {
		req.SetBasicAuth(id, secret)
	}
	if *bearer != "" {
		req.Header.Set("Authorization", "Bearer "+*bearer)
	}
	transport := &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 10 * time.Second}
	send := transport.RoundTrip
	if *followed {
		send = (&http.Client{Transport: transport}).Do
	}
	resp, err := send(req)
	ts.Check(err)
	defer resp.Body.Close()
	fmt.Fprintf(ts.Stdout(), "%d\nLocation: %s\n", resp.StatusCode, resp.Header.Get("Location"))
	_, err = io.Copy(ts.Stdout(), resp.Body)
	ts.Check(err)
}

// jsonenv VAR KEY... reads the last line of stdout as a JSON object and sets
// variables to the values of keys.
func jsonenv(ts *testscript.TestScript, _ bool, args []string) {
	output := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(output[len(output)-1]), &object))
	for i := 0; i+1 < len(args); i += 2 {
		value, ok := object[args[i+1]]
		if !ok {
			ts.Fatalf("no key %q", args[i+1])
		}
		ts.Setenv(args[i], fmt.Sprint(value))
	}
}

// capture VAR PATTERN sets a variable to the pattern's first group in stdout.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(`(?m)` + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// lines COUNT FILE checks how many lines a file (or stdout, stderr) has.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(strings.Count(ts.ReadFile(args[1]), "\n")); got != args[0] {
		ts.Fatalf("%s has %s lines, want %s", args[1], got, args[0])
	}
}

// sigterm ends the commands in the background. testscript's kill has no -TERM.
func sigterm(ts *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}
