package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// Fleet is an authorization in a store that several processes share.
type Fleet struct {
	Server *spotifytest.Server
	Store  spotipie.Store
	Config Config
}

// New starts an accounts service for the test and logs in to it, with a session
// that saves the token in store. config says where that store is.
func New(t *testing.T, store spotipie.Store, config Config, rotate bool) *Fleet {
	t.Helper()
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: rotate})
	config.AccountsURL = server.URL
	config.ClientID = server.Credentials().ClientID
	config.ClientSecret = server.Credentials().ClientSecret
	f := &Fleet{Server: server, Store: store, Config: config}
	server.Login(t, f.session(t, &probe{}))
	return f
}

// session returns a session of the test's own process.
func (f *Fleet) session(t *testing.T, p *probe) *spotipie.AuthorizationCodeSession {
	t.Helper()
	s, err := f.Config.session(f.Store, f.Server.Transport(), f.Server.Now, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) }) // before the store is gone
	return s
}

// delayTokens delays the answers of the token endpoint.
func (f *Fleet) delayTokens(t *testing.T, delay time.Duration) {
	t.Helper()
	err := f.Server.QueueFault(accounts.Fault{
		Kind: accounts.FaultSlow, Target: accounts.TargetToken, Every: 1, Delay: delay,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// stored returns the record. It fails the test if there is none or it is
// incomplete.
func (f *Fleet) stored(t *testing.T) spotipie.Record {
	t.Helper()
	rec, found, err := f.Store.Load(t.Context(), f.Config.key())
	if err != nil || !found {
		t.Fatalf("Load: found %t, error %v", found, err)
	}
	return rec
}

// Member is a process that shares the authorization.
type Member struct {
	process *exec.Cmd
	orders  io.WriteCloser
	reports *bufio.Scanner
}

// Start starts a member, which is killed when the test ends. If there is a command,
// such as ip netns exec NAME, it starts the member.
func (f *Fleet) Start(t *testing.T, config Config, command ...string) *Member {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = append(command, binary, "-test.run=^$")
	m := &Member{process: exec.Command(command[0], command[1:]...)}
	m.process.Env = append(os.Environ(), memberVariable+"="+string(text))
	m.process.Stderr = os.Stderr
	if m.orders, err = m.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	reports, err := m.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.reports = bufio.NewScanner(reports)
	if err := m.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	return m
}

// Ready waits until the member has opened its store.
func (m *Member) Ready(t *testing.T) {
	t.Helper()
	m.order(t, order{Goroutines: 1})
	m.result(t) // with or without a token
}

func (m *Member) order(t *testing.T, o order) {
	t.Helper()
	if err := json.NewEncoder(m.orders).Encode(o); err != nil {
		t.Fatalf("sending an order to a member: %v", err)
	}
}

// next returns the next report, and false when the member is gone.
func (m *Member) next() (r report, more bool) {
	more = m.reports.Scan() && json.Unmarshal(m.reports.Bytes(), &r) == nil
	return r, more
}

// until waits until the member has reached a stage.
func (m *Member) until(t *testing.T, stage Stage) {
	t.Helper()
	for {
		r, more := m.next()
		if !more || r.Reached == "" {
			t.Fatalf("a member says %+v, want that it has reached the stage %q", r, stage)
		}
		if r.Reached == stage {
			return
		}
	}
}

// result waits until the member has carried out the order, and returns its report.
func (m *Member) result(t *testing.T) report {
	t.Helper()
	for {
		r, more := m.next()
		if !more {
			t.Fatal("a member is gone")
		}
		if r.Reached == "" {
			return r
		}
	}
}

// Kill ends the member with SIGKILL.
func (m *Member) Kill() { m.killed() }

// killed is Kill. It returns the stages that the member has reported and that
// nobody has read yet.
func (m *Member) killed() (reached []Stage) {
	if m.process.ProcessState != nil {
		return nil
	}
	_ = m.process.Process.Kill()
	for {
		r, more := m.next()
		if !more {
			break
		}
		reached = append(reached, r.Reached)
	}
	_ = m.process.Wait()
	return reached
}
