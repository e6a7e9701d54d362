package testservices

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// StartRedis is NewRedis for one test. It removes the server when the test ends.
func StartRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := NewRedis(args...)
	return forTest(t, s, err)
}

// NewRedis starts a redis-server with additional arguments. The caller must remove
// it.
func NewRedis(args ...string) (*Server, error) { return newRedis(nil, args...) }

// newRedis starts a redis-server through a launcher: a program and its arguments
// that come before the server's.
func newRedis(launcher []string, args ...string) (*Server, error) {
	program, err := findProgram("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	command := append(launcher, program)
	return newServer(command[0], pingRedis, func(folder, port string) ([]string, error) {
		return slices.Concat(command[1:], []string{
			"--port", port, "--bind", "127.0.0.1", "--dir", folder,
			"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes",
			"--repl-diskless-sync-delay", "0",
		}, args), nil
	})
}

// StartRedisCluster starts a cluster of three masters and returns their
// addresses. It removes the cluster when the test ends.
func StartRedisCluster(t testing.TB) (addresses []string) {
	t.Helper()
	for range 3 {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		s := StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", port)
		addresses = append(addresses, s.Address)
	}
	cli := Program(t, "redis-cli", "redis-tools")
	words, err := exec.Command(cli, append([]string{"--cluster-yes", "--cluster", "create"}, addresses...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("making a cluster: %v\n%s", err, words)
	}
	for _, address := range addresses {
		_, port, _ := net.SplitHostPort(address)
		for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
			words, _ = exec.Command(cli, "-p", port, "cluster", "info").CombinedOutput()
			if strings.Contains(string(words), "cluster_state:ok") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the cluster is not ready:\n%s", words)
			}
		}
	}
	return addresses
}

func pingRedis(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+PONG") && !strings.HasPrefix(line, "-NOAUTH") {
		err = fmt.Errorf("redis-server says %q", line)
	}
	return err
}
