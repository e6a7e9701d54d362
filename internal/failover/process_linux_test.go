package failover_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// processVariable holds the processConfig of a process in its environment.
const processVariable = "SPOTIPIE_TEST_FAILOVER"

// nameHeader names the process in its requests to Spotify.
const nameHeader = "X-Process"

// processConfig is what a process is told when it starts.
type processConfig struct {
	Name  string
	Store storeConfig
	App   appConfig
	Users []string
	Think time.Duration
}

// appConfig is how an app reaches Spotify.
type appConfig struct{ AccountsURL, ClientID, ClientSecret string }

const redirectURI = "http://127.0.0.1/callback"

// pool returns a pool on a store.
func (a appConfig) pool(process string, store spotipie.Store, onError func(error)) (*spotipie.Pool, *http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	creds := spotipie.Credentials{ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURI: redirectURI}
	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: spotipie.Options{
		Store: store, AccountsURL: a.AccountsURL, APIURL: a.AccountsURL,
		Transport: namedTransport{transport, process}, OnError: onError,
	}})
	return pool, transport, err
}

// namedTransport has requests to Spotify name the process.
type namedTransport struct {
	http.RoundTripper
	name string
}

func (t namedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set(nameHeader, t.name)
	return t.RoundTripper.RoundTrip(req)
}

// processReport is what a process says at its end.
type processReport struct {
	Callers callerTally
	Saves   []save
	Loads   []load
	// AtTheEnd are the errors of a last look at each user.
	AtTheEnd map[string]string
}

// runProcess uses the tokens of all users until the standard input ends, reports,
// and ends the process. In any other process it does nothing.
func runProcess() {
	text, isProcess := os.LookupEnv(processVariable)
	if !isProcess {
		return
	}
	if err := useTokens(text); err != nil {
		fmt.Fprintln(os.Stderr, "process:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func useTokens(text string) error {
	ctx := context.Background()
	var c processConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	store := &recordedStore{process: c.Name, unconfirmed: make(map[string]bool)}
	inner, closeStore, err := c.Store.open(ctx, store.noteUnconfirmed)
	if err != nil {
		return err
	}
	defer closeStore()
	store.serverStore = inner
	pool, _, err := c.App.pool(c.Name, store, func(err error) {
		fmt.Fprintln(os.Stderr, time.Now().Format("05.000"), err)
	})
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	callers := &callers{pool: pool, think: c.Think, tally: callerTally{
		Errors: make(map[string]int), Samples: make(map[string]string), Failed: make(map[string]int),
	}}
	var running sync.WaitGroup
	running.Go(func() { _ = pool.Run(working) })
	running.Go(func() { callers.run(working, c.Users) })
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	running.Wait()
	report := processReport{AtTheEnd: callers.lookAtAll(ctx, c.Users)}
	closing, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	err = pool.Close(closing)
	report.Callers, report.Saves, report.Loads = callers.tally, store.saves, store.loads
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(report))
}

// process is one that runs.
type process struct {
	name    string
	command *exec.Cmd
	stdin   io.Closer
	stdout  *bufio.Reader
	log     *os.File
}

// startProcess starts a process and waits until it is ready. It is killed when the
// test ends.
func startProcess(t *testing.T, config processConfig) *process {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: config.Name, command: exec.Command(binary, "-test.run=^$")}
	if p.log, err = os.CreateTemp(t.TempDir(), "process"); err != nil {
		t.Fatal(err)
	}
	p.command.Env = append(os.Environ(), processVariable+"="+string(text))
	p.command.Stderr = p.log
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end(t) })
	if line, err := p.stdout.ReadString('\n'); err != nil {
		t.Fatalf("process %s says %q: %v", p.name, line, err)
	}
	return p
}

// stop has the process look at all users once more, and end.
func (p *process) stop() { _ = p.stdin.Close() }

// report returns what the process says at its end.
func (p *process) report() (report processReport, err error) {
	if err := json.NewDecoder(p.stdout).Decode(&report); err != nil {
		return report, fmt.Errorf("process %s: %w", p.name, err)
	}
	err = p.command.Wait()
	return report, err
}

func (p *process) end(t *testing.T) {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
	if t.Failed() {
		p.showLog(t)
	}
	_ = p.log.Close()
}

const shownLog = 1 << 10

func (p *process) showLog(t *testing.T) {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		t.Log(err)
		return
	}
	t.Logf("process %s says at last:\n%s", p.name, text[max(0, len(text)-shownLog):])
}
