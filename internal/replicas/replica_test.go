package replicas_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// replica is a process that serves the app, and the processes that replace it when
// it is killed. All listen at the same address.
type replica struct {
	config replicaConfig
	number int
	log    *os.File

	mu      sync.Mutex
	process *exec.Cmd
	stdin   io.Closer
	starts  int
	killed  map[string]bool // by the name of the process
}

// newReplica starts a replica, which stops when the test ends.
func newReplica(t *testing.T, number int, config replicaConfig) *replica {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "replica")
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{config: config, number: number, log: log, killed: make(map[string]bool)}
	t.Cleanup(func() {
		r.stop(t)
		if t.Failed() {
			r.showLog(t)
		}
		_ = log.Close()
	})
	r.start(t)
	return r
}

// start starts a process and waits until it listens.
func (r *replica) start(t *testing.T) {
	t.Helper()
	if err := r.tryStart(); err != nil {
		t.Fatalf("starting replica %d: %v", r.number, err)
	}
}

func (r *replica) tryStart() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts++
	r.config.Name = fmt.Sprintf("%d.%d", r.number, r.starts)
	text, err := json.Marshal(r.config)
	if err != nil {
		return err
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	process := exec.Command(binary, "-test.run=^$")
	process.Env = append(os.Environ(), replicaVariable+"="+string(text))
	process.Stderr = r.log
	stdin, err := process.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	r.process, r.stdin = process, stdin
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return fmt.Errorf("it says %q: %w", line, err)
	}
	return nil
}

// kill ends the process with SIGKILL.
func (r *replica) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed[r.config.Name] = true
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
	r.process = nil
}

func (r *replica) wasKilled(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killed[name]
}

// stop makes the process save everything and end.
func (r *replica) stop(t *testing.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		return
	}
	_ = r.stdin.Close()
	if err := r.process.Wait(); err != nil {
		t.Errorf("replica %s: %v", r.config.Name, err)
	}
	r.process = nil
}

const shownLog = 16 << 10

func (r *replica) showLog(t *testing.T) {
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		t.Log(err)
		return
	}
	t.Logf("the end of the log of replica %d:\n%s", r.number, text[max(0, len(text)-shownLog):])
}
